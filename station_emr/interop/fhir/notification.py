"""A notice of an infectious disease ↔ Communication: sent when the superior was told."""

from __future__ import annotations

from dataclasses import fields
from typing import Any, Final

from station_emr.domain.notification import CommunicableDiseaseNotification

from .datatypes import (
    Json,
    Resource,
    coding,
    concept,
    identifier,
    moment,
    present,
    reference,
    resource,
    staff,
)
from .own_extensions import AsSigned, OwnFields
from .reading import Parts, by_url, id_in
from .uris import ICD10, UriTable, own_identifier, own_system

_SNAPSHOTS: Final = ("station", "patient", "practitioner", "signature")
_ELSEWHERE: Final = frozenset({"id", "patient_id", *_SNAPSHOTS})
DETAILS: Final = OwnFields(
    "disease-notification",
    CommunicableDiseaseNotification,
    tuple(
        one.name for one in fields(CommunicableDiseaseNotification) if one.name not in _ELSEWHERE
    ),
)
SIGNED: Final = AsSigned(CommunicableDiseaseNotification, _SNAPSHOTS)
_NUMBER: Final = own_identifier("disease-notification-number")
_DISEASE: Final = own_system("notifiable-disease")


def notification_resources(
    notification: CommunicableDiseaseNotification, uris: UriTable
) -> list[Resource]:
    """The visit stands in the extension alone: it may not have been signed, so nobody holds it yet."""
    told = notification.reported_at
    return [
        resource(
            "Communication",
            notification.id,
            extension=present(DETAILS.write(notification), SIGNED.write(notification)),
            identifier=present(
                identifier(uris.record, notification.id),
                identifier(_NUMBER, notification.number, "PLAC"),
            ),
            status="completed" if told is not None else "in-progress",
            category=[concept(text="Thông báo ca bệnh truyền nhiễm")],
            priority="urgent",
            subject=reference("Patient", notification.patient_id),
            topic=concept(
                coding(_DISEASE, notification.disease_code, notification.disease_name),
                text=notification.disease_name,
            ),
            sent=moment(told),
            recipient=present(_receiver(notification)),
            sender=staff(notification.practitioner),
            reasonCode=present(
                concept(
                    coding(ICD10, notification.icd_code, notification.icd_title),
                    text=notification.icd_title,
                )
            ),
        )
    ]


def _receiver(notification: CommunicableDiseaseNotification) -> Json:
    return {"display": notification.reported_to} if notification.reported_to else {}


def read_notification(parts: Parts, uris: UriTable) -> CommunicableDiseaseNotification:
    del uris
    root = parts.root
    extensions = by_url(root)
    told: dict[str, Any] = {**DETAILS.read(extensions), **SIGNED.read(extensions)}
    told.setdefault("encounter_id", "")
    return CommunicableDiseaseNotification(
        id=parts.record_id, patient_id=id_in(root["subject"], "Patient"), **told
    )
