"""The log as people use it: filters, checks against what saw its end, papers, one person's report."""

from __future__ import annotations

import io
import zipfile
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from station_emr.db import connection as connections
from station_emr.db.models import AuditEntry
from station_emr.domain.audit import (
    AuditFilter,
    ChainHead,
    Comparison,
    EvidenceKind,
    Result,
    read_anchor,
)
from station_emr.domain.errors import InvalidRecord, NotFound, PermissionDenied
from station_emr.domain.permissions import Role
from station_emr.printing.audit_workbook import harmless
from station_emr.security.audit_witness import FILE_NAME, AuditWitnessFile
from station_emr.services.audit_evidence import MISMATCH, WitnessWatch
from station_emr.services.audit_report_words import as_json, details, verdict
from station_emr.services.audit_trail import AuditTrail
from station_emr.services.sharing import OtherLook, keep_looks
from tests.printing.pdf import text as text_of

from .conftest import KEY
from .visit_samples import sign, visit


@pytest.fixture
def trail(station) -> AuditTrail:
    return station.services.trail


@pytest.fixture
def witness(station) -> WitnessWatch:
    return WitnessWatch(station.store, station.clock, AuditWitnessFile(station.path.parent))


def done(station, wanted=None):
    with station.store.read() as work:
        return [row.action for row in reversed(work.audit.rows(500, None, wanted))]


def thief(station, *statements: str) -> None:
    raw = connections.connect(station.path, KEY)
    for table in ("audit_entry", "audit_anchor"):
        for name in ("update", "delete"):
            raw.execute(f"DROP TRIGGER IF EXISTS {table}_{name}")
    for statement in statements:
        raw.execute(statement)
    raw.close()


def cut(station, keep: int) -> None:
    """Cut the end off so that nothing inside the database tells."""
    thief(
        station,
        f"DELETE FROM audit_entry WHERE seq > {keep}",
        f"DELETE FROM audit_anchor WHERE seq > {keep}",
        f"UPDATE sqlite_sequence SET seq = {keep} WHERE name = 'audit_entry'",
    )


# -- filters -----------------------------------------------------------------------------------------


def test_filters_by_person_patient_action_day_and_result(station, trail) -> None:
    one = station.register()
    station.clock.forward(days=1)
    other = station.register(full_name="Người Mẫu Hai", national_id="")
    with pytest.raises(PermissionDenied):
        station.services.patients.card(station.actor(Role.ADMINISTRATOR), one.id)
    director, nurse = station.director, station.nurse

    def found(**wanted):
        return trail.rows(director, AuditFilter(**wanted))

    assert {row.patient_id for row in found(patient_id=other.id)} == {other.id}
    assert {row.user_name for row in found(user_id=nurse.user.id)} == {nurse.user.full_name}
    assert {row.action for row in found(actions=("patient.register",))} == {"patient.register"}
    assert len(found(actions=("patient.register",), patient_id=one.id)) == 1
    (refused,) = found(result=Result.REFUSED)
    assert (refused.role, refused.patient_id) == ("administrator", one.id)
    today = station.clock.now().replace(hour=0, minute=0, second=0, microsecond=0)
    registered = found(since=today, actions=("patient.register",))
    assert [row.patient_id for row in registered] == [other.id]
    before = found(until=today)
    assert {row.patient_id for row in before} >= {one.id}
    assert other.id not in {row.patient_id for row in before}
    assert found(since=today + timedelta(days=1)) == ()


def test_pages_follow_one_another_without_a_gap(station, trail) -> None:
    for number in range(7):
        station.services.accounts.save_setting(station.director, f"mau.{number}", "1")
    wanted = AuditFilter(actions=("setting.update",))
    first = trail.rows(station.director, wanted, 3)
    second = trail.rows(station.director, wanted, 3, first[-1].seq)
    third = trail.rows(station.director, wanted, 3, second[-1].seq)
    assert [len(page) for page in (first, second, third)] == [3, 3, 1]
    seqs = [row.seq for page in (first, second, third) for row in page]
    assert seqs == sorted(set(seqs), reverse=True)


def test_every_filter_walks_an_index(station) -> None:
    """On a million lines nobody waits for a scan."""
    day = datetime.fromisoformat("2026-11-20T00:00:00+07:00")
    with station.store.read() as work:
        for wanted in (
            AuditFilter(user_id="x"),
            AuditFilter(patient_id="x"),
            AuditFilter(actions=("x",)),
            AuditFilter(result=Result.REFUSED),
            AuditFilter(since=day, until=day + timedelta(days=1)),
        ):
            query = work.audit._filtered(
                select(AuditEntry.seq),
                wanted,
            )
            made = (
                query.order_by(AuditEntry.seq.desc())
                .limit(10)
                .compile(work._connection, compile_kwargs={"render_postcompile": True})
            )
            values = tuple(made.params[name] for name in made.positiontup)
            found = work._connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {made}", values)
            plan = " ".join(row[3] for row in found)
            assert "SEARCH audit_entry" in plan, plan
            assert "TEMP B-TREE" not in plan, plan


@pytest.mark.parametrize("role", [Role.DOCTOR, Role.NURSE, Role.PHARMACIST])
def test_only_who_may_see_the_log_sees_it(station, trail, role) -> None:
    who = station.actor(role)
    for forbidden in (
        lambda: trail.rows(who),
        lambda: trail.people(who),
        lambda: trail.actions(who),
        lambda: trail.size(who),
        lambda: trail.verify(who),
        lambda: trail.head_sheet(who),
        lambda: trail.export(who, AuditFilter()),
        lambda: trail.access_report_pdf(who, "x"),
        lambda: trail.accept(who, ChainHead(seq=1, hash="0" * 64), "x"),
        lambda: trail.anchor_now(who),
    ):
        with pytest.raises(PermissionDenied):
            forbidden()


def test_an_administrator_hands_out_no_report_about_a_patient(station, trail) -> None:
    person = station.register()
    with pytest.raises(PermissionDenied):
        trail.access_report(station.actor(Role.ADMINISTRATOR), person.id)


# -- checking ----------------------------------------------------------------------------------------


def test_a_whole_log_agrees_with_everything(station, trail, witness) -> None:
    station.register()
    witness.note()
    trail.head_sheet(station.director)
    told = []

    report = trail.verify(station.director, lambda read, total: told.append((read, total)) or True)

    assert report.is_whole
    assert {one.evidence.kind for one in report.compared} == {
        EvidenceKind.WITNESS,
        EvidenceKind.PRINTED,
    }
    assert told[-1][0] == told[-1][1] == report.check.lines
    assert "còn nguyên: không dòng nào" in verdict(report)
    assert as_json(report)["whole"] is True
    assert done(station)[-1] == "audit.verify"


def test_a_cut_end_is_told_by_the_witness_alone(station, trail, witness) -> None:
    station.register()
    witness.note()
    with station.store.read() as work:
        lines = work.audit.head().seq
    cut(station, lines - 2)

    report = trail.verify(station.director)

    assert report.check.broken is None
    (wrong,) = report.disagreeing
    assert (wrong.evidence.kind, wrong.comparison) == (EvidenceKind.WITNESS, Comparison.SHORTER)
    assert "không khớp với mốc" in verdict(report)
    assert "các dòng cuối đã mất" in verdict(report)


def test_without_the_witness_that_cut_works(station, trail, witness) -> None:
    """The same attack by somebody who also takes the file away: only paper and province tell."""
    station.register()
    trail.head_sheet(station.director)
    with station.store.read() as work:
        printed = work.audit.anchors()[0].head
    witness.note()
    cut(station, printed.seq - 2)
    for name in (FILE_NAME, f"{FILE_NAME}.bak"):
        (station.path.parent / name).unlink()

    assert trail.verify(station.director).is_whole, "nothing is left that remembers"

    report = trail.verify(station.director, printed=(read_anchor(printed.words),))
    (wrong,) = report.disagreeing
    assert wrong.evidence.kind is EvidenceKind.PRINTED


def test_yesterdays_database_is_told_at_its_opening(station, witness, tmp_path) -> None:
    yesterday = tmp_path / "yesterday.db"
    station.store.backup(str(yesterday))
    station.register()
    witness.note()
    station.store.close()
    for suffix in ("-wal", "-shm"):
        station.path.with_name(station.path.name + suffix).unlink(missing_ok=True)
    yesterday.replace(station.path)
    station.open()
    watch = WitnessWatch(station.store, station.clock, AuditWitnessFile(station.path.parent))

    assert watch.opened() is False

    assert MISMATCH in done(station)
    alarm = station.services.trail.alarm
    assert "đưa về bản cũ" in alarm(station.director)
    assert alarm(station.nurse) == ""
    report = station.services.trail.verify(station.director)
    assert [one.comparison for one in report.disagreeing] != []
    assert watch.opened() is True, "told once"
    again = station.services.trail.verify(station.director)
    assert not again.is_whole, "and remembered, however long the new chain grows"


def test_the_director_says_why_an_end_is_missing(station, trail, witness) -> None:
    station.register()
    witness.note()
    with station.store.read() as work:
        cut(station, work.audit.head().seq - 2)
    (wrong,) = trail.verify(station.director).disagreeing
    head = wrong.evidence.head

    with pytest.raises(InvalidRecord):
        trail.accept(station.director, head, "  ")
    with pytest.raises(PermissionDenied, match="giám đốc"):
        trail.accept(station.actor(Role.ADMINISTRATOR), head, "Khôi phục")
    trail.accept(station.director, head, "Khôi phục từ bản sao lưu sau khi hỏng ổ đĩa")

    report = trail.verify(station.director)
    assert report.is_whole
    watch = WitnessWatch(station.store, station.clock, AuditWitnessFile(station.path.parent))
    watch.opened()
    assert trail.alarm(station.director) == "", "explained before it is noticed again"
    assert "đã xác nhận lý do" in " ".join(details(report))


def test_what_agrees_needs_no_reason(station, trail) -> None:
    with station.store.read() as work:
        head = work.audit.head()
    with pytest.raises(NotFound):
        trail.accept(station.director, head, "Không có gì")


def test_a_broken_link_is_named_in_words(station, trail) -> None:
    station.register()
    thief(station, "UPDATE audit_entry SET user_name = 'Ai Khác' WHERE seq = 2")
    report = trail.verify(station.director)
    assert "không còn nguyên từ dòng 2" in verdict(report)
    assert (as_json(report)["first_broken"], as_json(report)["why"]) == (2, "changed")
    with station.store.read() as work:
        assert work.audit.rows(1)[0].result == Result.FAILED


def test_a_check_that_was_stopped_says_nothing(station, trail) -> None:
    station.register()
    report = trail.verify(station.director, lambda _read, _total: False)
    assert not report.check.finished
    assert not report.is_whole
    assert "chưa có kết luận" in verdict(report)
    assert "audit.verify" not in done(station)


@pytest.mark.parametrize(
    ("text", "fits"),
    [
        ("7:" + "ab" * 32, True),
        (" 7 : " + "AB" * 32 + "\n", True),
        ("7:" + "ab cd " * 16, True),
        ("7:" + "ab" * 31, False),
        ("x:" + "ab" * 32, False),
        ("", False),
    ],
)
def test_a_printed_anchor_is_read(text, fits) -> None:
    assert (read_anchor(text) is not None) is fits


# -- papers ------------------------------------------------------------------------------------------


def test_the_sheet_for_the_file_holds_the_end_of_the_log(station, trail) -> None:
    station.register()
    pdf = trail.head_sheet(station.director)
    with station.store.read() as work:
        head, anchor = work.audit.head(), work.audit.anchors()[0]
    said = "".join(text_of(pdf).split())
    assert head.hash in said
    assert "MỐCNHẬTKÝTRUYCẬP" in said
    assert (anchor.kind, anchor.head.words) == (EvidenceKind.PRINTED, head.words)
    assert done(station)[-1] == "audit.head_sheet", "the print is the line that is printed"


def cells(book: bytes) -> str:
    with zipfile.ZipFile(io.BytesIO(book)) as package:
        return "".join(
            package.read(name).decode()
            for name in package.namelist()
            if name.startswith(("xl/worksheets/", "xl/sharedStrings"))
        )


def test_an_export_is_itself_in_the_log_and_holds_no_formula(station, trail) -> None:
    evil = '=HYPERLINK("http://example.invalid","x")'
    user = replace(station.nurse.user, full_name=evil)
    with station.store.write() as work:
        actor = replace(station.nurse, user=user)
        work.audit.append(
            actor, "patient.view", station.clock.now(), detail={"reason": "+cmd|calc"}
        )

    book = trail.export(station.director, AuditFilter())

    found = cells(book)
    assert "<f>" not in found
    assert "<f " not in found
    assert (
        f"'{evil}".replace('"', "&quot;") in found
        or "&#39;=HYPERLINK" in found
        or "'=HYPER" in found
    )
    assert done(station)[-1] == "audit.export"
    with station.store.read() as work:
        assert "Excel" in work.audit.rows(1)[0].detail


@pytest.mark.parametrize(
    "text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", " =1", "|x", "%x"]
)
def test_no_spreadsheet_takes_a_word_for_a_formula(text) -> None:
    assert harmless(text).startswith("'")


@pytest.mark.parametrize("text", ["", "Trần Thị Mai", "1.5", "a=b", "\x00x"])
def test_usual_words_stay_as_they_are(text) -> None:
    assert harmless(text) == text.replace("\x00", "")


def test_the_log_on_paper_tells_lines_in_words(station, trail) -> None:
    person = station.register()
    said = text_of(trail.export(station.director, AuditFilter(patient_id=person.id), as_pdf=True))
    assert "Đăng ký người bệnh" in said
    assert "một người bệnh" in said
    assert person.full_name not in said


def test_a_person_is_told_who_saw_the_record(station, trail) -> None:
    person = station.register()
    encounter = visit(station, person)
    sign(station, encounter)
    look = OtherLook(
        number=1,
        at=station.clock.now(),
        patient_id=person.id,
        facility="Bệnh viện Mẫu",
        user="BS. Người Khác",
        emergency=True,
        reason="Hôn mê, không hỏi được",
        resources=3,
    )
    with station.store.write() as work:
        keep_looks(work, [look, replace(look, number=2, patient_id="nobody")], station.clock.now())

    pdf = trail.access_report_pdf(station.director, person.id, "Người bệnh")

    said = " ".join(text_of(pdf).split())
    for words in (
        "DANH SÁCH NGƯỜI ĐÃ XEM",
        person.full_name,
        station.nurse.user.full_name,
        "Điều dưỡng",
        "Đăng ký người bệnh",
        "Ký lượt khám",
        "Khám bệnh, chữa bệnh",
        "Bệnh viện Mẫu",
        "BS. Người Khác",
        "Cấp cứu: Hôn mê, không hỏi được",
    ):
        assert words in said, words
    assert said.count("Bệnh viện Mẫu") == 1, "looks at others are not told"
    with station.store.read() as work:
        line = work.audit.rows(1)[0]
    assert (line.action, line.patient_id, line.purpose) == (
        "audit.access_report",
        person.id,
        "request",
    )
    assert "Người bệnh" in line.detail


def test_a_report_holds_only_this_persons_lines(station, trail) -> None:
    one, other = station.register(), station.register(full_name="Người Mẫu Hai", national_id="")
    report = trail.access_report(station.director, one.id)
    assert {row.patient_id for row in report.rows} == {one.id}
    assert [row.seq for row in report.rows] == sorted(row.seq for row in report.rows)
    assert other.id not in {row.patient_id for row in report.rows}


def test_the_size_is_told_and_nothing_is_deleted(station, trail) -> None:
    before = trail.size(station.director)
    station.register()
    after = trail.size(station.director)
    assert after.lines > before.lines
    assert after.size > before.size > 0
    assert dict(after.by_action)["patient.register"] == 1
