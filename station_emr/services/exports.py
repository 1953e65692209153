"""What leaves the station as files: one visit in a format of the law, or everything the station holds.

The data belongs to the facility (CV 365/TTYQG-GPQLCL, item 10): a station that changes its program takes
all of it along, in formats that others can read, together with their description.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields
from datetime import datetime
from pathlib import Path
from typing import Any, Final, TypeVar

from station_emr.domain.audit import AuditFilter
from station_emr.domain.catalog import CatalogKind
from station_emr.domain.encounter import Encounter
from station_emr.domain.errors import NotFound, PermissionDenied, StateError, UserError
from station_emr.domain.permissions import Action
from station_emr.domain.record import RecordKind, RecordStatus
from station_emr.domain.sensitive import REFUSED, SensitiveRange, is_sensitive
from station_emr.domain.user import Actor
from station_emr.domain.visit_record import VisitRecord

from .export_ports import (
    Archive,
    ArchiveReport,
    Archives,
    BookLine,
    DraftRecord,
    HealthBook,
    RefusedVisit,
    VisitFormat,
    VisitWriter,
    WrittenVisits,
)
from .guards import allow, needs_reason
from .joined import standing_person
from .ports import Clock, Store, Stored, Work
from .resources import resource_path
from .restricted import RANGES, hidden_visits, holds, ranges_of
from .version_ports import KeptVersion

T = TypeVar("T")
Tell = Callable[[int, int], None]

FORMAT: Final = "station-emr-export"
FORMAT_VERSION: Final = 1
NATIONAL_CODE: Final = "facility.national_code"
_SETTINGS: Final = (  # what the station made its own; addresses, tokens and keys are no data
    NATIONAL_CODE,
    "reports.own",
    "dossier.own",
    "billing.base_salary",
    "claims.settings",
    RANGES,
)
_PORTION: Final = 500
_STANDING: Final = frozenset({RecordStatus.SIGNED, RecordStatus.AMENDED})


class Exports:
    """Use cases of exporting. Restricted visits leave only by the hand of who may read them."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        writer: VisitWriter,
        books: HealthBook,
        archives: Archives,
        program: str,
    ) -> None:
        self._store = store
        self._clock = clock
        self._writer = writer
        self._books = books
        self._archives = archives
        self._program = program

    # One visit ---------------------------------------------------------------------------------

    def visit(self, actor: Actor, encounter_id: str, form: VisitFormat) -> bytes:
        """A signed visit in one of the formats. Raises StateError for a draft or a voided one."""
        allow(actor, Action.RECORD_EXPORT)
        now = self._clock.now()
        with self._store.write() as work:
            stored = work.encounters.get(encounter_id)
            if stored.status not in _STANDING:
                raise StateError(
                    "Chỉ xuất được lượt khám đã ký. Hãy ký lượt khám này trước, hoặc chọn lượt khác."
                )
            if hidden_visits(work, actor, (encounter_id,), now.date()):
                raise PermissionDenied(REFUSED)
            held = gather(work, stored)
            if form is VisitFormat.HEALTH_BOOK:
                content = self._books.health_book_of(work, stored.record)
            else:
                content = self._writer.write(held, form, self._clock.new_id(), now)
            work.audit.append(
                actor,
                "record.export",
                now,
                kind=RecordKind.ENCOUNTER,
                record_id=encounter_id,
                patient_id=held.patient.id,
                detail={"format": form.value},
            )
        return content

    def signed_visits(self, actor: Actor, since: datetime, until: datetime) -> tuple[str, ...]:
        """Ids of the visits signed between two moments, oldest first, of those this person may read."""
        allow(actor, Action.RECORD_EXPORT)
        with self._store.read() as work:
            found = work.exporting.visits(since, until)
            hidden = hidden_visits(work, actor, found, self._clock.now().date())
        return tuple(one for one in found if one not in hidden)

    def write_visits(
        self, actor: Actor, folder: Path, encounter_ids: Iterable[str], form: VisitFormat
    ) -> WrittenVisits:
        """One file for each visit, named by its id. A visit that cannot leave is named with the reason
        and does not hold up the others. Raises EnvironmentFailure; files written before that stay.
        """
        allow(actor, Action.RECORD_EXPORT)
        files: list[Path] = []
        refused: list[RefusedVisit] = []
        for one in encounter_ids:
            try:
                content = self.visit(actor, one, form)
            except UserError as why:
                name = self._name(actor, one)
                refused.append(RefusedVisit(encounter_id=one, name=name, why=str(why)))
                continue
            files.append(self._archives.keep(folder, f"{one}{form.suffix}", content))
        return WrittenVisits(files=tuple(files), refused=tuple(refused))

    def _name(self, actor: Actor, encounter_id: str) -> str:
        """Number and person of a visit; its id alone when this person may not see it."""
        with self._store.read() as work:
            today = self._clock.now().date()
            try:
                visit = work.encounters.get(encounter_id).record
            except NotFound:
                return f"Lượt khám {encounter_id}"
            if hidden_visits(work, actor, (encounter_id,), today):
                return f"Lượt khám {encounter_id}"
            person = standing_person(work, visit.patient_id)
        return f"Lượt khám {visit.number or encounter_id}, {person.full_name}"

    # All of it ---------------------------------------------------------------------------------

    def station(
        self, actor: Actor, path: Path, reason: str, tell: Tell | None = None
    ) -> ArchiveReport:
        """Everything in one file of open formats, described by the file ``DOC-TRUOC.md`` inside.

        ``reason`` goes to the log. Without the right to restricted visits those are left out and
        counted. Raises EnvironmentFailure; then nothing stands at ``path``.
        """
        allow(actor, Action.RECORD_EXPORT)
        allow(actor, Action.BACKUP)
        why = needs_reason(reason)
        now = self._clock.now()
        with self._store.write() as work:
            work.audit.append(
                actor, "station.export", now, detail={"reason": why, "file": path.name}
            )
        with self._store.read() as work, self._archives.create(path) as archive:
            hidden = frozenset() if _reads_all(actor) else _hidden_visits(work, now)
            left_out = _write_versions(work, archive, hidden, tell)
            for draft in work.exporting.drafts():
                if not _hangs_on(draft.kind, draft.record_id, json.loads(draft.content), hidden):
                    archive.line("drafts.ndjson", _draft_line(draft))
            self._write_resources(work, archive, hidden)
            left_out += _write_books(work, archive, hidden, None if _reads_all(actor) else now)
            _write_rest(work, archive)
            archive.whole("DOC-TRUOC.md", resource_path("hoso", "DOC-TRUOC.md").read_bytes())
            station = work.settings.station()
            return archive.finish(
                {
                    "format": FORMAT,
                    "version": FORMAT_VERSION,
                    "program": self._program,
                    "made_at": now.isoformat(),
                    "made_by": actor.user.snapshot.printed_name,
                    "facility_id": station.facility_id,
                    "facility_code": station.code,
                    "facility_name": station.name,
                    "restricted_left_out": left_out,
                }
            )

    def _write_resources(self, work: Work, archive: Archive, hidden: frozenset[str]) -> None:
        """Every record as it stands, as FHIR resources, one file for each type."""
        for one in work.exporting.standing():
            if one.record is None or _hangs_on(one.kind, one.record_id, one.record, hidden):
                continue
            status = RecordStatus(one.status)
            for type_name, text in self._writer.resources(one.kind, one.record, status):
                archive.line(f"fhir/{type_name}.ndjson", text)


def gather(work: Work, stored: Stored[Encounter]) -> VisitRecord:
    """A visit with the papers that stand by it."""
    encounter = stored.record
    station = encounter.station or work.settings.station()
    return VisitRecord(
        station=station,
        patient=standing_person(work, encounter.patient_id),
        encounter=encounter,
        status=stored.status,
        version=stored.version,
        prescription=_paper(work.prescriptions.of_encounter(encounter.id)),
        referral=_paper(work.referrals.of_encounter(encounter.id)),
        appointment=_paper(work.appointments.of_encounter(encounter.id)),
        national_code=work.settings.get(NATIONAL_CODE) or "",
    )


def _paper(stored: Stored[T] | None) -> T | None:
    return stored.record if stored is not None and stored.status in _STANDING else None


# Restricted visits ----------------------------------------------------------------------------


def _reads_all(actor: Actor) -> bool:
    return holds(actor, Action.SENSITIVE_VIEW)


def _restricted(encounter: Encounter, ranges: Iterable[SensitiveRange], moment: datetime) -> bool:
    codes = [one.icd_code for one in encounter.diagnoses]
    return is_sensitive(codes, ranges, moment.date())


def _hidden_visits(work: Work, now: datetime) -> frozenset[str]:
    """Visits of which any version ever named a restricted diagnosis."""
    ranges = ranges_of(work)
    found: set[str] = set()
    for one in _walk(work):
        if isinstance(one.record, Encounter) and _restricted(one.record, ranges, now):
            found.add(one.record_id)
    return frozenset(found)


def _hangs_on(kind: str, record_id: str, record: object, hidden: frozenset[str]) -> bool:
    """Whether a record is a hidden visit or a paper of one; ``record`` is an object or its JSON."""
    if not hidden:
        return False
    if kind == RecordKind.ENCOUNTER:
        return record_id in hidden
    held = record if isinstance(record, dict) else _flat(record)
    return bool({held.get("encounter_id"), held.get("target_id")} & hidden)


# Parts of the file ----------------------------------------------------------------------------


def _walk(work: Work) -> Iterable[KeptVersion]:
    after = 0
    while portion := work.versions.walk(after, _PORTION):
        yield from portion
        after = portion[-1].seq


def _write_versions(work: Work, archive: Archive, hidden: frozenset[str], tell: Tell | None) -> int:
    """Every version of every record, in the order of writing. Returns how many were left out."""
    total, left_out = work.versions.count(), 0
    for done, one in enumerate(_walk(work), 1):
        content = json.loads(one.content)
        if _hangs_on(one.kind, one.record_id, content, hidden):
            left_out += 1
        else:
            archive.line(f"records/{one.kind}.ndjson", _line(_named(one, content)))
        if tell is not None and done % _PORTION == 0:
            tell(done, total)
    if tell is not None:
        tell(total, total)
    return left_out


def _named(one: KeptVersion, content: Any) -> dict[str, Any]:
    return {
        "kind": one.kind,
        "id": one.record_id,
        "version": one.version,
        "status": one.status,
        "written_at": one.at.isoformat(),
        "author_id": one.author_id,
        "author": one.author_name,
        "reason": one.reason,
        "device": one.device,
        "clock_skew_s": one.skew,
        "content_sha256": one.content_sha256,
        "content": content,
    }


def _draft_line(draft: DraftRecord) -> bytes:
    return _line({"kind": draft.kind, "id": draft.record_id, "content": json.loads(draft.content)})


def _write_books(
    work: Work, archive: Archive, hidden: frozenset[str], guarded: datetime | None
) -> int:
    """What the station keeps beside its records: closed months, files sent, outages, requests. With
    ``guarded``, the moment, restricted lines stay behind and are counted.
    """
    ranges, left_out = ranges_of(work), 0
    for line in work.exporting.books():
        held = dict(line.held)
        if guarded is not None:
            if _guarded(line, hidden, ranges, guarded):
                left_out += 1
                continue
            if line.part == "closings" and isinstance(held.get("content"), list):
                every = held["content"]
                held["content"] = [one for one in every if not _held_back(one, ranges, guarded)]
                left_out += len(every) - len(held["content"])
        archive.line(f"books/{line.part}.ndjson", _line(held))
        if line.file:
            archive.whole(held["file"], line.file)
    for key in _SETTINGS:
        kept = work.settings.get(key)
        if kept:
            archive.line("books/settings.ndjson", _line({"key": key, "value": kept}))
    return left_out


def _guarded(
    line: BookLine, hidden: frozenset[str], ranges: Iterable[SensitiveRange], now: datetime
) -> bool:
    """Cards hold what the portal knows of visits elsewhere, with diagnoses in words only."""
    held = line.held
    if line.part == "foreign_visits":
        visit = held.get("content")
        codes = visit.get("icd_codes", ()) if isinstance(visit, dict) else None
        return codes is None or is_sensitive(codes, ranges, now.date())
    return line.part == "cards" or bool({held.get("encounter_id"), held.get("record_id")} & hidden)


def _held_back(visit: Mapping[str, Any], ranges: Iterable[SensitiveRange], now: datetime) -> bool:
    """Whether a line of a closed month is of a restricted visit, also by an earlier version."""
    codes = [*visit.get("codes", ()), *visit.get("history", ())]
    return is_sensitive(codes, ranges, now.date())


def _write_rest(work: Work, archive: Archive) -> None:
    for user in work.users.all():
        archive.line(
            "staff.ndjson",
            _line(
                {
                    "id": user.id,
                    "full_name": user.full_name,
                    "title": user.title,
                    "role": user.role.value,
                    "licence_no": user.licence_no,
                    "active": user.active,
                }
            ),
        )
    for row in work.audit.walk(AuditFilter(), work.audit.count(AuditFilter())):
        archive.line("audit.ndjson", _line(_flat(row)))
    for kind in CatalogKind:
        for entry in work.catalogs.rows(kind):
            archive.line(f"catalogs/{kind.value}.ndjson", _line(_flat(entry)))
    for signature_id, media_type, content in work.exporting.documents():
        suffix = ".pdf" if media_type == "application/pdf" else ".xml"
        archive.whole(f"signed/{signature_id}{suffix}", content)
    archive.line("station.ndjson", _line(_flat(work.settings.station())))


def _flat(record: Any) -> dict[str, Any]:
    return {one.name: getattr(record, one.name) for one in fields(record)}


def _line(held: Mapping[str, Any]) -> bytes:
    return json.dumps(held, ensure_ascii=False, separators=(",", ":"), default=str).encode()
