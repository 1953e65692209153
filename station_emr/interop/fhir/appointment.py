"""A follow-up slip → Appointment: a day asked for, not a booked hour."""

from __future__ import annotations

from station_emr.domain.appointment import Appointment

from .datatypes import (
    Resource,
    day,
    identifier,
    moment,
    present,
    reference,
    resource,
    staff,
)
from .encounter import reason_concept
from .facility import location_id
from .own_extensions import AsSigned, OwnFields
from .uris import UriTable

SLIP = OwnFields("appointment-slip", Appointment, ("visited_on", "admitted_on", "discharged_on"))
SIGNED = AsSigned(Appointment, ("station", "patient", "practitioner", "signature"))


def appointment_resources(appointment: Appointment, uris: UriTable) -> list[Resource]:
    """``proposed`` with a requested day: R4 allows ``booked`` only with an hour, and a slip has none."""
    who = [{"actor": reference("Patient", appointment.patient_id), "status": "accepted"}]
    if appointment.practitioner is not None:
        who.append({"actor": staff(appointment.practitioner), "status": "accepted"})
    if appointment.station is not None:
        place = reference(
            "Location", location_id(appointment.station.facility_id), appointment.station.name
        )
        who.append({"actor": place, "status": "accepted"})
    on = day(appointment.on)
    return [
        resource(
            "Appointment",
            appointment.id,
            extension=present(
                SLIP.write(appointment),
                SIGNED.write(appointment),
            ),
            identifier=present(
                identifier(uris.record, appointment.id),
                identifier(uris.appointment_number, appointment.number, "PLAC"),
            ),
            status="proposed",
            reasonCode=[reason_concept(diagnosis) for diagnosis in appointment.diagnoses],
            description="Khám lại",
            supportingInformation=present(reference("Encounter", appointment.encounter_id)),
            created=moment(appointment.signature.at) if appointment.signature else None,
            comment=appointment.note,
            participant=who,
            requestedPeriod=[{"start": on, "end": on}] if on else [],
        )
    ]
