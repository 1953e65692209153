"""Looking through a visit, or a file, with the rules of the insurance while there is time to mend it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from station_emr.domain.claim import ClaimFile, Finding, ForeignFile, Severity, blocking
from station_emr.domain.encounter import Encounter
from station_emr.domain.errors import PermissionDenied
from station_emr.domain.permissions import Action
from station_emr.domain.record import RecordStatus
from station_emr.domain.sensitive import REFUSED
from station_emr.domain.user import Actor

from .claim_files import ClaimFiles
from .claim_findings import ClaimFindings
from .claim_places import Origin, is_pending, placed
from .guards import allow
from .ports import Clock, Store
from .restricted import hidden_visits

CHECK: str = "claim.check"
_FINAL = frozenset({RecordStatus.SIGNED, RecordStatus.AMENDED})


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimFault:
    """Findings that are mended together at one place, such as a code missing in every row."""

    title: str
    finding: Finding  # the first of them
    count: int = 1

    @property
    def blocks(self) -> bool:
        return self.finding.blocks


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitCheck:
    """What the rules say of a visit as it stands. What is not due yet is left out while it is written."""

    encounter_id: str
    insured: bool = False
    billed: bool = False
    faults: tuple[ClaimFault, ...] = ()

    @property
    def errors(self) -> int:
        return sum(1 for fault in self.faults if fault.blocks)

    @property
    def reminders(self) -> int:
        return len(self.faults) - self.errors


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedClaim:
    """One encounter of a file with what the rules say of it."""

    claim: ClaimFile
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FileCheck:
    """A file of claims, ours or another program's. ``file.findings`` are what is wrong with reading it."""

    file: ForeignFile
    claims: tuple[CheckedClaim, ...] = ()

    @property
    def may_be_sent(self) -> bool:
        return self.file.readable and not any(blocking(one.findings) for one in self.claims)


class ClaimInspection:
    """Use cases of whoever writes a visit or holds a file."""

    def __init__(
        self, store: Store, clock: Clock, files: ClaimFiles, findings: ClaimFindings
    ) -> None:
        self._store = store
        self._clock = clock
        self._files = files
        self._findings = findings

    def of_visit(self, actor: Actor, encounter_id: str) -> VisitCheck:
        """Of the visit as it is kept, signed or not. Raises NotFound, PermissionDenied for a restricted
        visit. The look at the visit itself was logged where it was opened.
        """
        allow(actor, Action.ENCOUNTER_VIEW)
        with self._store.read() as work:
            if hidden_visits(work, actor, [encounter_id], self._clock.now().date()):
                raise PermissionDenied(REFUSED)
            stored = work.encounters.get(encounter_id)
            bill = work.bills.of_encounter(encounter_id)
            signed = stored.status in _FINAL
            claim = self._files.within(work, encounter_id) if signed else None
        encounter: Encounter = stored.record
        if stored.status is RecordStatus.VOIDED:
            return VisitCheck(encounter_id=encounter_id)
        if claim is None:
            claim = self._files.draft_of(encounter)
        standing = bill is not None and bill.status is not RecordStatus.VOIDED
        origin = Origin(
            patient_id=encounter.patient_id,
            encounter=encounter,
            bill=bill.record if bill is not None and standing else None,
        )
        billed = origin.bill is not None and bool(origin.bill.items)
        insured = bool(claim.summary.get("MA_THE_BHYT"))
        found = self._findings.unplaced([claim])[0] if insured else ()
        return VisitCheck(
            encounter_id=encounter_id,
            insured=insured,
            billed=billed,
            faults=self._faults(
                [
                    placed(finding, origin)
                    for finding in found
                    if not is_pending(finding, signed=signed, billed=billed)
                ]
            ),
        )

    def of_file(self, actor: Actor, data: bytes) -> FileCheck:
        """Of every encounter in a file. Nothing is kept but the line in the log."""
        allow(actor, Action.BILL_PREPARE)
        file = self._files.read(data)
        found = self._findings.unplaced(file.claims)
        checked = tuple(
            CheckedClaim(claim=claim, findings=findings)
            for claim, findings in zip(file.claims, found, strict=True)
        )
        with self._store.write() as work:
            work.audit.append(
                actor, CHECK, self._clock.now(), detail={"count": str(len(file.claims))}
            )
        return FileCheck(file=file, claims=checked)

    def _faults(self, findings: list[Finding]) -> tuple[ClaimFault, ...]:
        """The blocking ones first; what is mended at one place once."""
        keys = [(one.rule, one.element, one.place) for one in findings]
        counts = Counter(keys)
        first = dict(zip(reversed(keys), reversed(findings), strict=True))
        faults = [
            ClaimFault(title=self._findings.title(finding), finding=finding, count=counts[key])
            for key in dict.fromkeys(keys)
            for finding in (first[key],)
        ]
        return tuple(sorted(faults, key=lambda one: one.finding.severity is Severity.WARNING))
