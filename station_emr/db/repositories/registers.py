"""Visits as lines of registers, read straight from what was signed, and the months that were locked."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, bindparam
from sqlalchemy.dialects.sqlite import insert

from station_emr.db import failures
from station_emr.db.codec import decode, digest, encode, maybe_moment, moment, stamp, utc_text
from station_emr.db.models import RegisterClosingRow, RegisterReopeningRow, table_of
from station_emr.db.statements import text
from station_emr.domain.birth import BirthDate, age_on
from station_emr.domain.errors import NotFound
from station_emr.domain.period import ZONE
from station_emr.domain.prescription import PrescriptionLine
from station_emr.domain.record import PractitionerSnapshot, Sex, Signature
from station_emr.domain.referral import ReferralReason
from station_emr.domain.register import Closing, DrugUse, ProcedureUse, RegisterLine
from station_emr.domain.report_lists import ReferralTrack
from station_emr.services.register_ports import Written

# CROSS JOIN: without it the planner would begin with every version that there is.
# The day of a visit is that of the clock that wrote it, so a day more at both ends is looked at, and
# the moment decides.
_OF: Final = "e.day BETWEEN :first AND :last AND e.arrived_utc >= :start AND e.arrived_utc < :end"
_PAPER: Final = (
    "(SELECT x.row_id FROM {table} AS x WHERE x.encounter_id = e.id AND x.version > 0 "
    "AND x.status <> 'voided' ORDER BY x.row_id DESC LIMIT 1)"
)
_LINES: Final = f"""
SELECT e.id, coalesce(i.survivor_id, e.patient_id) AS patient_id, e.version, v.content, p.full_name, p.birth, p.sex,
  xv.content AS drugs, r.to_facility, r.reason, a.on_day
FROM encounter AS e
CROSS JOIN record_version AS v ON v.kind = 'encounter' AND v.record_id = e.id AND v.version = e.version
JOIN patient AS p ON p.id = e.patient_id
LEFT JOIN patient_identity AS i ON i.patient_id = e.patient_id
LEFT JOIN prescription AS x ON x.row_id = {_PAPER.format(table="prescription")}
LEFT JOIN record_version AS xv ON xv.kind = 'prescription' AND xv.record_id = x.id
  AND xv.version = x.version
LEFT JOIN referral AS r ON r.row_id = {_PAPER.format(table="referral")}
LEFT JOIN appointment AS a ON a.row_id = {_PAPER.format(table="appointment")}
WHERE {_OF} AND e.version > 0 AND e.status <> 'voided'
ORDER BY e.arrived_utc, e.id
"""  # noqa: S608  # fixed texts only
_HISTORY: Final = f"""
SELECT e.id, (SELECT group_concat(DISTINCT d.value ->> 'icd_code') FROM record_version AS v,
  json_each(v.content, '$.diagnoses') AS d
  WHERE v.kind = 'encounter' AND v.record_id = e.id) AS codes
FROM encounter AS e WHERE {_OF} AND e.version > 1
"""  # noqa: S608  # fixed texts only
_UNSIGNED: Final = f"SELECT count(*) FROM encounter AS e WHERE {_OF} AND e.version = 0"  # noqa: S608
_MARKS: Final = f"""
SELECT coalesce(sum(e.version * (4 * e.row_id)
  + (SELECT coalesce(sum(x.version * (4 * x.row_id + 1)), 0) FROM prescription AS x
     WHERE x.encounter_id = e.id)
  + (SELECT coalesce(sum(x.version * (4 * x.row_id + 2)), 0) FROM referral AS x
     WHERE x.encounter_id = e.id)
  + (SELECT coalesce(sum(x.version * (4 * x.row_id + 3)), 0) FROM appointment AS x
     WHERE x.encounter_id = e.id)), 0)
FROM encounter AS e WHERE {_OF}
"""  # noqa: S608  # fixed texts only
_WRITTEN: Final = text(
    "SELECT id, at_utc, at_offset, author_name, reason, max(seq) FROM ("
    "SELECT e.id, v.* FROM encounter AS e CROSS JOIN record_version AS v "
    "ON v.kind = 'encounter' AND v.record_id = e.id WHERE e.id IN :ids "
    "UNION ALL SELECT x.encounter_id, v.* FROM prescription AS x CROSS JOIN record_version AS v "
    "ON v.kind = 'prescription' AND v.record_id = x.id WHERE x.encounter_id IN :ids "
    "UNION ALL SELECT x.encounter_id, v.* FROM referral AS x CROSS JOIN record_version AS v "
    "ON v.kind = 'referral' AND v.record_id = x.id WHERE x.encounter_id IN :ids "
    "UNION ALL SELECT x.encounter_id, v.* FROM appointment AS x CROSS JOIN record_version AS v "
    "ON v.kind = 'appointment' AND v.record_id = x.id WHERE x.encounter_id IN :ids"
    ") GROUP BY id"
).bindparams(bindparam("ids", expanding=True))
_TRACKS: Final = """
SELECT r.id, r.encounter_id, r.patient_id, r.number, r.to_facility, r.diagnosis, r.reason,
  r.emergency, coalesce(r.signed_utc, r.saved_utc) AS signed_utc,
  coalesce(r.signed_offset, r.saved_offset) AS signed_offset, p.full_name,
  (SELECT group_concat(d.value ->> 'icd_code') FROM record_version AS v,
    json_each(v.content, '$.diagnoses') AS d
    WHERE v.kind = 'referral' AND v.record_id = r.id AND v.version = r.version) AS codes,
  (SELECT group_concat((v.content ->> 'state') || ' ' ||
      coalesce(v.content ->> 'answered_at', v.at_utc), ',')
    FROM feedback AS f CROSS JOIN record_version AS v ON v.kind = 'feedback' AND v.record_id = f.id
    WHERE f.referral_id = r.id AND f.status <> 'voided') AS answers
FROM referral AS r JOIN patient AS p ON p.id = r.patient_id
WHERE coalesce(r.signed_utc, r.saved_utc) >= :start AND coalesce(r.signed_utc, r.saved_utc) < :end
  AND r.version > 0 AND r.status <> 'voided'
ORDER BY coalesce(r.signed_utc, r.saved_utc), r.id
"""
_REPORTED: Final = text(
    "SELECT n.encounter_id, n.disease_code, v.content ->> 'reported_at' AS at "
    "FROM notification AS n CROSS JOIN record_version AS v ON v.kind = 'notification' "
    "AND v.record_id = n.id AND v.version = n.version "
    "WHERE n.encounter_id IN :ids AND n.reported = 1 AND n.status <> 'voided'"
).bindparams(bindparam("ids", expanding=True))
_CLOSING: Final = (
    "SELECT c.id, c.month, c.times, c.closed_utc, c.closed_offset, c.user_id, c.user_name, "
    "c.method, c.lines, c.unsigned, c.marks, c.content_sha256, o.at_utc, o.at_offset, "
    "o.user_name AS opened_by, o.reason FROM register_closing AS c "
    "LEFT JOIN register_reopening AS o ON o.closing_id = c.id "
    "WHERE c.month BETWEEN :first AND :last ORDER BY c.month, c.times"
)
_SNAPSHOT: Final = "SELECT content_sha256, content FROM register_closing WHERE id = :id"
_DEATHS: Final = {"5": "Tử vong", "8": "Tử vong ngoại viện"}


class _Card(msgspec.Struct):
    number: str = ""


class _Person(msgspec.Struct):
    full_name: str
    birth: BirthDate
    sex: Sex
    national_id: str = ""
    address: str = ""
    ethnic_name: str = ""
    occupation_name: str = ""
    coverage: _Card | None = None


class _Diagnosis(msgspec.Struct):
    icd_code: str
    title: str
    role: str = "secondary"
    note: str = ""


class _Procedure(msgspec.Struct):
    code: str = ""
    name: str = ""
    is_test: bool = False
    result: str = ""


class _Visit(msgspec.Struct):
    """Of a signed visit only what registers show: a third of the reading."""

    arrived_at: datetime
    coverage_number: str = ""
    care_kind: str = ""
    reason: str = ""
    history: str = ""
    diagnoses: tuple[_Diagnosis, ...] = ()
    procedures: tuple[_Procedure, ...] = ()
    treatment: str = ""
    result: str = ""
    patient: _Person | None = None
    practitioner: PractitionerSnapshot | None = None
    signature: Signature | None = None


class _Drug(msgspec.Struct):
    """What a line needs to say how much: as :class:`PrescriptionLine`, which has the rule."""

    drug_code: str
    label: str
    unit: str
    dose: Decimal
    times_per_day: int
    days: int
    quantity: Decimal | None = None


class _Drugs(msgspec.Struct):
    lines: tuple[_Drug, ...] = ()


_visits: Final = msgspec.json.Decoder(_Visit)
_drugs: Final = msgspec.json.Decoder(_Drugs)


class RegisterRepository:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def lines(self, start: datetime, end: datetime) -> tuple[RegisterLine, ...]:
        asked = _asked(start, end)
        histories = {
            row.id: tuple(sorted((row.codes or "").split(",")))
            for row in self._connection.execute(text(_HISTORY), asked)
        }
        rows = self._connection.execute(text(_LINES), asked)
        return tuple(_line(row, histories.get(row.id, ())) for row in rows)

    def unsigned(self, start: datetime, end: datetime) -> int:
        found: int = self._connection.execute(text(_UNSIGNED), _asked(start, end)).scalar_one()
        return found

    def marks(self, start: datetime, end: datetime) -> int:
        found: int = self._connection.execute(text(_MARKS), _asked(start, end)).scalar_one()
        return found

    def written(self, encounter_ids: Sequence[str]) -> Mapping[str, Written]:
        rows = self._connection.execute(_WRITTEN, {"ids": list(encounter_ids)})
        return {
            row.id: Written(
                at=moment(row.at_utc, row.at_offset), by=row.author_name, reason=row.reason
            )
            for row in rows
        }

    def tracks(self, start: datetime, end: datetime) -> tuple[ReferralTrack, ...]:
        asked = {"start": utc_text(start), "end": utc_text(end)}
        rows = self._connection.execute(text(_TRACKS), asked)
        return tuple(_track(row) for row in rows)

    def reported(self, encounter_ids: Sequence[str]) -> Mapping[tuple[str, str], datetime]:
        rows = self._connection.execute(_REPORTED, {"ids": list(encounter_ids)})
        return {
            (row.encounter_id, row.disease_code): datetime.fromisoformat(row.at)
            for row in rows
            if row.at
        }

    # -- closed months ---------------------------------------------------------------------------

    def closings(self, first: str, last: str) -> tuple[Closing, ...]:
        rows = self._connection.execute(text(_CLOSING), {"first": first, "last": last})
        return tuple(_closing(row) for row in rows)

    def snapshot(self, closing_id: str) -> tuple[RegisterLine, ...]:
        row = self._connection.execute(text(_SNAPSHOT), {"id": closing_id}).one_or_none()
        if row is None:
            raise NotFound("Không còn thấy lần khóa sổ này trên máy. Hãy mở lại danh sách.")
        try:
            content = zlib.decompress(row.content).decode()
        except (zlib.error, UnicodeDecodeError):
            raise failures.damaged() from None
        if digest(content) != row.content_sha256:
            raise failures.damaged()
        return decode(content, tuple[RegisterLine, ...])

    def close(self, closing: Closing, lines: Sequence[RegisterLine]) -> Closing:
        content = encode(tuple(lines))
        sha256 = digest(content)
        self._connection.execute(
            insert(table_of(RegisterClosingRow)).values(
                id=closing.id,
                month=closing.month,
                times=closing.times,
                **stamp("closed", closing.closed_at),
                user_id=closing.closed_by_id,
                user_name=closing.closed_by,
                method=closing.method,
                lines=len(lines),
                unsigned=closing.unsigned,
                marks=closing.marks,
                content_sha256=sha256,
                content=zlib.compress(content.encode(), 6),
            )
        )
        return replace(closing, content_sha256=sha256, lines=len(lines))

    def reopen(self, closing_id: str, at: datetime, by: str, by_id: str, reason: str) -> None:
        self._connection.execute(
            insert(table_of(RegisterReopeningRow)).values(
                closing_id=closing_id, **stamp("at", at), user_id=by_id, user_name=by, reason=reason
            )
        )


def _asked(start: datetime, end: datetime) -> dict[str, str]:
    day = timedelta(days=1)
    return {
        "first": (start.astimezone(ZONE).date() - day).isoformat(),
        "last": (end.astimezone(ZONE).date() + day).isoformat(),
        "start": utc_text(start),
        "end": utc_text(end),
    }


def _line(row: Any, history: tuple[str, ...]) -> RegisterLine:
    visit = _visits.decode(row.content)
    person = visit.patient or _Person(
        full_name=row.full_name, birth=BirthDate.from_iso(row.birth), sex=Sex(row.sex)
    )
    drugs = tuple(_uses(row.drugs)) if row.drugs else ()
    ordered = sorted(visit.diagnoses, key=lambda one: one.role != "main")
    card = visit.coverage_number or (person.coverage.number if person.coverage else "")
    signer = visit.signature.by if visit.signature else visit.practitioner
    arrived = visit.arrived_at.astimezone(ZONE)
    return RegisterLine(
        encounter_id=row.id,
        patient_id=row.patient_id,
        version=row.version,
        arrived_at=arrived,
        full_name=person.full_name,
        sex=person.sex,
        birth=person.birth,
        age=max(0, age_on(person.birth, arrived.date())),
        identity_paper=person.national_id,
        insurance_number=card,
        address=person.address,
        ethnic=person.ethnic_name,
        occupation=person.occupation_name,
        symptoms="; ".join(part for part in (visit.reason, visit.history) if part),
        diagnosis="; ".join(
            f"{one.icd_code} {one.title}" + (f" ({one.note})" if one.note else "")
            for one in ordered
        ),
        treatment="; ".join(_treated(visit, drugs)),
        practitioner=signer.printed_name if signer else "",
        note="; ".join(_noted(visit, row)),
        codes=tuple(one.icd_code for one in ordered),
        history=history,
        main_title=ordered[0].title if ordered else "",
        signed_at=visit.signature.at if visit.signature else None,
        result=visit.result,
        care_kind=visit.care_kind,
        referred_to=row.to_facility or "",
        referral_reason=row.reason or "",
        insured=bool(visit.coverage_number),
        drugs=drugs,
        procedures=tuple(
            ProcedureUse(code=one.code, name=one.name, is_test=one.is_test)
            for one in visit.procedures
        ),
    )


def _uses(content: str) -> list[DrugUse]:
    return [
        DrugUse(code=one.drug_code, name=one.label, unit=one.unit, quantity=_quantity(one))
        for one in _drugs.decode(content).lines
    ]


def _quantity(drug: _Drug) -> Decimal:
    if drug.quantity is not None:
        return drug.quantity
    return PrescriptionLine(
        drug_code="",
        inn="",
        label="",
        dose=drug.dose,
        times_per_day=drug.times_per_day,
        days=drug.days,
    ).computed_quantity


def _treated(visit: _Visit, drugs: Sequence[DrugUse]) -> list[str]:
    said = [visit.treatment] if visit.treatment else []
    said += [
        f"{one.name}: {one.result}" if one.result else one.name
        for one in visit.procedures
        if one.name
    ]
    return said + [f"{one.name} × {_number(one.quantity)} {one.unit}".strip() for one in drugs]


def _noted(visit: _Visit, row: Any) -> list[str]:
    said = [_DEATHS[visit.result]] if visit.result in _DEATHS else []
    if row.to_facility:
        said.append(f"Chuyển {row.to_facility}")
    if row.on_day:
        said.append(f"Hẹn khám lại {date.fromisoformat(row.on_day):%d/%m/%Y}")
    return said


def _number(value: Decimal) -> str:
    return f"{value.normalize():f}".replace(".", ",")


def _track(row: Any) -> ReferralTrack:
    first: dict[str, datetime] = {}
    for one in (row.answers or "").split(","):
        state, _space, at = one.partition(" ")
        if not at:
            continue
        told = datetime.fromisoformat(at)
        first[state] = min(told, first.get(state, told))
    return ReferralTrack(
        referral_id=row.id,
        encounter_id=row.encounter_id,
        patient_id=row.patient_id,
        number=row.number,
        full_name=row.full_name,
        signed_at=moment(row.signed_utc, row.signed_offset).astimezone(ZONE),
        to_facility=row.to_facility,
        reason=ReferralReason(row.reason) if row.reason else None,
        diagnosis=row.diagnosis,
        codes=tuple((row.codes or "").split(",")),
        emergency=bool(row.emergency),
        accepted_at=first.get("accepted"),
        rejected_at=first.get("rejected"),
        completed_at=first.get("completed"),
    )


def _closing(row: Any) -> Closing:
    return Closing(
        id=row.id,
        month=row.month,
        times=row.times,
        closed_at=moment(row.closed_utc, row.closed_offset),
        closed_by=row.user_name,
        closed_by_id=row.user_id,
        lines=row.lines,
        unsigned=row.unsigned,
        content_sha256=row.content_sha256,
        marks=row.marks,
        method=row.method,
        reopened_at=maybe_moment(row.at_utc, row.at_offset),
        reopened_by=row.opened_by or "",
        reopen_reason=row.reason or "",
    )
