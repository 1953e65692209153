"""Referral letters: prefilled from the visit, numbered without gaps, signed for offline reading."""

from __future__ import annotations

from dataclasses import replace

from station_emr.domain.catalog import CatalogKind
from station_emr.domain.encounter import Encounter, PatientSnapshot
from station_emr.domain.errors import Problem
from station_emr.domain.patient import Patient
from station_emr.domain.permissions import Action
from station_emr.domain.prescription import Prescription
from station_emr.domain.record import Changed, Changes, RecordKind, Signature
from station_emr.domain.referral import PriorCare, Referral, check_referral
from station_emr.domain.referral_feedback import ReferralFeedback
from station_emr.domain.user import Actor
from station_emr.domain.vitals import VitalSigns

from .guards import allow
from .papers import Papers, visit_of
from .ports import CatalogSearch, Clock, LetterSigner, ReferralStore, Store, Stored, Work
from .views import ReferralRow


class Referrals(Papers[Referral]):
    kind = RecordKind.REFERRAL
    prepare_action = Action.REFERRAL_PREPARE
    sign_action = Action.REFERRAL_SIGN
    one_per_visit = True

    def __init__(
        self, store: Store, clock: Clock, catalogs: CatalogSearch, signer: LetterSigner
    ) -> None:
        super().__init__(store, clock, catalogs)
        self._signer = signer

    def _records(self, work: Work) -> ReferralStore:
        return work.referrals

    def rows(self, actor: Actor, limit: int = 200) -> tuple[ReferralRow, ...]:
        allow(actor, Action.ENCOUNTER_VIEW)
        with self._store.read() as work:
            return work.referrals.rows(limit)

    def row(self, actor: Actor, referral_id: str) -> ReferralRow | None:
        """What has become of one letter: printed, sent. None before it is kept as a draft."""
        allow(actor, Action.ENCOUNTER_VIEW)
        with self._store.read() as work:
            return work.referrals.row(referral_id)

    def feedback(self, actor: Actor, referral_id: str) -> ReferralFeedback | None:
        """What the receiving facility answered to a letter; None before there is anything."""
        allow(actor, Action.ENCOUNTER_VIEW)
        with self._store.read() as work:
            found = work.feedback.of_referral(referral_id)
        return None if found is None else found.record

    def unread_feedback(self, actor: Actor) -> int:
        """How many letters have an answer that nobody on this machine has opened."""
        allow(actor, Action.ENCOUNTER_VIEW)
        with self._store.read() as work:
            return work.feedback.unread()

    def mark_feedback_read(self, actor: Actor, referral_id: str) -> Changes:
        """The answer is no longer new on this machine; the log says who read it."""
        allow(actor, Action.ENCOUNTER_VIEW)
        with self._store.write() as work:
            if not work.feedback.mark_read(referral_id):
                return Changes()
            found = work.feedback.of_referral(referral_id)
            if found is None:
                return Changes()
            answer = found.record
            work.audit.append(
                actor,
                "feedback.read",
                self._clock.now(),
                kind=RecordKind.FEEDBACK.value,
                record_id=answer.id,
                patient_id=answer.patient_id,
            )
            change = Changed(RecordKind.FEEDBACK, answer.id, found.version, found.status)
            return Changes((change,))

    def of_encounter(self, actor: Actor, encounter_id: str) -> Stored[Referral] | None:
        allow(actor, Action.ENCOUNTER_VIEW)
        with self._store.read() as work:
            return work.referrals.of_encounter(encounter_id)

    def expected_number(self, actor: Actor) -> str:
        """The number the next letter of this machine would get; nothing is taken."""
        allow(actor, Action.REFERRAL_PREPARE)
        year = self._clock.now().year
        with self._store.read() as work:
            station = work.settings.station()
            number = work.counters.peek("referral", station.series, year)
            return _letter_number(station.series, number, year)

    def prepare(self, actor: Actor, encounter_id: str) -> Referral:
        """A draft prefilled from the visit and its prescription; not saved yet."""
        allow(actor, self.prepare_action)
        now = self._clock.now()
        with self._store.read() as work:
            encounter, patient = visit_of(work, encounter_id)
            station = work.settings.station()
            prescription = work.prescriptions.of_encounter(encounter_id)
            diagnoses = tuple(
                sorted(encounter.diagnoses, key=lambda diagnosis: diagnosis.role.value != "main")
            )
            return Referral(
                id=self._clock.new_id(),
                patient_id=patient.id,
                encounter_id=encounter_id,
                prior_care=(
                    PriorCare(
                        facility=station.name,
                        level=station.level,
                        start=encounter.arrived_at.date(),
                        end=now.date(),
                    ),
                ),
                clinical_signs=_clinical_signs(encounter),
                test_results="; ".join(
                    f"{test.name}: {test.result}"
                    for test in encounter.procedures
                    if test.is_test and test.result
                ),
                diagnoses=diagnoses,
                procedures="; ".join(p.name for p in encounter.procedures if not p.is_test),
                treatment=_treatment(encounter, prescription.record if prescription else None),
                condition_on_transfer=_vitals_text(encounter.latest_vitals),
                transfer_at=now.replace(second=0, microsecond=0),
                # A disease with a condition (annex III) is for the signer to judge and tick.
                one_year=any(self.one_year_condition(d.icd_code) == "" for d in diagnoses[:1]),
                emergency=encounter.priority.value == "emergency",
            )

    def one_year_condition(self, icd_code: str) -> str | None:
        """The condition under which annex III of TT 01/2025 lets a letter run one year.

        None when the disease is not on the list; may be empty when there is no condition.
        """
        today = self._clock.now().date()
        for code in (icd_code, icd_code.split(".", maxsplit=1)[0]):
            row = self._catalogs.find(CatalogKind.ONE_YEAR_REFERRAL, code, today)
            if row is not None:
                return str(row.attributes.get("condition") or "")
        return None

    def _problems(self, work: Work, paper: Referral, patient: Patient) -> tuple[Problem, ...]:
        del work, patient
        return check_referral(paper)

    def _complete(
        self, work: Work, paper: Referral, actor: Actor, snapshot: PatientSnapshot
    ) -> Referral:
        now = self._clock.now()
        station = work.settings.station()
        year = now.year
        number = work.counters.next("referral", station.series, year)
        register = work.counters.next("referral_register", station.series, year)
        encounter = work.encounters.get(paper.encounter_id).record
        signed = replace(
            paper,
            number=_letter_number(station.series, number, year),
            record_number=encounter.number or snapshot.chart_number,
            register_number=f"{station.series}-{register:04d}",
            station=station,
            patient=snapshot,
            referrer=actor.user.snapshot,
            signature=Signature(by=actor.user.snapshot, at=now),
        )
        return replace(signed, letter_code=self._signer.sign(signed))

    def _amended(self, before: Referral, paper: Referral, actor: Actor) -> Referral:
        amended = super()._amended(before, paper, actor)
        return replace(amended, letter_code=self._signer.sign(amended))


def _letter_number(series: str, number: int, year: int) -> str:
    return f"{series}-{number:04d}/{year}/PCCKCB"


def _clinical_signs(encounter: Encounter) -> str:
    parts = [encounter.reason, encounter.history, encounter.examination]
    return ". ".join(part.rstrip(". ") for part in parts if part.strip())


def _vitals_text(vitals: VitalSigns | None) -> str:
    """Vital signs as a sentence without abbreviations (TT 32/2023 art. 52)."""
    if vitals is None:
        return ""
    parts = []
    if vitals.pulse is not None:
        parts.append(f"mạch {vitals.pulse} lần/phút")
    if vitals.systolic is not None and vitals.diastolic is not None:
        parts.append(f"huyết áp {vitals.systolic}/{vitals.diastolic} mmHg")
    if vitals.temperature is not None:
        parts.append(f"nhiệt độ {vitals.temperature} °C".replace(".", ","))
    if vitals.respiratory_rate is not None:
        parts.append(f"nhịp thở {vitals.respiratory_rate} lần/phút")
    if vitals.spo2 is not None:
        parts.append(f"SpO₂ {vitals.spo2}%")
    text = ", ".join(parts)
    return text[:1].upper() + text[1:]


def _treatment(encounter: Encounter, prescription: Prescription | None) -> str:
    parts = [encounter.treatment] if encounter.treatment else []
    if prescription is not None:
        parts += [f"{line.label}: {line.sentence}" for line in prescription.lines]
    return "; ".join(parts)
