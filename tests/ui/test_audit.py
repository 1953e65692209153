"""The log by keys: who did what, in words; filters; the check of the chain."""

from __future__ import annotations

import re
from dataclasses import fields, replace
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from sqlalchemy import text

from station_emr import services as services_package
from station_emr.domain.audit import ChainHead
from station_emr.domain.encounter import Stage
from station_emr.domain.errors import PermissionDenied
from station_emr.domain.patient import Patient
from station_emr.domain.permissions import Role
from station_emr.domain.record import RecordKind
from station_emr.security.audit_witness import AuditWitnessFile
from station_emr.services.audit_detail_words import detail_text
from station_emr.services.audit_evidence import Witnessed
from station_emr.services.audit_words import action_text
from station_emr.services.views import AuditRow
from station_emr.ui.models.routes import AuditRoute
from station_emr.ui.screens.audit import AuditScreen
from station_emr.ui.screens.audit.filters import in_group
from station_emr.ui.screens.audit.screen import matches
from tests.services import visit_samples as samples
from tests.services.conftest import MORNING
from tests.ui.driver import ScreenDriver, answers
from tests.ui.visits import letter, signed_letter, visit

__all__ = ["answers", "letter", "signed_letter", "visit"]

ROW = AuditRow(seq=7, at=MORNING, user_name="Nguyễn Thị Hoa", role="doctor", action="referral.sign")


class Page(ScreenDriver):
    def __init__(self, qtbot, session) -> None:
        super().__init__(qtbot, AuditScreen(session))
        self.screen.on_enter()
        self.until(lambda: len(self.screen.table.rows) > 0)

    def verify(self) -> str:
        self.press_button("audit.verify")
        self.until(self.screen.check.banner.isVisible)
        return self.screen.check.banner.message.text


@pytest.mark.parametrize(
    ("action", "words"),
    [
        ("referral.print", "In phiếu chuyển"),
        ("encounter.sign", "Ký lượt khám"),
        ("account.log_in", "Đăng nhập"),
        ("user.add", "Thêm người dùng"),
        ("something.new", "something.new"),
    ],
)
def test_actions_are_told_in_words(action, words) -> None:
    assert action_text(action) == words


def test_details_are_told_in_words() -> None:
    row = AuditRow(
        seq=1,
        at=MORNING,
        user_name="",
        role="",
        action="user.update",
        detail="role: nurse, active: False",
    )

    assert detail_text(row) == "vai trò: Điều dưỡng, đang làm việc: không"


def test_edited_fields_are_told_in_words() -> None:
    row = replace(ROW, action="patient.update", detail="fields: allergies,no_known_allergy")
    every = ",".join(field.name for field in fields(Patient) if field.name != "id")

    assert detail_text(row) == "mục đã sửa: dị ứng, không có dị ứng đã biết"
    assert "_" not in detail_text(replace(row, detail=f"fields: {every}"))


def _a_day(station) -> None:
    """Everything a person can do with a record or an account, done once."""
    services, doctor, director = station.services, station.doctor, station.director
    accounts, nurse = services.accounts, station.nurse
    person = station.register()
    seen = services.patients.get(nurse, person.id)
    services.patients.update(nurse, replace(seen.record, note="Đã hẹn"), seen.version)
    services.patients.card(doctor, person.id)
    encounter = samples.visit(station, person)
    paper = samples.prescription(station, encounter)
    slip = samples.appointment(station, encounter)
    letter = samples.referral(station, encounter)
    services.referrals.save_draft(doctor, letter)
    services.referrals.discard(doctor, letter.id)
    letter = samples.referral(station, encounter)
    samples.sign(station, encounter, prescription=paper, appointment=slip, referral=letter)
    for kind, held in (
        (RecordKind.PRESCRIPTION, paper),
        (RecordKind.APPOINTMENT, slip),
        (RecordKind.REFERRAL, letter),
    ):
        services.prints.print(nurse, kind, held.id)
        services.prints.preview(director, kind, held.id)
    services.encounters.set_stage(doctor, encounter.id, Stage.FINISHED)
    signed = services.appointments.get(doctor, slip.id)
    services.appointments.amend(doctor, signed.record, signed.version, "Đổi ngày")
    services.referrals.void(doctor, letter.id, "Không đi")
    services.encounters.void(doctor, encounter.id, "Nhầm người")
    left = services.encounters.check_in(nurse, person.id, "Ho").id_of(RecordKind.ENCOUNTER)
    services.encounters.discard(nurse, left)
    accounts.unlock(director, "ddmai")
    accounts.reset_password(director, "ddmai", "x")
    accounts.change_password(nurse, "x", "y")
    accounts.save_station(director, replace(accounts.station(), phone="0900000003"))
    accounts.save_setting(director, "sync.server_url", "https://tinh.example/fhir")
    accounts.update_user(director, replace(nurse.user, phone="0900000004"))
    accounts.new_recovery_code(director)
    services.sync.requeue_all(director)
    accounts.log_out(nurse, "idle")


def test_a_whole_day_has_no_line_in_the_programs_own_words(station) -> None:
    _a_day(station)
    rows = station.services.accounts.audit(station.director, 500)
    assert len({row.action for row in rows}) > 25

    raw = {row.action for row in rows if action_text(row.action) == row.action}
    details = {detail_text(row) for row in rows}

    assert raw == set()
    assert {text for text in details if "_" in text or "fields" in text} == set()


def test_what_arrived_is_told_by_kind() -> None:
    row = replace(ROW, action="sync.received", detail="encounter: 2, patient: 1")
    assert action_text(row.action) == "Nhận hồ sơ từ máy khác"
    assert detail_text(row) == "lượt khám: 2, người bệnh: 1"


def test_every_action_the_services_write_has_words() -> None:
    folder = Path(services_package.__file__).parent
    written = "\n".join(path.read_text("utf-8") for path in folder.glob("*.py"))
    calls = re.findall(r"(?:audit\.append|self\._log)\((.*?)\)", written, re.DOTALL)
    named = {name for call in calls for name in re.findall(r'"([a-z]+\.[a-z_]+)"', call)}
    papers = (RecordKind.PRESCRIPTION, RecordKind.APPOINTMENT, RecordKind.REFERRAL)
    verbs = ("view", "sign", "amend", "void", "discard", "print")
    named |= {f"{paper}.{verb}" for paper in papers for verb in verbs}
    assert {"account.recovery", "backup.make", "catalog.import", "clock.accept"} <= named

    assert {name for name in named if action_text(name) == name} == set()


def test_filters_by_kind_of_action_and_words() -> None:
    assert in_group(ROW.action, "all")
    assert in_group(ROW.action, "signed")
    assert not in_group(ROW.action, "access")
    assert matches(ROW, "hoa ky")
    assert matches(ROW, "20/11/2026")
    assert not matches(ROW, "mai")


def test_the_log_is_filtered_by_keys(qtbot, session_of, station, signed_letter) -> None:
    signed_letter()
    page = Page(qtbot, session_of(Role.DIRECTOR))
    everything = len(page.screen.table.rows)

    page.type("audit.filter", "ky phieu")

    assert [row.action for row in page.screen.table.rows] == ["referral.sign"]
    assert len(page.screen.table.rows) < everything
    page.sweep()


def test_prints_have_their_own_list(qtbot, session_of, station, signed_letter) -> None:
    letter_id = signed_letter()
    station.services.prints.print(station.doctor, RecordKind.REFERRAL, letter_id)
    page = Page(qtbot, session_of(Role.DIRECTOR))

    page.press_button("audit.tab.1")

    page.until(lambda: [row.record_id for row in page.screen.prints.rows] == [letter_id])
    assert not page.screen.filter.isVisible()


def test_an_untouched_chain_is_whole(qtbot, session_of) -> None:
    assert "còn nguyên: không dòng nào" in Page(qtbot, session_of(Role.DIRECTOR)).verify()


def test_a_changed_line_is_found_and_named(qtbot, session_of, station) -> None:
    station.register(full_name="Người Mẫu Một")
    with station.store._writer.begin() as raw:
        raw.execute(text("DROP TRIGGER IF EXISTS audit_entry_no_update"))
        triggers = raw.execute(
            text("SELECT name FROM sqlite_master WHERE type='trigger' AND tbl_name='audit_entry'")
        ).scalars()
        for name in list(triggers):
            raw.execute(text(f"DROP TRIGGER {name}"))
        raw.execute(text("UPDATE audit_entry SET user_name = 'Ai Khác' WHERE seq = 2"))

    told = Page(qtbot, session_of(Role.DIRECTOR)).verify()

    assert "không còn nguyên từ dòng 2" in told


def test_older_lines_come_on_demand(qtbot, session_of, station, monkeypatch) -> None:
    monkeypatch.setattr("station_emr.ui.screens.audit.screen.PAGE", 3)
    for number in range(5):
        station.services.accounts.save_setting(station.director, f"mau.{number}", "1")
    page = Page(qtbot, session_of(Role.DIRECTOR))
    assert len(page.screen.table.rows) == 3
    newest = page.screen.table.rows[0].seq

    while page.screen.older.isEnabled():
        before = len(page.screen.table.rows)
        page.press_button("audit.older")
        page.until(
            lambda before=before: (
                len(page.screen.table.rows) > before or not page.screen.older.isEnabled()
            )
        )

    assert [row.seq for row in page.screen.table.rows] == list(range(newest, 0, -1))


def choose(page: Page, field: str, value: object) -> None:
    """As somebody who picks it from the list."""
    chosen = getattr(page.screen.filters, field)
    chosen.set_value(value)
    page.screen.filters.changed.emit()


def test_the_kinds_of_action_are_asked_of_the_whole_log(
    qtbot, session_of, station, signed_letter
) -> None:
    signed_letter()
    page = Page(qtbot, session_of(Role.DIRECTOR))

    choose(page, "group", "signed")

    page.until(
        lambda: (
            {row.action for row in page.screen.table.rows} == {"encounter.sign", "referral.sign"}
        )
    )


def test_days_and_people_narrow_the_log(qtbot, session_of, station) -> None:
    station.register()
    station.clock.forward(days=1)
    station.register(full_name="Người Mẫu Hai", national_id="")
    page = Page(qtbot, session_of(Role.DIRECTOR))

    page.type("audit.since", "21/11/2026")
    page.key(Qt.Key.Key_Tab)
    choose(page, "person", station.nurse.user.id)

    page.until(lambda: len(page.screen.table.rows) == 2)
    assert {f"{row.at:%d}" for row in page.screen.table.rows} == {"21"}
    assert {row.user_id for row in page.screen.table.rows} == {station.nurse.user.id}


def test_refusals_stand_out(qtbot, session_of, station) -> None:
    person = station.register()
    with pytest.raises(PermissionDenied):
        station.services.patients.card(station.actor(Role.ADMINISTRATOR), person.id)
    page = Page(qtbot, session_of(Role.DIRECTOR))

    choose(page, "result", "refused")

    page.until(lambda: [row.action for row in page.screen.table.rows] == ["access.refused"])
    assert "không được xem hồ sơ người bệnh" in detail_text(page.screen.table.rows[0])


def test_the_lines_of_one_patient_and_the_list_for_the_person(
    qtbot, session_of, station, answers, tmp_path
) -> None:
    person = station.register()
    station.register(full_name="Người Mẫu Hai", national_id="")
    page = Page(qtbot, session_of(Role.DIRECTOR))
    page.screen.on_enter(AuditRoute(person.id, person.full_name))
    page.until(lambda: {row.patient_id for row in page.screen.table.rows} == {person.id})
    page.sweep()
    target = tmp_path / "ai-da-xem.pdf"
    answers.next = ["Người bệnh", target]

    page.press_button("audit.report")

    page.until_said("Đã lưu")
    assert target.read_bytes().startswith(b"%PDF")
    page.press_button("audit.all_patients")
    page.until(lambda: len({row.patient_id for row in page.screen.table.rows}) > 1)


def test_the_end_of_the_log_is_saved_for_the_file(qtbot, session_of, answers, tmp_path) -> None:
    page = Page(qtbot, session_of(Role.DIRECTOR))
    target = tmp_path / "moc.pdf"
    answers.next = [target]

    page.press_button("audit.head")

    page.until_said("giám đốc ký")
    assert target.read_bytes().startswith(b"%PDF")


def test_a_folder_that_cannot_be_written_is_said(qtbot, session_of, answers, tmp_path) -> None:
    page = Page(qtbot, session_of(Role.DIRECTOR))
    answers.next = [tmp_path / "nowhere" / "moc.pdf"]
    page.press_button("audit.head")
    page.until_said("Chưa lưu được tệp")


@pytest.mark.parametrize(
    ("kind", "name", "starts"),
    [("Excel (*.xlsx)", "x.xlsx", b"PK"), ("PDF (*.pdf)", "x.pdf", b"%PDF")],
)
def test_the_log_is_taken_out(qtbot, session_of, answers, tmp_path, kind, name, starts) -> None:
    page = Page(qtbot, session_of(Role.DIRECTOR))
    target = tmp_path / name
    answers.next = [kind, target]

    page.press_button("audit.export")

    page.until_said("Đã lưu")
    assert target.read_bytes().startswith(starts)


def test_a_check_compares_with_paper(qtbot, session_of, station, answers) -> None:
    with station.store.read() as work:
        head = work.audit.head()
    page = Page(qtbot, session_of(Role.DIRECTOR))
    page.verify()

    answers.next = ["không phải mốc"]
    page.press_button("audit.compare")
    page.until(lambda: "Chưa phải là mốc" in page.screen.check.banner.message.text)
    answers.next = [head.words]
    page.press_button("audit.compare")
    page.until(lambda: f"Mốc in trên giấy, dòng {head.seq}: khớp" in page.screen.check.more.text())
    answers.next = [f"1:{'0' * 64}"]
    page.press_button("audit.compare")
    page.until(lambda: "KHÔNG KHỚP" in page.screen.check.more.text())
    assert "không khớp với mốc" in page.screen.check.banner.message.text
    page.sweep()


def test_the_director_explains_what_is_missing(qtbot, session_of, station, answers) -> None:
    watch = AuditWitnessFile(station.path.parent)
    watch.write(Witnessed(head=ChainHead(seq=900, hash="a" * 64)))
    page = Page(qtbot, session_of(Role.DIRECTOR))
    assert "không khớp với mốc" in page.verify()
    page.sweep()
    answers.next = ["Khôi phục từ bản sao lưu sau khi hỏng ổ đĩa"]

    page.press_button("audit.explain")

    check = page.screen.check
    page.until(lambda: check.banner.isVisible() and "còn nguyên" in check.banner.message.text)
    assert "đã xác nhận lý do" in check.more.text()
    assert not check.explain.isVisible()


def test_only_the_director_explains(qtbot, session_of, station) -> None:
    watch = AuditWitnessFile(station.path.parent)
    watch.write(Witnessed(head=ChainHead(seq=900, hash="a" * 64)))
    page = Page(qtbot, session_of(Role.ADMINISTRATOR))
    assert "không khớp với mốc" in page.verify()
    page.until(page.screen.check.compare.isVisible)
    assert not page.screen.check.explain.isVisible()


def test_a_check_can_be_stopped(qtbot, session_of, station, monkeypatch) -> None:
    """The reading waits after each portion until the person has pressed the button."""
    page = Page(qtbot, session_of(Role.DIRECTOR))
    check = page.screen.check
    real = station.services.trail.verify

    def slowly(actor, progress, **options):
        while progress(1, 10):
            pass
        return real(actor, lambda _read, _total: False, **options)

    monkeypatch.setattr(station.services.trail, "verify", slowly)
    page.press_button("audit.verify")
    page.until(lambda: check.stop.isVisible() and not page.screen.verify.isEnabled())
    page.press_button("audit.stop")
    page.until(check.banner.isVisible)
    assert "chưa có kết luận" in check.banner.message.text
    page.until(page.screen.verify.isEnabled)


def test_a_doctor_may_not_read_the_log(qtbot, session_of) -> None:
    driver = ScreenDriver(qtbot, AuditScreen(session_of(Role.DOCTOR)))

    driver.screen.on_enter()

    driver.until(lambda: len(driver.said) == 1)
    assert driver.screen.table.rows == ()
    driver.key(Qt.Key.Key_Escape)
