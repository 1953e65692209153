"""Registers: which visits are in a month, what closing locks, and how later changes are shown."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
import sqlcipher3.dbapi2 as sqlcipher
from sqlalchemy.exc import DBAPIError

from station_emr.db import connection as connections
from station_emr.domain.errors import (
    DatabaseDamaged,
    InvalidRecord,
    NotFound,
    PermissionDenied,
    StateError,
    WrongPassword,
)
from station_emr.domain.period import Period, PeriodKind
from station_emr.domain.permissions import Role
from station_emr.domain.record import RecordKind
from station_emr.domain.register import LateKind
from station_emr.domain.sensitive import RESTRICTED
from station_emr.services.registers import UNSIGNED

from .conftest import KEY
from .register_samples import amend, at, many, prescribe, void, write

OCTOBER = Period(PeriodKind.MONTH, 2026, 10)
NOVEMBER = OCTOBER.next
PASSWORD = "mat khau"
INSERT_CLOSING = (
    "INSERT INTO register_closing SELECT 99, 'x', month, 2, closed_utc, closed_offset, user_id, "
    "user_name, method, lines, unsigned, marks, content_sha256, content FROM register_closing "
    "WHERE month = '2026-09'"
)
REOPEN = (
    "INSERT INTO register_reopening SELECT 99, {}, at_utc, at_offset, user_id, user_name, reason "
    "FROM register_reopening"
)
REOPEN_AGAIN = REOPEN.format("closing_id")
REOPEN_NONE = REOPEN.format("'none'")
REOPEN_SILENT = (
    "INSERT INTO register_reopening SELECT 99, id, closed_utc, closed_offset, user_id, user_name, ' ' "
    "FROM register_closing WHERE month = '2026-09'"
)


def ids(view) -> list[str]:
    return [line.encounter_id for part in view.parts for _number, line in part.lines]


def close(station, month=OCTOBER, confirmed=()):
    return station.services.registers.close(station.director, month, PASSWORD, confirmed)


def test_a_month_is_from_midnight_to_midnight_in_vietnam(station) -> None:
    """Whatever zone the clock of the writing machine was set to."""
    patient = station.register()
    utc, far = UTC, timezone(timedelta(hours=-10))
    before = write(station, patient, datetime(2026, 10, 31, 16, 59, 59, tzinfo=utc))
    first = write(station, patient, datetime(2026, 10, 31, 17, 0, tzinfo=utc))
    last = write(station, patient, datetime(2026, 11, 30, 6, 59, 59, tzinfo=far))
    after = write(station, patient, datetime(2026, 11, 30, 7, 0, tzinfo=far))
    show = station.services.registers.show

    assert ids(show(station.nurse, OCTOBER)) == [before.id]
    station.clock.set(at(5, month=12))
    assert ids(show(station.nurse, NOVEMBER)) == [first.id, last.id]
    assert ids(show(station.nurse, NOVEMBER.next)) == [after.id]


@pytest.mark.parametrize("seed", [1, 2])
def test_a_register_holds_what_stands_and_nothing_else(station, seed) -> None:
    start = at(25, month=10, hour=0)
    written = many(station, 60, seed, start, 20)
    drafted = station.services.encounters.check_in(station.nurse, written[0].patient_id, "Đau")
    draft = drafted.id_of(RecordKind.ENCOUNTER)  # being examined: not signed, not in it
    for month in (OCTOBER, NOVEMBER):
        expected = sorted(
            (one for one in written if month.start <= one.arrived_at < month.end),
            key=lambda one: (one.arrived_at, one.id),
        )
        view = station.services.registers.show(station.director, month)
        assert ids(view) == [one.id for one in expected]
        (part,) = view.parts
        for (number, line), one in zip(part.lines, expected, strict=True):
            assert line.codes == tuple(d.icd_code for d in one.diagnoses)
            assert (line.full_name, line.result) == (one.patient.full_name, one.result)
            assert line.insured is bool(one.coverage_number)
            assert part.lines[number - 1][1] is line
        assert draft not in ids(view)
    lung = station.services.registers.show(station.director, NOVEMBER, "a9")
    assert {line.codes for part in lung.parts for _n, line in part.lines} <= {("A15.0",)}


def test_the_fourteen_columns_say_what_was_signed(station) -> None:
    patient = station.register()
    visit = write(station, patient, at(2), coverage_number="GD4640000000001", reason="Sốt")
    prescribe(station, visit, ("Paracetamol 500 mg", "viên", 10))
    view = station.services.registers.show(station.nurse, NOVEMBER)
    ((_number, line),) = view.parts[0].lines

    assert len(view.definition.columns) == 14
    assert line.treatment == "Nghỉ ngơi; Paracetamol 500 mg × 10 viên"
    assert line.symptoms == "Sốt"
    assert line.diagnosis == "I10 Bệnh mẫu"
    assert line.practitioner == station.doctor.user.snapshot.printed_name
    assert line.identity_paper == patient.national_id


# -- closing ---------------------------------------------------------------------------------


def test_a_closed_month_stays_as_it_was(station) -> None:
    patient = station.register()
    kept, wrong, gone = (write(station, patient, at(d, month=10)) for d in (5, 6, 7))
    made = close(station)
    before = station.services.registers.show(station.director, OCTOBER)

    amend(station, wrong, treatment="Uống thuốc")
    void(station, gone)
    added = write(station, patient, at(8, month=10))
    after = station.services.registers.show(station.director, OCTOBER)

    assert after.parts[0].lines == before.parts[0].lines
    assert [line.encounter_id for _n, line in after.parts[0].lines] == [kept.id, wrong.id, gone.id]
    assert [(one.kind, one.number, one.line.encounter_id) for one in after.late] == [
        (LateKind.CHANGED, 2, wrong.id),
        (LateKind.REMOVED, 3, gone.id),
        (LateKind.ADDED, 0, added.id),
    ]
    changed = after.late[0]
    assert changed.changed == ("Phương pháp điều trị",)
    assert changed.reason == "Ghi nhầm"
    assert changed.by == station.doctor.user.full_name
    assert changed.before.treatment == "Nghỉ ngơi"
    assert station.services.registers.late(station.director, OCTOBER) == after.late
    assert made.lines == 3
    assert len(made.content_sha256) == 64


def test_a_prescription_written_after_the_closing_is_a_late_correction(station) -> None:
    visit = write(station, station.register(), at(5, month=10))
    close(station)
    prescribe(station, visit, ("Oresol 20,5 g", "gói", 3))
    (late,) = station.services.registers.late(station.director, OCTOBER)

    assert late.words == "Sửa đổi dòng 1: phương pháp điều trị, thuốc"


def test_a_visit_that_an_amendment_moves_leaves_one_month_and_enters_the_other(station) -> None:
    visit = write(station, station.register(), at(31, month=10, hour=23, minute=50))
    close(station)
    amend(station, visit, arrived_at=at(1, hour=0, minute=5))
    (late,) = station.services.registers.late(station.director, OCTOBER)

    assert late.kind is LateKind.REMOVED
    assert ids(station.services.registers.show(station.director, NOVEMBER)) == [visit.id]


def test_an_untouched_month_says_so_without_reading_it(station) -> None:
    visit = write(station, station.register(), at(5, month=10))
    close(station)
    state = station.services.registers.months(station.director, 2026)[9]
    assert (state.month, state.touched, state.times) == (OCTOBER, False, 1)
    amend(station, visit, advice="Uống nhiều nước")  # not in the register, but written

    touched = station.services.registers.months(station.director, 2026)[9]
    assert touched.touched
    assert station.services.registers.late(station.director, OCTOBER) == ()


def test_only_the_director_closes_and_only_with_the_own_password(station) -> None:
    write(station, station.register(), at(5, month=10))
    registers = station.services.registers
    with pytest.raises(PermissionDenied):
        registers.close(station.doctor, OCTOBER, PASSWORD)
    with pytest.raises(WrongPassword):
        registers.close(station.director, OCTOBER, "sai")
    assert registers.closings(station.director, OCTOBER) == ()

    close(station)
    with pytest.raises(StateError, match="đã khóa sổ"):
        close(station)
    with pytest.raises(PermissionDenied):
        registers.reopen(station.doctor, OCTOBER, PASSWORD, "Sai")


def test_what_cannot_be_closed(station) -> None:
    registers = station.services.registers
    for period, words in (
        (NOVEMBER, "chưa hết"),  # the 20th
        (NOVEMBER.next, "chưa đến"),
        (Period(PeriodKind.QUARTER, 2026, 3), "không phải một tháng"),
    ):
        with pytest.raises(InvalidRecord, match=words):
            registers.close(station.director, period, PASSWORD)
    station.clock.set(at(30))  # the last day of the month
    assert close(station, NOVEMBER).lines == 0


def test_visits_nobody_signed_are_asked_about(station) -> None:
    patient = station.register()
    station.services.encounters.check_in(station.nurse, patient.id, "Đau")
    station.clock.set(at(2, month=12))
    with pytest.raises(InvalidRecord, match="Còn 1 lượt khám"):
        close(station, NOVEMBER)
    assert close(station, NOVEMBER, (UNSIGNED,)).unsigned == 1


def test_opening_again_keeps_what_was_locked(station) -> None:
    patient = station.register()
    write(station, patient, at(5, month=10))
    first = close(station)
    registers = station.services.registers
    with pytest.raises(InvalidRecord):
        registers.reopen(station.director, OCTOBER, PASSWORD, "  ")
    registers.reopen(station.director, OCTOBER, PASSWORD, "Sót hai lượt khám")
    write(station, patient, at(6, month=10))
    assert registers.show(station.director, OCTOBER).late == ()
    second = close(station)

    one, two = registers.closings(station.director, OCTOBER)
    assert (one.id, one.lines, one.stands, one.reopen_reason) == (
        first.id,
        1,
        False,
        "Sót hai lượt khám",
    )
    assert (two.id, two.lines, two.times, two.stands) == (second.id, 2, 2, True)
    with station.store.read() as work:
        assert len(work.registers.snapshot(first.id)) == 1
    actions = [row.action for row in station.services.trail.rows(station.director)]
    assert [a for a in actions if a.startswith("register.") and a != "register.list"] == [
        "register.close",
        "register.reopen",
        "register.close",
    ]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE register_closing SET lines = 9",
        "DELETE FROM register_closing",
        "UPDATE register_reopening SET reason = 'x'",
        "DELETE FROM register_reopening",
        "REPLACE INTO register_closing SELECT * FROM register_closing LIMIT 1",
        INSERT_CLOSING,
        REOPEN_AGAIN,
        REOPEN_NONE,
        REOPEN_SILENT,
    ],
)
def test_the_database_itself_keeps_a_closed_month(station, statement) -> None:
    close(station)
    station.services.registers.reopen(station.director, OCTOBER, PASSWORD, "Sót")
    close(station, OCTOBER.previous)
    station.store.close()
    raw = connections.connect(station.path, KEY)
    try:
        with pytest.raises(sqlcipher.DatabaseError, match=r"register_(closing|reopening): "):
            raw.execute(statement)
    finally:
        raw.close()
    station.open()


def test_a_snapshot_that_is_not_what_its_hash_says_is_not_shown(station) -> None:
    write(station, station.register(), at(5, month=10))
    close(station)
    station.store.close()
    raw = connections.connect(station.path, KEY)
    raw.execute("DROP TRIGGER register_closing_update")
    raw.execute("UPDATE register_closing SET content_sha256 = ?", ("0" * 64,))
    raw.close()
    station.open()
    with pytest.raises((DatabaseDamaged, DBAPIError)):
        station.services.registers.show(station.director, OCTOBER)


# -- what is restricted ------------------------------------------------------------------------


def test_restricted_visits_keep_their_line_and_lose_their_words(station) -> None:
    patient = station.register()
    write(station, patient, at(3), "B20", "Bệnh do HIV mẫu")
    amended = write(station, patient, at(4), "F20.0", "Tâm thần phân liệt mẫu")
    amend(station, amended, diagnoses=write(station, patient, at(5)).diagnoses)
    show = station.services.registers.show

    masked = show(station.nurse, NOVEMBER)
    open_to = show(station.doctor, NOVEMBER)

    assert [line.diagnosis for _n, line in masked.parts[0].lines] == [
        RESTRICTED,
        RESTRICTED,  # an earlier version says it, and is still there to be read
        "I10 Bệnh mẫu",
    ]
    assert masked.masked == 2
    assert open_to.masked == 0
    assert "B20" in open_to.parts[0].lines[0][1].diagnosis


def test_registers_of_restricted_diseases_are_refused_without_the_right(station) -> None:
    patient = station.register()
    write(station, patient, at(3), "B20", "Bệnh do HIV mẫu")
    registers = station.services.registers

    assert registers.show(station.doctor, NOVEMBER, "A10").count == 1
    refused = registers.show(station.nurse, NOVEMBER, "A10")
    assert (refused.count, bool(refused.refused)) == (0, True)
    with pytest.raises(StateError):
        registers.export(station.nurse, NOVEMBER, "A10")
    own = registers.definition_file(station.director, "A9").replace(b"A15-A19", b"B20-B24")
    registers.import_definition(station.director, own)
    assert registers.show(station.doctor, NOVEMBER, "A9").count == 1
    assert registers.show(station.nurse, NOVEMBER, "A9").count == 0


def test_who_may_look(station) -> None:
    registers = station.services.registers
    for role in (Role.NURSE, Role.INSPECTOR, Role.PHARMACIST):
        registers.show(station.actor(role), NOVEMBER)
    with pytest.raises(PermissionDenied):
        registers.show(station.actor(Role.ADMINISTRATOR), NOVEMBER)
    with pytest.raises(NotFound):
        registers.show(station.nurse, NOVEMBER, "A99")


def test_registers_without_data_say_why(station) -> None:
    registers = station.services.registers
    for one in registers.definitions(station.nurse):
        view = registers.show(station.director, NOVEMBER, one.code)
        assert view.count == 0
        if one.missing:
            with pytest.raises(StateError, match=r"\w"):
                registers.export(station.director, NOVEMBER, one.code)
