"""What use cases show without changing anything, and so write no line of their own.

One table for all of them: when such a use case has answered, the look is noted. What is neither here
nor writes its own line stands in ``UNLOGGED`` with the reason; a test goes through every use case.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from types import MappingProxyType
from typing import Any, Final

from station_emr.domain.user import Actor

from .ports import Clock, Store
from .readings import ONE_LOOK, Readings

_LIST: Final = timedelta(hours=1)  # a list refreshes itself all day long


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """``action`` as it stands in the log. A list names nobody; else the record is that of the answer
    or of the question, and where there is none (no such paper) nothing was seen.
    """

    action: str
    of_list: bool = False

    @property
    def once_in(self) -> timedelta:
        return _LIST if self.of_list else ONE_LOOK


def _list(action: str) -> Look:
    return Look(action=action, of_list=True)


LOOKS: Final[Mapping[str, Look]] = MappingProxyType(
    {
        "accounts.audit": _list("audit.view"),
        "appointments.of_encounter": Look(action="appointment.view"),
        "appointments.prepare": Look(action="appointment.draft"),
        "appointments.save_draft": Look(action="appointment.draft"),
        "billing.add": Look(action="bill.draft"),
        "billing.of_encounter": Look(action="bill.view"),
        "billing.prepare": Look(action="bill.draft"),
        "billing.recount": Look(action="bill.draft"),
        "billing.refill": Look(action="bill.draft"),
        "billing.rows": _list("bill.list"),
        "billing.save_draft": Look(action="bill.draft"),
        "certificates.of_encounter": Look(action="certificate.view"),
        "certificates.prepare": Look(action="certificate.draft"),
        "certificates.save_draft": Look(action="certificate.draft"),
        "conflicts.decided": _list("patient.list"),
        "conflicts.of_patient": Look(action="patient.view"),
        "conflicts.rows": _list("patient.list"),
        "duplicates.joined": _list("patient.list"),
        "duplicates.of_link": _list("patient.list"),
        "duplicates.proposals": _list("patient.list"),
        "elsewhere.sharing.kept": _list("patient.list"),
        "encounters.queue": _list("encounter.list"),
        "exports.signed_visits": _list("encounter.list"),
        "encounters.save_draft": Look(action="encounter.draft"),
        "notifications.get": Look(action="notification.view"),
        "notifications.of_encounter": _list("notification.list"),
        "notifications.prepare": Look(action="notification.draft"),
        "notifications.rows": _list("notification.list"),
        "notifications.save_draft": Look(action="notification.draft"),
        "gateways.cards.history": Look(action="card.view"),
        "gateways.cards.known": Look(action="card.view"),
        "gateways.day.line": _list("claim.list"),
        "gateways.day.lines": _list("claim.list"),
        "gateways.messages": _list("gateway.list"),
        "gateways.to_decide": _list("gateway.list"),
        "foreign_visits.of_patient": Look(action="patient.view"),
        "patients.by_number": _list("patient.search"),
        "patients.duplicates": _list("patient.search"),
        "patients.search": _list("patient.search"),
        "prescriptions.current_lines": Look(action="patient.view"),
        "prescriptions.of_encounter": Look(action="prescription.view"),
        "prescriptions.prepare": Look(action="prescription.draft"),
        "prescriptions.save_draft": Look(action="prescription.draft"),
        "privacy.breaches.rows": _list("data_breach.list"),
        "privacy.consents.of_patient": Look(action="consent.view"),
        "privacy.consents.unanswered": _list("consent.list"),
        "privacy.requests.rows": _list("privacy_request.list"),
        "prints.log": _list("audit.view"),
        "prints.preview_draft": Look(action="encounter.view"),
        "registers.late": _list("register.list"),
        "registers.show": _list("register.list"),
        "reports.show": _list("report.list"),
        "referrals.feedback": Look(action="feedback.view"),
        "referrals.of_encounter": Look(action="referral.view"),
        "referrals.prepare": Look(action="referral.draft"),
        "referrals.row": Look(action="referral.view"),
        "referrals.rows": _list("referral.list"),
        "referrals.save_draft": Look(action="referral.draft"),
        "sync.names": _list("patient.list"),
        "sync.quarantined": _list("patient.list"),
        "sync.waiting": _list("patient.list"),
    }
)

UNLOGGED: Final[Mapping[str, str]] = MappingProxyType(
    {
        "accounts.clock_warning": "says nothing of anybody",
        "accounts.locked": "whether an account is locked stands on every log-in page",
        "accounts.users": "the names stand on every log-in page",
        "billing.base_salaries": "amounts with their days; nobody's record",
        "billing.base_salary": "an amount; nobody's record",
        "billing.search": "rows of a list; nobody's record",
        "billing.sums": "numbers alone",
        "certificates.limit": "a number of days",
        "certificates.rules": "rules, nobody's record",
        "catalogs.preview_import": "writes nothing and names nobody",
        "catalogs.summaries": "lists of codes name nobody",
        "claim_checks.of_visit": "judges what the page of the visit shows, whose opening is logged",
        "claims.visits_of": "ids of visits; what is made of them has lines of its own",
        "courier.own_key": "a public key",
        "dossier.settings": "rules, nobody's record",
        "dossier.show": "numbers, rules and names of staff; nobody's record",
        "drafts.amendment": "what the same person typed a moment ago",
        "drafts.drop_amendment": "the amendment's own line says what became of it",
        "drafts.keep_amendment": "every pause in typing; the amendment's own line tells it",
        "drafts.drop": "a form that was never saved; the record's own line says what became of it",
        "drafts.find": "what the same person typed a moment ago",
        "drafts.keep": "every pause in typing; the record's own line says that somebody writes",
        "gateways.attempts": "when a gateway was tried; nobody's record",
        "gateways.outages": "when a gateway was away; nobody's record",
        "gateways.send_now": "wakes the queue; what is sent has lines of its own",
        "gateways.settings.read": "addresses and codes of the station",
        "gateways.settings.secrets_kept": "whether a password is kept, never which",
        "gateways.standing": "numbers alone",
        "notifications.check": "judges what the same person types",
        "notifications.clock": "numbers alone",
        "notifications.needed": "compares codes with a table",
        "notifications.rules": "a table of diseases",
        "people.access.grants": "names of staff and what they may do",
        "people.access.policy": "rules, nobody's record",
        "people.access.rights_rows": "names of staff and what they may do",
        "people.access.rows": "names of staff; they stand on every log-in page",
        "people.access.warning": "says how old the own password is",
        "people.emergency.alarm": "a sentence that names no patient",
        "people.emergency.mine": "what the same person opened a moment ago",
        "people.emergency.rows": "follows emergency.open, which names whose record it was",
        "people.roles.cells": "a table of rights",
        "people.roles.changes": "a table of rights",
        "people.roles.origin": "a table of rights",
        "people.roles.table": "the own rights",
        "people.second_factor.standing": "says whether the own telephone is joined",
        "prints.copies": "a number",
        "prints.recovery_sheet": "follows account.new_recovery_code",
        "privacy.breaches.blank": "an empty form",
        "privacy.consents.allowed": "a yes or no that another use case asks for",
        "privacy.consents.blank": "an empty form",
        "privacy.codes.rows": "codes of a list",
        "privacy.ranges": "codes of a list",
        "privacy.requests.blank": "an empty form",
        "rebuild.inspect": "reads who signed a file, no record",
        "referrals.expected_number": "a number",
        "referrals.unread_feedback": "a number",
        "registers.closings": "months, who locked them and when; nobody's record",
        "registers.definition_file": "rules, nobody's record",
        "registers.definitions": "rules, nobody's record",
        "registers.months": "months and how many visits; nobody's record",
        "reports.template_file": "rules, nobody's record",
        "reports.templates": "rules, nobody's record",
        "visit_forms.templates": "labels of forms, nobody's record",
        "trail.actions": "kinds and how often, for the choices above the list",
        "trail.alarm": "a sentence that names nobody",
        "trail.count": "a number of lines, for the question how to take them out",
        "trail.people": "names of staff, for the choices above the list",
        "sync.line_history": "times alone",
        "sync.refused_field": "a part of the list of what was refused",
        "sync.runs": "times and sizes",
        "sync.send_now": "asks for a run, which leaves its own lines",
    }
)


class Looks:
    """Notes what the use cases of one open station showed."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._readings = Readings(store, clock)

    def seen(self, name: str, given: Mapping[str, Any], answer: object) -> None:
        """``name`` as in the table, ``given`` by parameter. Does nothing for what is not there."""
        look = LOOKS.get(name)
        actor = next((one for one in given.values() if isinstance(one, Actor)), None)
        if look is None or actor is None:
            return
        kind = look.action.partition(".")[0]
        if look.of_list:
            self._readings.note(actor, kind, "", "", action=look.action, once_in=look.once_in)
            return
        record, patient = _record_of(given, answer)
        if record:
            self._readings.note(
                actor, kind, record, patient, action=look.action, once_in=look.once_in
            )


def _record_of(given: Mapping[str, Any], answer: object) -> tuple[str, str]:
    """The record's id and its person's, from the answer where it holds one."""
    shown = getattr(answer, "record", answer)
    for source in (shown, *(one for one in given.values() if not isinstance(one, Actor))):
        patient = getattr(source, "patient_id", None)
        if isinstance(patient, str) and isinstance(getattr(source, "id", None), str):
            return str(source.id), patient
    if isinstance(given.get("patient_id"), str):
        return str(given["patient_id"]), str(given["patient_id"])
    return "", ""
