"""What several tables say of a visit, said once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Final

from station_emr.domain.birth import age_on
from station_emr.domain.claim_source import ClaimOptions, ClaimSource
from station_emr.domain.encounter import Encounter
from station_emr.domain.patient import Coverage, Patient
from station_emr.domain.record import Sex
from station_emr.domain.text import fold
from station_emr.interop.bhyt.sending import SendingRules, rules_on
from station_emr.interop.bhyt.values import birth_text, day_text, local

_SEX: Final = {Sex.MALE: "1", Sex.FEMALE: "2", Sex.UNKNOWN: "3"}
_OLD: Final = "4750"
_FATHER: Final = frozenset({"cha", "bo", "cha de", "bo de"})
_MOTHER: Final = frozenset({"me", "me de"})


@dataclass(frozen=True)
class Facts:
    """One visit, asked by the builders of the tables."""

    source: ClaimSource

    @property
    def options(self) -> ClaimOptions:
        return self.source.options

    @property
    def encounter(self) -> Encounter:
        return self.source.encounter

    @property
    def patient(self) -> Patient:
        return self.source.patient

    @property
    def old_tables(self) -> bool:
        return self.options.version == _OLD

    @cached_property
    def link_code(self) -> str:
        """MA_LK: the visit's own id, so that it is the same however often the file is made."""
        return self.encounter.id.replace("-", "")

    @cached_property
    def rules(self) -> SendingRules:
        return rules_on(local(self.left_at).date())

    @cached_property
    def left_at(self) -> datetime:
        """When the visit ended as the person lived it, without the days of medicine after it."""
        visit, letter = self.encounter, self.source.referral
        if letter is not None and letter.transfer_at is not None:
            return letter.transfer_at
        if visit.ended_at is not None:
            return visit.ended_at
        if visit.signature is not None:
            return visit.signature.at
        return visit.started_at or visit.arrived_at

    @cached_property
    def discharged_at(self) -> datetime:
        """NGAY_RA: some kinds of care end with the last day of the medicine, one minute to midnight."""
        if self.encounter.care_kind not in self.rules.ends_with_medicine:
            return self.left_at
        last = local(self.left_at) + timedelta(days=max(self.medicine_days - 1, 0))
        return last.replace(hour=23, minute=59, second=0, microsecond=0)

    @cached_property
    def medicine_days(self) -> int:
        prescription = self.source.prescription
        return max((line.days for line in prescription.lines), default=0) if prescription else 0

    @cached_property
    def treatment_days(self) -> int:
        """SO_NGAY_DTRI."""
        kind, rules = self.encounter.care_kind, self.rules
        if kind in rules.days_between:
            stay = local(self.discharged_at).date() - local(self.encounter.arrived_at).date()
            return stay.days + 1
        if kind in rules.days_of_medicine:
            return self.medicine_days
        if kind in rules.days_of_service:
            return len(
                {
                    local(moment).date()
                    for done in self.encounter.procedures
                    if (moment := done.started_at or done.ended_at) is not None
                }
            )
        return 0

    @cached_property
    def cards(self) -> tuple[Coverage, ...]:
        """The cards that pay, as the bill knows them; none for a visit outside the insurance."""
        if self.encounter.visit_object in self.rules.uninsured_objects:
            return ()
        if self.source.bill is not None and self.source.bill.coverages:
            return self.source.bill.coverages
        shown = self.encounter.patient.coverage if self.encounter.patient else None
        card = shown or self.patient.payable_coverage_on(local(self.encounter.arrived_at).date())
        return (card,) if card else ()

    def of_cards(self, values: Iterable[str]) -> str:
        """One value for each card, by semicolons; empty when there is none at all."""
        kept = list(values)
        return ";".join(kept) if any(kept) else ""

    @property
    def writer(self) -> str:
        """The code of who examined."""
        visit = self.encounter
        person = visit.practitioner or (visit.signature.by if visit.signature else None)
        return self.options.staff_code(person)

    @property
    def writer_name(self) -> str:
        visit = self.encounter
        person = visit.practitioner or (visit.signature.by if visit.signature else None)
        return person.full_name if person else ""

    @cached_property
    def main_icd(self) -> str:
        main = self.encounter.main_diagnosis
        return main.icd_code if main else ""

    @cached_property
    def final_diagnosis(self) -> str:
        """CHAN_DOAN_RV: the main illness, then the others, in words."""
        visit = self.encounter
        ordered = [one for one in (visit.main_diagnosis, *visit.secondary_diagnoses) if one]
        return "; ".join(f"{one.title} ({one.note})" if one.note else one.title for one in ordered)

    @property
    def referred(self) -> bool:
        return (
            self.source.referral is not None
            and self.encounter.discharge in self.rules.referral_discharges
        )

    @property
    def is_child(self) -> bool:
        """Young enough for the parents to stand on the discharge paper."""
        day = local(self.encounter.arrived_at).date()
        return age_on(self.patient.birth, day) < self.rules.child_years

    @cached_property
    def parents(self) -> tuple[str, str, str]:
        """Father, mother and other guardian, from the one guardian the chart names."""
        guardian = self.patient.guardian
        if guardian is None:
            return "", "", ""
        relation = fold(guardian.relationship)
        if relation in _FATHER:
            return guardian.full_name, "", ""
        if relation in _MOTHER:
            return "", guardian.full_name, ""
        return "", "", guardian.full_name

    @property
    def sex(self) -> str:
        return _SEX[self.patient.sex]

    @property
    def birth(self) -> str:
        return birth_text(self.patient.birth)

    @property
    def identity_number(self) -> str:
        return self.patient.national_id or self.patient.old_national_id

    @property
    def chart(self) -> str:
        """MA_BN."""
        return self.patient.chart_number or self.patient.id

    @property
    def occupation(self) -> str:
        """MA_NGHE_NGHIEP: five digits until QĐ 3176, two since; zeros for none."""
        code = self.patient.occupation_code or "00"
        return code.ljust(5, "0") if self.old_tables else code[:2]

    @property
    def next_visit(self) -> str:
        slip = self.source.appointment
        return day_text(slip.on) if slip is not None else ""
