"""Claims of the insurance for people at a screen: what would be sent, files to take away, files of others.

What a check refuses is never written out. Files that leave are readable by anyone who holds them, so
each one is a line in the log under the person whose record it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Final

from station_emr.domain.claim import (
    ClaimFile,
    ClaimPlace,
    Finding,
    Severity,
    blocking,
)
from station_emr.domain.errors import PermissionDenied, UserError
from station_emr.domain.file_names import file_part
from station_emr.domain.permissions import Action
from station_emr.domain.record import RecordKind, RecordStatus
from station_emr.domain.sensitive import REFUSED
from station_emr.domain.user import Actor

from .claim_files import ClaimFiles
from .claim_ports import SIGNATURE_PLACE, ClaimReview, XmlSigner
from .guards import allow
from .ports import Clock, Store, Work
from .readings import Readings
from .restricted import hidden_visits
from .secret import Secret

VIEW: Final = "claim.view"
EXPORT: Final = "claim.export"
MOST_AT_ONCE: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimPreview:
    """What a visit would send. ``claim`` is there even when findings stand against it."""

    encounter_id: str
    patient_id: str
    claim: ClaimFile
    findings: tuple[Finding, ...] = ()

    @property
    def ready(self) -> bool:
        return not blocking(self.findings)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportedClaim:
    """One file to be written out."""

    encounter_id: str
    patient_id: str
    name: str  # of the file
    content: bytes
    signed: bool
    findings: tuple[Finding, ...] = ()  # warnings that do not hold it back


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldBack:
    """A visit of which no file was made, and why."""

    encounter_id: str
    patient_id: str
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimExport:
    files: tuple[ExportedClaim, ...] = ()
    held_back: tuple[HeldBack, ...] = ()


class Claims:
    """Use cases of whoever settles with the insurance. ``checks`` knows the named rules."""

    def __init__(
        self, store: Store, clock: Clock, files: ClaimFiles, checks: ClaimReview, signer: XmlSigner
    ) -> None:
        self._store = store
        self._clock = clock
        self._files = files
        self._checks = checks
        self._signer = signer
        self._readings = Readings(store, clock)

    def preview(self, actor: Actor, encounter_id: str) -> ClaimPreview:
        """What the visit would send as it stands, and everything that stands against it. The look is
        logged. Raises NotFound, PermissionDenied for a restricted visit.
        """
        allow(actor, Action.ENCOUNTER_VIEW)
        with self._store.read() as work:
            if hidden_visits(work, actor, [encounter_id], self._today()):
                raise PermissionDenied(REFUSED)
            made = self._made(work, encounter_id)
        (made,) = self._judged([made])
        self._readings.note(actor, RecordKind.ENCOUNTER, encounter_id, made.patient_id, action=VIEW)
        return made

    def visits_of(self, actor: Actor, since: date, until: date) -> tuple[str, ...]:
        """The signed visits of these days, in the order in which people came."""
        allow(actor, Action.ENCOUNTER_VIEW)
        with self._store.read() as work:
            rows = work.bills.rows(since, until, 1_000_000)
        final = {RecordStatus.SIGNED, RecordStatus.AMENDED}
        found = [row for row in rows if row.visit_status in final]
        return tuple(
            row.encounter_id for row in sorted(found, key=lambda row: row.arrived_at.timestamp())
        )

    def export(
        self, actor: Actor, encounter_ids: Sequence[str], secret: Secret | None = None
    ) -> ClaimExport:
        """The files of these visits, signed when the secret of the facility's key comes with them.

        A visit that a check refuses is held back with its findings; so is one that this person may
        not see. Raises SigningFailure, and then nothing leaves.
        """
        try:
            allow(actor, Action.BILL_CLOSE)
            if len(encounter_ids) > MOST_AT_ONCE:
                raise UserError(f"Mỗi lần xuất nhiều nhất {MOST_AT_ONCE} lượt khám.")
            ready, held = self._sorted(actor, encounter_ids)
            documents = tuple(self._files.write(one.claim) for one in ready)
            if secret is not None and documents:
                documents = self._signer.sign_xmls(
                    actor, secret, documents, into=SIGNATURE_PLACE, xades=False
                )
        finally:
            if secret is not None:
                secret.wipe()
        files = tuple(
            ExportedClaim(
                encounter_id=one.encounter_id,
                patient_id=one.patient_id,
                name=file_name(one.claim),
                content=document,
                signed=secret is not None,
                findings=one.findings,
            )
            for one, document in zip(ready, documents, strict=True)
        )
        self._log(actor, files)
        return ClaimExport(files=files, held_back=tuple(held))

    # -- making ----------------------------------------------------------------------------------

    def _sorted(
        self, actor: Actor, encounter_ids: Sequence[str]
    ) -> tuple[list[ClaimPreview], list[HeldBack]]:
        with self._store.read() as work:
            hidden = hidden_visits(work, actor, encounter_ids, self._today())
            made = [self._made(work, one) for one in encounter_ids if one not in hidden]
        ready, held = [], []
        for one in self._judged(made):
            if one.ready:
                ready.append(one)
            else:
                held.append(
                    HeldBack(
                        encounter_id=one.encounter_id,
                        patient_id=one.patient_id,
                        findings=one.findings,
                    )
                )
        held += [
            HeldBack(encounter_id=one, patient_id="", findings=(_RESTRICTED,))
            for one in encounter_ids
            if one in hidden
        ]
        return ready, held

    def _made(self, work: Work, encounter_id: str) -> ClaimPreview:
        visit = work.encounters.get(encounter_id).record
        return ClaimPreview(
            encounter_id=encounter_id,
            patient_id=visit.patient_id,
            claim=self._files.within(work, encounter_id),
            findings=self._files.missing_within(work, encounter_id),
        )

    def _judged(self, made: Sequence[ClaimPreview]) -> list[ClaimPreview]:
        """With the named rules and, where those have nothing against it, the schemas."""
        whole = [one for one in made if one.ready]
        found = self._checks.before_sending([one.claim for one in whole])
        judged = {
            one.encounter_id: self._with(one, findings)
            for one, findings in zip(whole, found, strict=True)
        }
        return [judged.get(one.encounter_id, one) for one in made]

    def _with(self, made: ClaimPreview, found: tuple[Finding, ...]) -> ClaimPreview:
        if not blocking(found):
            found = (*found, *self._files.schema_findings(made.claim))
        return replace(made, findings=tuple(_placed(one, made) for one in found))

    def _log(self, actor: Actor, files: Sequence[ExportedClaim]) -> None:
        with self._store.write() as work:
            now = self._clock.now()
            for one in files:
                work.audit.append(
                    actor,
                    EXPORT,
                    now,
                    kind=RecordKind.ENCOUNTER,
                    record_id=one.encounter_id,
                    patient_id=one.patient_id,
                    detail={"file": one.name, "signed": str(one.signed).lower()},
                )

    def _today(self) -> date:
        return self._clock.now().date()


def file_name(claim: ClaimFile) -> str:
    """The facility, the day of leaving and the link code: tells files apart and names nobody."""
    left = claim.summary.get("NGAY_RA", "")[:8] or f"{claim.made_on:%Y%m%d}"
    return f"{file_part(claim.facility_code)}_{file_part(left)}_{file_part(claim.link_code)}.xml"


_RESTRICTED: Final = Finding(
    rule="restricted",
    severity=Severity.BLOCKING,
    message=REFUSED,
    remedy="Nhờ người có quyền xem nội dung hạn chế lập hồ sơ này.",
)


def _placed(finding: Finding, made: ClaimPreview) -> Finding:
    """A rule sees the rows alone; whose they are is known here."""
    place: ClaimPlace = finding.place
    return replace(
        finding,
        place=replace(
            place,
            patient_id=place.patient_id or made.patient_id,
            encounter_id=place.encounter_id or made.encounter_id,
        ),
    )
