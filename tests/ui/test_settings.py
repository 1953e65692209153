"""The settings by keys: what each role sees, and what saving really changes."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication

from station_emr.db.store import EncryptedStore
from station_emr.domain.errors import Problem, UserError
from station_emr.domain.permissions import Role
from station_emr.domain.sync import DAILY_BYTES, NOT_ON_METERED
from station_emr.services.enrolment import Enrolment
from station_emr.services.timekeeping import keep_time
from station_emr.ui.kit import apply_theme, tokens
from station_emr.ui.kit.memory import memory
from station_emr.ui.models import routes
from station_emr.ui.screens.settings import SettingsScreen
from station_emr.ui.screens.settings.server_panel import url_problem
from tests.services.conftest import KEY, MORNING
from tests.ui.driver import ScreenDriver, answers, pdf_text
from tests.ui.sweep import duplicate_mnemonics

__all__ = ["answers"]


class Page(ScreenDriver):
    def __init__(self, qtbot, session) -> None:
        super().__init__(qtbot, SettingsScreen(session))
        self.screen.on_enter()

    def open(self, key: str):
        self.press_button(f"settings.{key}")
        return self.screen.panel

    @property
    def entries(self) -> list[str]:
        return list(self.screen.hub.buttons)


@pytest.mark.parametrize(
    ("role", "entries"),
    [
        (
            Role.DIRECTOR,
            [
                "station",
                "server",
                "backup",
                "retention",
                "export",
                "files",
                "gateways",
                "signing",
                "waiting",
                "recovery",
                "keys",
                "users",
                "rights",
                "emergency_review",
                "catalogs",
                "audit",
                "dossier",
                "sharing",
                "privacy",
                "ranges",
                "personal",
                "second_factor",
            ],
        ),
        (
            Role.ADMINISTRATOR,
            [
                "station",
                "server",
                "backup",
                "retention",
                "files",
                "gateways",
                "signing",
                "keys",
                "users",
                "rights",
                "emergency_review",
                "catalogs",
                "audit",
                "dossier",
                "personal",
                "second_factor",
            ],
        ),
        (
            Role.DOCTOR,
            ["backup", "waiting", "catalogs", "sharing", "privacy", "personal", "second_factor"],
        ),
        (Role.NURSE, ["emergency", "catalogs", "sharing", "privacy", "personal", "second_factor"]),
        (
            Role.INSPECTOR,
            ["retention", "catalogs", "audit", "sharing", "personal", "second_factor"],
        ),
    ],
)
def test_each_role_sees_what_it_may_change(qtbot, session_of, role, entries) -> None:
    page = Page(qtbot, session_of(role))

    assert page.entries == entries
    page.sweep()


def test_cards_lead_to_people_lists_and_log(qtbot, session_of) -> None:
    page = Page(qtbot, session_of(Role.DIRECTOR))

    for key in ("users", "catalogs", "audit", "sharing"):
        page.press_button(f"settings.{key}")

    went = [routes.USERS, routes.CATALOGS, routes.AUDIT, routes.SHARING]
    assert [key for key, _ in page.went] == went


def test_the_station_profile_is_checked_and_saved(qtbot, session_of, station) -> None:
    page = Page(qtbot, session_of(Role.DIRECTOR))
    panel = page.screen.panel
    page.until(lambda: panel.form.field("name").value() == "Trạm Y tế xã Mẫu")

    page.type("station.code", "12")
    page.shortcut(Qt.Key.Key_S)
    page.until(lambda: panel.form.field("code").problem is not None)
    assert station.services.accounts.station().code == "DEMO1"

    page.type("station.code", "DEMO7")
    page.type("station.name", "Trạm Y tế xã Mẫu Hai")
    page.shortcut(Qt.Key.Key_S)
    page.until_said("Đã lưu thông tin trạm")
    saved = station.services.accounts.station()
    assert (saved.code, saved.name) == ("DEMO7", "Trạm Y tế xã Mẫu Hai")
    assert duplicate_mnemonics(page.screen) == []


def test_a_station_with_beds_says_so_by_a_tick(qtbot, session_of, station) -> None:
    page = Page(qtbot, session_of(Role.DIRECTOR))
    beds = page.screen.panel.form.field("has_beds")
    page.until(lambda: page.screen.panel.form.field("name").value() != "")
    before = station.services.accounts.station()
    assert beds.value() is before.has_beds is False

    page.tick(beds.box)
    page.shortcut(Qt.Key.Key_S)
    page.until_said("Đã lưu thông tin trạm")

    assert station.services.accounts.station() == replace(before, has_beds=True)
    page.sweep()


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("", True),
        ("https://tinh.example/fhir", True),
        ("http://127.0.0.1:8080/fhir", True),
        ("http://localhost:8080", True),
        ("http://tinh.example/fhir", False),
        ("tinh.example", False),
        ("https://", False),
        ("http://[", False),
    ],
)
def test_the_record_leaves_only_encrypted(url, allowed) -> None:
    assert (url_problem(url) is None) is allowed


def test_the_server_and_token_are_kept_and_the_token_is_never_shown(
    qtbot, session_of, station
) -> None:
    page = Page(qtbot, session_of(Role.DIRECTOR))
    panel = page.open("server")
    page.until(lambda: "Xin mã này" in panel.token.note)

    page.type("server.url", "http://tinh.example/fhir")
    page.type("server.token", "ma-mau")
    page.shortcut(Qt.Key.Key_S)
    assert "https://" in panel.url.problem
    assert station.services.accounts.setting("sync.token") == ""

    page.type("server.url", "https://tinh.example/fhir")
    page.shortcut(Qt.Key.Key_S)
    page.until(panel.note.isVisible)
    assert station.services.accounts.setting("sync.server_url") == "https://tinh.example/fhir"
    assert station.services.accounts.setting("sync.token") == "ma-mau"
    page.until(lambda: "Đã có mã truy cập" in panel.token.note)
    assert panel.token.value() == ""

    page.shortcut(Qt.Key.Key_S)  # an empty token changes nothing
    page.until(lambda: "Đã có mã truy cập" in panel.token.note)
    assert station.services.accounts.setting("sync.token") == "ma-mau"


class Enrolments:
    """The province's desk of this test; the real one is tried against the real server elsewhere."""

    def __init__(self) -> None:
        self.found = Enrolment(
            server_url="", device_id="", own_key=False, key_here=False, own_authority=False
        )
        self.asked: list[tuple] = []
        self.refusal: Exception | None = None

    def state(self):
        return self.found

    def _answer(self, *asked, **changes):
        self.asked.append(asked)
        if self.refusal is not None:
            raise self.refusal
        self.found = replace(self.found, **changes)
        return self.found

    def enrol(self, actor, server, code):
        return self._answer(
            server, code, server_url=server, device_id="may-2", own_key=True, key_here=True
        )

    def add_key(self, actor):
        return self._answer("key", device_id="may-2", own_key=True, key_here=True)

    def trust_authority(self, actor, path):
        self._answer(path, own_authority=bool(path))


@pytest.fixture
def enrolments(station):
    made = Enrolments()
    station.services = replace(station.services, enrolments=made)
    return made


def test_a_machine_is_enrolled_with_a_code_by_keys(qtbot, session_of, enrolments) -> None:
    page = Page(qtbot, session_of(Role.DIRECTOR))
    panel = page.open("server")
    page.until(lambda: panel.state.message is not None)
    assert "chưa ghi danh với tỉnh" in panel.state.message.text
    page.press_button("settings.server.enrol")
    assert panel.url.problem == "Chưa có địa chỉ máy chủ của tỉnh."
    assert panel.code.problem == "Chưa có mã ghi danh."

    page.type("server.url", "http://tinh.example/fhir")
    page.type("server.code", "MAU-7F3K")
    page.key(Qt.Key.Key_Return)
    assert "https://" in panel.url.problem
    assert enrolments.asked == []

    page.type("server.url", "https://tinh.example/fhir")
    page.focus("server.code")
    page.key(Qt.Key.Key_Return)

    page.until(lambda: "Đã ghi danh: tỉnh biết máy này là may-2." in _note(panel))
    assert enrolments.asked == [("https://tinh.example/fhir", "MAU-7F3K")]
    assert panel.code.value() == ""
    page.until(lambda: "bằng khóa riêng của máy (mã thiết bị may-2)" in panel.state.message.text)
    page.sweep()
    assert duplicate_mnemonics(page.screen) == []


def test_a_refused_code_says_why_and_can_be_typed_again(qtbot, session_of, enrolments) -> None:
    page = Page(qtbot, session_of(Role.DIRECTOR))
    panel = page.open("server")
    page.until(lambda: panel.state.message is not None)
    enrolments.refusal = UserError("Mã ghi danh sai, đã dùng hoặc đã hết hạn.")
    page.type("server.url", "https://tinh.example/fhir")
    page.type("server.code", "SAI")

    page.press_button("settings.server.enrol")

    page.until(lambda: "Mã ghi danh sai" in _note(panel))
    page.until(panel.enrol.isEnabled)
    assert panel.code.value() == "SAI"
    assert panel.code.editor.hasFocus()


def test_a_fixed_token_is_changed_for_a_key(qtbot, session_of, station, enrolments) -> None:
    station.services.accounts.save_setting(station.director, "sync.token", "ma-mau")
    enrolments.found = replace(enrolments.found, server_url="https://tinh.example/fhir")
    page = Page(qtbot, session_of(Role.DIRECTOR))
    panel = page.open("server")
    page.until(panel.own_key.isVisible)
    assert "mã truy cập cố định" in panel.state.message.text

    page.press_button("settings.server.own_key")

    page.until(lambda: not panel.own_key.isVisible())
    assert enrolments.asked == [("key",)]


def test_a_key_left_on_another_machine_is_told(qtbot, session_of, enrolments) -> None:
    enrolments.found = replace(enrolments.found, server_url="https://x", own_key=True)
    page = Page(qtbot, session_of(Role.DIRECTOR))
    panel = page.open("server")
    page.until(lambda: panel.state.message is not None)
    assert "nằm ở máy khác" in panel.state.message.text


def test_the_province_own_authority_is_trusted_and_left(
    qtbot, session_of, enrolments, answers, tmp_path
) -> None:
    page = Page(qtbot, session_of(Role.DIRECTOR))
    panel = page.open("server")
    page.until(lambda: panel.state.message is not None)
    answers.next = [None, tmp_path / "tinh.pem"]
    page.press_button("settings.server.trust")  # a person who changes their mind
    page.press_button("settings.server.trust")
    page.until(panel.distrust.isVisible)
    assert "chứng chỉ riêng của tỉnh" in panel.authority.text()
    page.sweep()
    page.press_button("settings.server.distrust")
    page.until(lambda: not panel.distrust.isVisible())
    assert enrolments.asked == [(str(tmp_path / "tinh.pem"),), ("",)]


def test_the_day_budget_and_paid_links_are_kept(qtbot, session_of, station) -> None:
    page = Page(qtbot, session_of(Role.DIRECTOR))
    panel = page.open("server")
    page.until(lambda: panel.state.message is not None)

    page.type("server.budget", "20")
    page.tick(panel.metered.box)
    page.shortcut(Qt.Key.Key_S)

    page.until(panel.note.isVisible)
    setting = station.services.accounts.setting
    assert setting(DAILY_BYTES) == str(20 * 1024 * 1024)
    assert setting(NOT_ON_METERED) == "1"
    page.until(lambda: panel.budget.value() == 20)
    page.type("server.budget", "")
    page.focus("server.budget").clear()
    page.tick(panel.metered.box)
    page.shortcut(Qt.Key.Key_S)
    page.until(lambda: setting(DAILY_BYTES) == setting(NOT_ON_METERED) == "")


def _note(panel) -> str:
    return panel.note.message.text if panel.note.message is not None else ""


def test_a_backup_opens_like_the_station(qtbot, session_of, station, answers, tmp_path) -> None:
    (tmp_path / "keyslots.json").write_text("{}")
    station.register(full_name="Người Mẫu Một")
    page = Page(qtbot, session_of(Role.DIRECTOR))
    panel = page.open("backup")
    page.until(lambda: panel._last.text() == "Chưa sao lưu lần nào.")
    answers.next = [tmp_path / "usb"]

    page.press_button("settings.backup.make")

    page.until(lambda: panel.note.message is not None and "mở thử được" in panel.note.message.text)
    (copy,) = (tmp_path / "usb").iterdir()
    assert (copy / "keyslots.json").read_text() == "{}"
    opened = EncryptedStore.open(copy / "station.db", KEY)
    assert opened.counts.patients == 1
    opened.close()
    assert station.services.backups.last()[1] == str(copy)
    page.until(lambda: "Sao lưu gần nhất" in panel._last.text())


def test_a_full_or_missing_disk_leaves_nothing_and_says_so(
    qtbot, session_of, station, answers, tmp_path
) -> None:
    (tmp_path / "keyslots.json").write_text("{}")
    (tmp_path / "usb").write_text("a file where the folder should be")
    page = Page(qtbot, session_of(Role.DIRECTOR))
    panel = page.open("backup")
    answers.next = [tmp_path / "usb"]

    page.press_button("settings.backup.make")

    page.until(
        lambda: panel.note.message is not None and "Chưa sao lưu được" in panel.note.message.text
    )
    assert station.services.backups.last() is None
    assert panel.make.isEnabled()


def test_the_theme_changes_at_once_and_is_remembered(qtbot, session_of) -> None:
    page = Page(qtbot, session_of(Role.NURSE))

    page.press_button("look.theme.1")

    assert tokens().name == "dark"
    assert memory().get("ui.theme") == "dark"
    apply_theme(QApplication.instance(), "light")


def test_the_own_password_is_judged_while_typing(qtbot, session_of, station, monkeypatch) -> None:
    page = Page(qtbot, session_of(Role.NURSE))
    changed = []
    monkeypatch.setattr(station.keys, "change_password", lambda *given: changed.append(given))
    monkeypatch.setattr(station.keys, "password_problems", short_password)
    panel = page.screen.panel

    page.type("own.password", "ngan")
    assert panel.new.problem == "Ngắn quá."
    page.type("own.password", "Du-Dai-2026-Mau!")
    assert panel.new.problem is None
    page.press_button("settings.own.change")
    assert panel.old.problem == "Hãy gõ mật khẩu đang dùng."
    assert panel.again.problem == "Hai lần gõ chưa giống nhau."

    page.type("own.old", "Cu-2026-Mau-Cu!")
    page.type("own.again", "Du-Dai-2026-Mau!")
    page.press_button("settings.own.change")
    page.until_said("Đã đổi mật khẩu")
    assert changed == [("ddmai", "Cu-2026-Mau-Cu!", "Du-Dai-2026-Mau!")]
    assert panel.new.value() == ""


def short_password(password, username, full_name):
    if len(password) >= 14:
        return ()
    return (Problem(field="password", code="short", message="Ngắn quá."),)


def test_a_new_recovery_code_is_shown_once_and_kept_on_paper(
    qtbot, session_of, station, answers, tmp_path
) -> None:
    page = Page(qtbot, session_of(Role.DIRECTOR))
    panel = page.open("recovery")
    answers.next = [False, True]
    page.press_button("settings.recovery.make")
    assert station.keys.codes == 0

    page.press_button("settings.recovery.make")
    page.until(lambda: panel.step is not None)
    assert "M A U A A" in page.find("setup.code").accessibleName()
    page.sweep()
    page.press_button("settings.recovery.done")
    assert "lưu phiếu" in panel.step.last.problem

    answers.next = [tmp_path / "phieu.pdf"]
    page.press_button("setup.save")
    assert "MAUA" in pdf_text(tmp_path / "phieu.pdf")
    page.type("setup.last", "MAUD1")
    page.press_button("settings.recovery.done")
    page.until_said("Mã mới đã có hiệu lực")
    assert panel.step is None
    assert panel.make.isVisible()


def test_the_code_does_not_stay_when_the_person_goes_elsewhere(qtbot, session_of, answers) -> None:
    page = Page(qtbot, session_of(Role.DIRECTOR))
    panel = page.open("recovery")
    answers.next = [True]
    page.press_button("settings.recovery.make")
    page.until(lambda: panel.step is not None)

    page.open("personal")
    page.open("recovery")

    assert panel.step is None


def test_the_time_of_the_machine_is_confirmed_after_a_look_at_it(
    qtbot, session_of, station, answers
) -> None:
    with station.store.write() as work:
        keep_time(work, MORNING + timedelta(days=3000))
    session = session_of(Role.DIRECTOR)
    told = []
    session.changed.connect(told.append)
    page = Page(qtbot, session)
    panel = page.screen.panel
    page.until(panel.clock.isVisible)
    page.sweep()
    answers.next = [False, True]

    page.press_button("settings.clock.action")
    page.until(panel.clock.isVisible)
    assert station.services.accounts.clock_problem() != ""

    page.press_button("settings.clock.action")
    page.until_said("Đã xác nhận giờ của máy")
    assert station.services.accounts.clock_problem() == ""
    assert "20/11/2026" in answers.asked[0]
    assert not panel.clock.isVisible()
    assert len(told) == 1
