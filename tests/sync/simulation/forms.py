"""What a visit or a person's wish gives rise to: papers, signatures under them, notices, consents,
requests and leaks.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from station_emr.domain.consent import Consent, ConsentForm, ConsentGiver
from station_emr.domain.record import RecordKind, RecordStatus
from station_emr.domain.signature import SIGNED_KINDS, DocumentSignature, SignerKind, SignMethod
from station_emr.services.record_stores import record_store
from tests.interop import bill_records as bills
from tests.interop import fhir_records as sample
from tests.interop import form_records as forms
from tests.interop import privacy_records as privacy

from .machine import Machine
from .people import (
    BILL,
    BREACH,
    CERTIFICATE,
    CONSENT,
    ENCOUNTER,
    FIELDS,
    NOTIFICATION,
    PATIENT,
    REQUEST,
    SPOILT_FIELD,
    People,
    is_spoilt,
)

SIGNATURE = RecordKind.SIGNATURE
PAPERS = {
    RecordKind.PRESCRIPTION: sample.PRESCRIPTION,
    RecordKind.REFERRAL: sample.REFERRAL,
    RecordKind.APPOINTMENT: sample.APPOINTMENT,
    CERTIFICATE: forms.CERTIFICATE,
    BILL: bills.BILL,
}
_NUMBERED = {kind: kind.value for kind in PAPERS if kind is not RecordKind.PRESCRIPTION}


class Forms(People):
    """People who hand out papers and write down what somebody wants."""

    # --- papers of a visit -----------------------------------------------------------------------

    def _paper(self, machine: Machine) -> None:
        """One or two papers of a visit; two people may both write one before they hear of each other."""
        self._papers(machine, self.chance.sample(list(PAPERS), self.chance.choice((1, 2))))

    def _papers(self, machine: Machine, kinds: list[RecordKind]) -> None:
        visit_id = self._some(machine, ENCOUNTER) or self._sign_visit(machine, "")
        found = machine.newest(ENCOUNTER, visit_id) if visit_id else None
        if found is None or found[1]:
            return  # nothing is written on a voided visit
        for kind in kinds:
            self._hand_out(machine, kind, found[0])

    def _hand_out(
        self, machine: Machine, kind: RecordKind, visit: Any, spoilt: str = ""
    ) -> str | None:
        """``spoilt`` is a word that the province refuses."""
        record_id = machine.clock.new_id()

        def step(work: Any, _before: Any) -> Any:
            plain = replace(
                PAPERS[kind], id=record_id, patient_id=visit.patient_id, encounter_id=visit.id
            )
            numbers = []
            if kind in _NUMBERED:
                numbers = [machine.series_number(work, _NUMBERED[kind])]
                plain = replace(plain, number=numbers[0])
            after, marks = self._put(plain, kind, [self.chance.choice(FIELDS[kind])])
            if spoilt:
                after, marks = replace(after, **{SPOILT_FIELD[kind]: spoilt}), []
            return after, (), marks, numbers

        return record_id if self._written(machine, kind, record_id, step) else None

    def _amend_paper(self, machine: Machine) -> None:
        self._change(machine, self.chance.choice(list(PAPERS)))

    def _void_paper(self, machine: Machine) -> None:
        kind = self.chance.choice((*PAPERS, NOTIFICATION))
        record_id = self._some(machine, kind)
        if record_id is not None:
            self._voided(machine, kind, record_id)

    def _reissue(self, machine: Machine) -> None:
        """A certificate in place of a lost one: the old one is voided in the same transaction."""
        old_id = self._some(machine, CERTIFICATE)
        found = machine.newest(CERTIFICATE, old_id) if old_id else None
        if old_id is None or found is None or found[1] or is_spoilt(CERTIFICATE, found[0]):
            return
        record_id = machine.clock.new_id()

        def step(work: Any, _before: Any) -> Any:
            old = work.certificates.get(old_id)
            work.certificates.add_version(
                old.record,
                RecordStatus.VOIDED,
                author=sample.DOCTOR,
                at=machine.clock.now(),
                reason="Cấp lại",
                expected_version=old.version,
            )
            number = machine.series_number(work, CERTIFICATE.value)
            new = replace(old.record, id=record_id, number=number, reissue_of=old.record.number)
            after, marks = self._put(new, CERTIFICATE, ["reissue_reason"])
            return after, (), marks, [number]

        self._written(machine, CERTIFICATE, record_id, step)

    def _hand(self, machine: Machine) -> None:
        """Somebody signs a document by hand, and a person who saw it writes that down."""
        kinds = [kind for kind in SIGNED_KINDS if self._here(machine, kind)]
        kind = self.chance.choice(kinds or [ENCOUNTER])
        target_id = self._some(machine, kind)
        found = machine.newest(kind, target_id) if target_id else None
        if target_id is None or found is None or found[1]:
            return
        record_id = machine.clock.new_id()

        def step(work: Any, _before: Any) -> Any:
            signed = record_store(work, kind).get(target_id)
            plain = DocumentSignature(
                id=record_id,
                patient_id=signed.record.patient_id,
                target_kind=kind,
                target_id=target_id,
                target_version=signed.version,
                content_sha256=work.signatures.content_sha256(kind, target_id, signed.version),
                method=SignMethod.PAPER,
                signed_at=machine.clock.now(),
                signer_kind=SignerKind.PATIENT,
                signer_name="Người Ký Mẫu",
                witness="ĐD. Mẫu",
            )
            after, marks = self._put(plain, SIGNATURE, ["evidence_number"])
            return after, (), marks, ()

        self._written(machine, SIGNATURE, record_id, step)

    # --- notices, consents, requests, leaks ------------------------------------------------------

    def _notice(self, machine: Machine) -> None:
        """A case may be told of before its visit is signed, here or ever."""
        patient_id = self._some(machine, PATIENT)
        if patient_id is None:
            return
        visit_id = machine.clock.new_id()
        plain = replace(
            forms.NOTIFICATION,
            id=machine.clock.new_id(),
            patient_id=patient_id,
            encounter_id=visit_id,
        )
        self._noted(machine, NOTIFICATION, plain)
        if self.chance.random() < 0.5:
            self._sign_visit(machine, "", visit_id)

    def _consent(self, machine: Machine) -> None:
        patient_id = self._some(machine, PATIENT)
        if patient_id is None:
            return
        record_id = machine.clock.new_id()
        plain = Consent(
            id=record_id,
            patient_id=patient_id,
            purpose="insurer",
            giver=ConsentGiver.PATIENT,
            form=ConsentForm.PAPER,
            given_at=machine.clock.now(),
            recorded_by="BS. Mẫu",
            receiver="Đơn vị Mẫu",
        )

        def step(_work: Any, _before: Any) -> Any:
            after, marks = self._put(plain, CONSENT, ["paper_number"])
            return after, (), marks, ()

        self._written(machine, CONSENT, record_id, step)

    def _take_back(self, machine: Machine) -> None:
        self._change(machine, CONSENT)

    def _put_into(
        self, machine: Machine, kind: RecordKind, record_id: str, paths: list[str]
    ) -> None:
        if kind is not CONSENT:
            super()._put_into(machine, kind, record_id, paths)
            return
        found = machine.newest(kind, record_id)
        if found is None or found[0].withdrawn_at is not None:
            return  # taken back already: there is nothing to say any more

        def step(_work: Any, before: Any) -> Any:
            after, marks = self._put(before, kind, list(FIELDS[CONSENT]))
            return replace(after, withdrawn_at=machine.clock.now()), paths, marks, ()

        self._written(machine, kind, record_id, step)

    def _request(self, machine: Machine) -> None:
        """What a person asks of the own record."""
        patient_id = self._some(machine, PATIENT)
        if patient_id is not None:
            record_id = machine.clock.new_id()
            plain = replace(privacy.REQUEST, id=record_id, patient_id=patient_id)
            self._noted(machine, REQUEST, plain)

    def _leak(self, machine: Machine) -> None:
        self._noted(machine, BREACH, replace(privacy.BREACH, id=machine.clock.new_id()))

    def _noted(self, machine: Machine, kind: RecordKind, plain: Any) -> None:
        def step(work: Any, _before: Any) -> Any:
            number = machine.series_number(work, kind.value)
            after, marks = self._put(replace(plain, number=number), kind, [FIELDS[kind][0]])
            return after, (), marks, [number]

        self._written(machine, kind, plain.id, step)

    def _follow_up(self, machine: Machine) -> None:
        self._change(machine, self.chance.choice((REQUEST, BREACH, NOTIFICATION)))
