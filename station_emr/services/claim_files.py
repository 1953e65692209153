"""A visit, its bill and its papers brought together as a claim. Asks nobody who they are: whoever uses
this has asked already.
"""

from __future__ import annotations

import zlib
from typing import Any, Final

from station_emr.domain.billing import Bill
from station_emr.domain.claim import (
    ClaimFile,
    ClaimPlace,
    Finding,
    ForeignFile,
    Severity,
    blocking,
)
from station_emr.domain.claim_source import ClaimOptions, ClaimSource
from station_emr.domain.encounter import Encounter
from station_emr.domain.errors import UserError
from station_emr.domain.record import RecordStatus

from .claim_places import Origin, mended_at, placed
from .claim_ports import ClaimFormat
from .claim_settings import read_claim_settings
from .joined import standing_person
from .ports import Clock, Store, Stored, Work

_STANDING: Final = frozenset({RecordStatus.SIGNED, RecordStatus.AMENDED})
_MOST_SAID: Final = 5
_OPEN: Final = _STANDING | {RecordStatus.DRAFT}
NOT_SIGNED: Final = "Lượt khám chưa ký nên chưa lập hồ sơ BHYT được."
VOIDED: Final = "Lượt khám đã hủy nên không có hồ sơ BHYT."
NO_BILL: Final = "Lượt khám chưa có bảng kê chi phí nên hồ sơ BHYT chưa có số tiền nào."
OPEN_BILL: Final = "Bảng kê chi phí của lượt khám chưa chốt."


class ClaimFiles:
    """Makes claims of visits."""

    def __init__(self, store: Store, clock: Clock, claim_format: ClaimFormat) -> None:
        self._store = store
        self._clock = clock
        self._format = claim_format

    def file_of(self, encounter_id: str) -> ClaimFile:
        """The record of a visit. Raises UserError when the visit cannot be one yet: it is not signed,
        was voided, or has no closed bill.
        """
        with self._store.read() as work:
            for finding in self.missing_within(work, encounter_id):
                raise UserError(f"{finding.message} {finding.remedy}")
            return self.within(work, encounter_id)

    def health_book_of(self, work: Work, encounter: Encounter) -> bytes:
        """The file for the electronic health book, inside a transaction of the caller. Raises
        UserError when the tables refuse what the visit holds.
        """
        claim = self._format.health_book(self._source(work, encounter, drafts=False))
        origin = Origin(patient_id=encounter.patient_id, encounter=encounter)
        found = [placed(one, origin) for one in blocking(self._format.findings(claim))]
        if found:
            said = [f"{one.message} {mended_at(one)}".strip() for one in found[:_MOST_SAID]]
            rest = len(found) - len(said)
            raise UserError(" ".join([*said, *([f"Còn {rest} chỗ nữa."] if rest else [])]))
        return self._format.write(claim)

    def check_in_of(self, encounter_id: str) -> ClaimFile:
        """The check-in of a visit, as soon as it has begun. Raises NotFound."""
        with self._store.read() as work:
            source = self._source(work, work.encounters.get(encounter_id).record, drafts=True)
        return self._format.check_in(source)

    def draft_of(self, encounter: Encounter) -> ClaimFile:
        """What a visit would send as it is being written, with the papers that are there already."""
        with self._store.read() as work:
            source = self._source(work, encounter, drafts=True)
        return self._format.record(source)

    def within(self, work: Work, encounter_id: str) -> ClaimFile:
        """The record of a visit inside a transaction of the caller; what is missing stays empty."""
        stored = work.encounters.get(encounter_id)
        return self._format.record(self._source(work, stored.record, drafts=False))

    def missing_within(self, work: Work, encounter_id: str) -> tuple[Finding, ...]:
        """Why a visit cannot be a claim at all yet. Raises NotFound."""
        stored = work.encounters.get(encounter_id)
        place = ClaimPlace(
            patient_id=stored.record.patient_id, encounter_id=encounter_id, screen="visit"
        )
        if stored.status is RecordStatus.VOIDED:
            return (_missing("visit-voided", VOIDED, "Không cần làm gì.", place),)
        if stored.status not in _STANDING:
            return (_missing("visit-open", NOT_SIGNED, "Hãy ký lượt khám trước.", place),)
        bill = work.bills.of_encounter(encounter_id)
        place = ClaimPlace(
            patient_id=stored.record.patient_id, encounter_id=encounter_id, screen="bill"
        )
        if bill is None or bill.status is RecordStatus.VOIDED:
            return (_missing("no-bill", NO_BILL, "Hãy lập và chốt bảng kê ở mục Viện phí.", place),)
        if bill.status not in _STANDING:
            return (_missing("bill-open", OPEN_BILL, "Hãy chốt bảng kê ở mục Viện phí.", place),)
        return ()

    def write(self, claim: ClaimFile) -> bytes:
        """The file without a signature, as it is exported."""
        return self._format.write(claim)

    def schema_findings(self, claim: ClaimFile) -> tuple[Finding, ...]:
        """What the schemas of its decision refuse in it."""
        return self._format.findings(claim)

    def read(self, data: bytes) -> ForeignFile:
        """A file of claims by any program; never raises for what it holds."""
        return self._format.read(data)

    def version_of(self, encounter_id: str) -> int:
        """Another number as soon as the visit, its bill, a paper or the person's chart has another
        version: a file made under the old number is out of date. Numbers say nothing of their order.
        """
        with self._store.read() as work:
            visit = work.encounters.get(encounter_id)
            parts: tuple[Stored[Any] | None, ...] = (
                visit,
                work.bills.of_encounter(encounter_id),
                work.prescriptions.of_encounter(encounter_id),
                work.appointments.of_encounter(encounter_id),
                work.referrals.of_encounter(encounter_id),
                work.certificates.of_encounter(encounter_id),
                work.patients.get(visit.record.patient_id),
            )
        told = ";".join(f"{one.record.id}:{one.version}" if one else "" for one in parts)
        return zlib.crc32(told.encode())

    def is_current(self, encounter_id: str, version: int, content: bytes) -> bool:
        """Whether the record made of a visit under this number of :meth:`version_of` still says what a
        new one would. A new version alone is no reason to sign again: its words have to differ.
        """
        if self.version_of(encounter_id) == version:
            return True
        with self._store.read() as work:
            if self.missing_within(work, encounter_id):
                return False
            now = self.within(work, encounter_id)
        kept = self.read(content).claims
        return [one.tables for one in kept] == [now.tables]

    def _source(self, work: Work, visit: Encounter, *, drafts: bool) -> ClaimSource:
        good = _OPEN if drafts else _STANDING
        bill: Bill | None = _kept(work.bills.of_encounter(visit.id), good)
        return ClaimSource(
            encounter=visit,
            patient=standing_person(work, visit.patient_id),
            options=self._options(work, visit),
            bill=bill,
            prescription=_kept(work.prescriptions.of_encounter(visit.id), good),
            appointment=_kept(work.appointments.of_encounter(visit.id), good),
            referral=_kept(work.referrals.of_encounter(visit.id), good),
            sick_leave=_kept(work.certificates.of_encounter(visit.id), good),
        )

    def _options(self, work: Work, visit: Encounter) -> ClaimOptions:
        settings = read_claim_settings(work)
        ended = visit.ended_at or visit.arrived_at
        return ClaimOptions(
            facility_code=work.settings.station().code,
            version=self._format.version_on(ended.date(), dict(settings.standards)),
            made_on=self._clock.now().date(),
            department=settings.department,
            head_code=settings.head_code,
            district=settings.district,
            # People have no employee number of their own; the log-in name is unique at the station.
            staff_codes={one.id: one.username.upper() for one in work.users.all()},
        )


def _kept(stored: Stored[Any] | None, good: frozenset[RecordStatus]) -> Any:
    return stored.record if stored is not None and stored.status in good else None


def _missing(rule: str, message: str, remedy: str, place: ClaimPlace) -> Finding:
    return Finding(
        rule=rule, severity=Severity.BLOCKING, message=message, remedy=remedy, place=place
    )
