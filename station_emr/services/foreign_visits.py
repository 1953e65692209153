"""Visits at other facilities out of files of the insurance: looked at first, then taken over as history.

A visit that was taken over is shown with the person and marked with where it comes from. It is no record
of this station: nothing of it is signed, counted, billed or sent, and it never changes.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Final

from station_emr.domain.birth import BirthDate
from station_emr.domain.claim import DRUGS, SERVICES, TESTS, ClaimFile, ClaimRow, ForeignFile
from station_emr.domain.errors import UserError
from station_emr.domain.foreign_visit import ForeignVisit, Takeable
from station_emr.domain.permissions import Action
from station_emr.domain.record import RecordKind
from station_emr.domain.sensitive import RESTRICTED, is_sensitive
from station_emr.domain.signature import sha256
from station_emr.domain.text import clean, clean_lines, fold
from station_emr.domain.user import Actor

from .claim_ports import ClaimFormat
from .clock import VIETNAM
from .guards import allow
from .ports import Clock, Store, Work
from .restricted import holds, ranges_of
from .views import PatientRow

READ: Final = "claim.read"
TAKE: Final = "foreign_visit.take"
_NOTHING: Final = "Chưa nhận gì vào hồ sơ."


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferedVisit:
    """One encounter of a file, as it would be kept, and who it may be about here."""

    full_name: str
    birth: str  # NGAY_SINH as the file says it
    insurance_number: str
    visit: ForeignVisit  # without a person unless exactly one matches
    tables: tuple[str, ...]
    takeable: Takeable
    matches: tuple[PatientRow, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferedFile:
    """A file as it was read; nothing of it is kept."""

    file: ForeignFile
    visits: tuple[OfferedVisit, ...] = ()

    @property
    def takeable(self) -> tuple[OfferedVisit, ...]:
        return tuple(one for one in self.visits if one.takeable is Takeable.YES)


class ForeignVisits:
    """Use cases of whoever is handed a file by another program."""

    def __init__(self, store: Store, clock: Clock, claim_format: ClaimFormat) -> None:
        self._store = store
        self._clock = clock
        self._format = claim_format

    def read(self, actor: Actor, data: bytes) -> OfferedFile:
        """What the file holds, who it may be about, and what is wrong with it. Nothing is kept but the
        line in the log.
        """
        allow(actor, Action.PATIENT_EDIT)
        file = self._format.read(data)
        with self._store.read() as work:
            visits = self._offered(work, actor, file)
        with self._store.write() as work:
            detail = {"count": str(len(visits)), "size": str(len(data))}
            work.audit.append(actor, READ, self._clock.now(), detail=detail)
        return OfferedFile(file=file, visits=visits)

    def take(self, actor: Actor, data: bytes, link_codes: Collection[str]) -> int:
        """Keep these visits of the file with the people they are about: all of them or none. Gives how
        many. Raises UserError when the file cannot be read whole or one of them cannot be taken.
        """
        allow(actor, Action.PATIENT_EDIT)
        file = self._format.read(data)
        if not file.readable:
            raise UserError(f"{file.findings[0].message} {_NOTHING}")
        wanted = set(link_codes)
        now = self._clock.now()
        with self._store.write() as work:
            offered = {one.visit.link_code: one for one in self._offered(work, actor, file)}
            claims = {claim.link_code: claim for claim in file.claims}
            for link_code in sorted(wanted):
                one = offered.get(link_code)
                if one is None or one.takeable is not Takeable.YES:
                    why = one.takeable.label if one else "Không có trong tệp"
                    raise UserError(f"Lượt khám {link_code}: {why}. {_NOTHING}")
                visit = replace(one.visit, id=self._clock.new_id(), taken_at=now)
                work.foreign_visits.add(visit, self._format.write(claims[link_code]))
                work.audit.append(
                    actor,
                    TAKE,
                    now,
                    kind=RecordKind.PATIENT,
                    record_id=visit.patient_id,
                    patient_id=visit.patient_id,
                    detail={"facility": visit.facility_code, "sha256": visit.file_sha256},
                )
        return len(wanted)

    def of_patient(self, actor: Actor, patient_id: str) -> tuple[ForeignVisit, ...]:
        """Of every chart of the person, newest first; restricted ones without their words for somebody
        without the right.
        """
        allow(actor, Action.ENCOUNTER_VIEW)
        with self._store.read() as work:
            found = work.foreign_visits.of_patient(patient_id)
            if holds(actor, Action.SENSITIVE_VIEW):
                return found
            ranges, today = ranges_of(work), self._clock.now().date()
        return tuple(
            _without_words(one) if is_sensitive(one.icd_codes, ranges, today) else one
            for one in found
        )

    def _offered(self, work: Work, actor: Actor, file: ForeignFile) -> tuple[OfferedVisit, ...]:
        return tuple(self._offer(work, actor, claim) for claim in file.claims)

    def _offer(self, work: Work, actor: Actor, claim: ClaimFile) -> OfferedVisit:
        row = claim.summary or claim.check_in
        matches = _matches(work, row)
        arrived = _moment(row.get("NGAY_VAO", ""))
        visit = _visit(claim, arrived or self._clock.now())
        visit = replace(
            visit,
            patient_id=matches[0].id if len(matches) == 1 else "",
            file_sha256=sha256(self._format.write(claim)),
            taken_by=actor.user.snapshot.printed_name,
        )
        takeable = _judged(work, visit, matches, dated=arrived is not None)
        return OfferedVisit(
            full_name=clean(row.get("HO_TEN", "")),
            birth=row.get("NGAY_SINH", ""),
            insurance_number=row.get("MA_THE_BHYT", ""),
            visit=visit,
            tables=tuple(claim.tables),
            takeable=takeable,
            matches=matches,
        )


def _judged(
    work: Work, visit: ForeignVisit, matches: tuple[PatientRow, ...], *, dated: bool
) -> Takeable:
    if visit.facility_code == work.settings.station().code:
        return Takeable.OURS
    if work.foreign_visits.knows(visit.facility_code, visit.link_code):
        return Takeable.TAKEN
    if not dated:
        return Takeable.UNDATED
    if len(matches) > 1:
        return Takeable.SEVERAL
    return Takeable.YES if matches else Takeable.NOBODY


def _visit(claim: ClaimFile, arrived: datetime) -> ForeignVisit:
    row = claim.summary or claim.check_in
    codes = [row.get("MA_BENH_CHINH", ""), *row.get("MA_BENH_KT", "").split(";")]
    return ForeignVisit(
        id="",
        patient_id="",
        facility_code=row.get("MA_CSKCB", "") or claim.facility_code,
        link_code=claim.link_code,
        version=claim.version,
        arrived_at=arrived,
        left_at=_moment(row.get("NGAY_RA", "")),
        reason=clean_lines(row.get("LY_DO_VV", "")),
        diagnosis=clean_lines(row.get("CHAN_DOAN_RV", "")),
        icd_codes=tuple(code.strip() for code in codes if code.strip()),
        treatment=clean_lines(row.get("PP_DIEU_TRI", "")),
        drugs=_listed(claim.rows(DRUGS), "TEN_THUOC"),
        services=_listed(claim.rows(SERVICES), "TEN_DICH_VU"),
        tests=tuple(
            clean(
                f"{one.get('TEN_CHI_SO', '')}: {one.get('GIA_TRI', '')} {one.get('DON_VI_DO', '')}"
            )
            for one in claim.rows(TESTS)
        ),
    )


def _listed(rows: Iterable[ClaimRow], element: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(text for row in rows if (text := clean(row.get(element, "")))))


def _matches(work: Work, row: ClaimRow) -> tuple[PatientRow, ...]:
    """People of this station with one of the numbers, whose name and birth agree as well. Joined charts
    are one person.
    """
    numbers = [row.get("SO_CCCD", ""), *row.get("MA_THE_BHYT", "").split(";")]
    name, birth = fold(row.get("HO_TEN", "")), _birth(row.get("NGAY_SINH", ""))
    found: dict[str, PatientRow] = {}
    for number in filter(None, numbers):
        for person in work.patients.by_number(number):
            if fold(person.full_name) == name and (
                birth is None or person.birth.agrees_with(birth)
            ):
                found.setdefault(work.links.survivor_of(person.id), person)
    return tuple(replace(person, id=kept) for kept, person in found.items())


def _birth(text: str) -> BirthDate | None:
    try:
        month, day = int(text[4:6] or 0), int(text[6:8] or 0)
        return BirthDate(int(text[:4]), month or None, (day or None) if month else None)
    except ValueError:
        return None


def _moment(text: str) -> datetime | None:
    """YyyymmddHHMM or yyyymmdd by the clock of Viet Nam."""
    if not (text.isascii() and text.isdigit()) or len(text) not in {8, 12}:
        return None
    try:
        day = date(int(text[:4]), int(text[4:6]), int(text[6:8]))
        hour, minute = int(text[8:10] or 0), int(text[10:12] or 0)
        return datetime(day.year, day.month, day.day, hour, minute, tzinfo=VIETNAM)
    except ValueError:
        return None


def _without_words(visit: ForeignVisit) -> ForeignVisit:
    return replace(
        visit,
        reason="",
        diagnosis=RESTRICTED,
        icd_codes=(),
        treatment="",
        drugs=(),
        services=(),
        tests=(),
    )
