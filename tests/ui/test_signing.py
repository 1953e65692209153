"""The list of what waits for a signature, the settings of signing, and the state under a paper."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PySide6.QtCore import Qt

from station_emr.domain.permissions import Role
from station_emr.domain.record import RecordKind
from station_emr.domain.signature import (
    DEFAULT_POLICY,
    KeySource,
    KeySourceKind,
    Reentry,
    SignatureState,
    SignMethod,
)
from station_emr.services.visits import VisitPapers
from station_emr.ui.models import routes
from station_emr.ui.screens.preview import PreviewScreen
from station_emr.ui.screens.settings import SettingsScreen
from station_emr.ui.screens.signing import SigningScreen
from tests.services.visit_samples import referral, sign, visit
from tests.signing_authority import PASSWORD, SIGNER, Authority, rsa_key
from tests.ui.driver import ScreenDriver, answers
from tests.ui.sweep import duplicate_mnemonics

__all__ = ["answers"]


@pytest.fixture
def key(station, tmp_path):
    """A PKCS#12 file, chosen."""
    authority = Authority(station.clock.now())
    certificate = authority.issue(rsa_key("doctor"), online=False)
    path = authority.file(tmp_path / "khoa.p12", rsa_key("doctor"), certificate)
    source = KeySource(kind=KeySourceKind.FILE, path=str(path))
    station.services.signing.save_source(station.director, source)
    return source


def letter(station) -> str:
    encounter = visit(station, station.register(national_id=""))
    sign(station, encounter, referral=referral(station, encounter))
    with station.store.read() as work:
        return work.referrals.of_encounter(encounter.id).record.id


class Waiting(ScreenDriver):
    def __init__(self, qtbot, session, count: int) -> None:
        super().__init__(qtbot, SigningScreen(session))
        self.screen.on_enter()
        self.until(lambda: len(self.screen.table.rows) == count)

    @property
    def banner(self) -> str:
        message = self.screen.banner.message
        return message.text if message else ""


def test_a_day_is_signed_by_keys(qtbot, session_of, station, key, answers) -> None:
    for _ in range(2):
        letter(station)
    page = Waiting(qtbot, session_of(Role.DOCTOR), 2)
    page.sweep()
    assert duplicate_mnemonics(page.screen) == []
    answers.next = ["sai", PASSWORD]
    page.press_button("signing.all")
    page.until(lambda: "mật khẩu của tệp không đúng" in page.banner)
    page.until(page.screen.all.isEnabled)
    page.press_button("signing.all")
    page.until(lambda: "Đã ký số 2 giấy." in page.banner)
    assert "tự hỏi lại" in page.banner  # there is no network
    page.until(lambda: page.screen.table.rows == ())
    assert answers.asked == ["Mật khẩu của tệp chứng thư"] * 2
    assert station.services.signing.count_waiting() == 0


def test_one_of_them_is_signed_with_enter(qtbot, session_of, station, key, answers) -> None:
    for _ in range(2):
        letter(station)
    page = Waiting(qtbot, session_of(Role.DOCTOR), 2)
    answers.next = [None, PASSWORD]
    page.focus("signing.table")
    page.key(Qt.Key.Key_Return)
    page.until(lambda: len(answers.asked) == 1)  # back: nothing was signed
    page.key(Qt.Key.Key_Return)
    page.until(lambda: "Đã ký số 1 giấy." in page.banner)
    page.until(lambda: len(page.screen.table.rows) == 1)


def test_without_a_key_it_says_where_to_choose_one(qtbot, session_of, station) -> None:
    letter(station)
    page = Waiting(qtbot, session_of(Role.DIRECTOR), 0)
    page.until(lambda: "chưa chọn thiết bị ký số" in page.banner)
    assert not page.screen.all.isEnabled()
    page.screen.banner.message.action()
    assert page.went == [(routes.SETTINGS, routes.SettingsRoute("signing"))]


def test_what_was_signed_by_hand_is_collected(qtbot, session_of, station, request) -> None:
    letter(station)
    request.getfixturevalue("key")
    page = Waiting(qtbot, session_of(Role.DOCTOR), 0)
    page.until(page.screen.collect.isEnabled)
    page.press_button("signing.collect")
    page.until_said("Đã đưa thêm 1 giấy")
    page.until(lambda: len(page.screen.table.rows) == 1)


class Settings(ScreenDriver):
    def __init__(self, qtbot, session) -> None:
        super().__init__(qtbot, SettingsScreen(session))
        self.screen.on_enter(routes.SettingsRoute("signing"))
        self.panel = self.screen.panel
        self.until(lambda: self.panel.reentry.value() is not None)

    @property
    def note(self) -> str:
        message = self.panel.note.message
        return message.text if message else ""


def test_the_rules_and_the_key_are_set_and_tried(qtbot, session_of, station, key, answers) -> None:
    station.services.signing.save_source(station.director, None)
    page = Settings(qtbot, session_of(Role.DIRECTOR))
    page.sweep()
    assert duplicate_mnemonics(page.screen) == []
    page.panel.methods[RecordKind.APPOINTMENT].set_value(SignMethod.E_CONFIRM.value)
    page.panel.reentry.set_value(Reentry.QUARTER_HOUR.value)
    page.panel.kind.set_value(KeySourceKind.FILE.value)
    page.panel._follow_kind()
    page.press_button("settings.signing.save")
    assert station.services.signing.source() is None
    page.panel.path.set_value(key.path)
    answers.next = [PASSWORD]
    page.press_button("settings.signing.look")
    page.until(lambda: "1 chứng thư" in page.note)
    assert SIGNER in page.panel.certificate.combo.currentText()
    page.press_button("settings.signing.save")
    page.until(lambda: "Đã lưu" in page.note)
    kept = station.services.signing.source()
    assert (kept.path, len(kept.certificate)) == (key.path, 64)
    policy = station.services.signing.policy()
    assert policy.method(RecordKind.APPOINTMENT) is SignMethod.E_CONFIRM
    assert policy.reentry is Reentry.QUARTER_HOUR
    answers.next = [PASSWORD]
    page.press_button("settings.signing.test")
    page.until(lambda: "Ký thử được" in page.note)


class Preview(ScreenDriver):
    def __init__(self, qtbot, session, record_id: str) -> None:
        super().__init__(qtbot, PreviewScreen(session))
        self.screen.on_enter(routes.PreviewRoute(RecordKind.REFERRAL, record_id))
        self.until(self.screen.signatures.isVisible)

    @property
    def words(self) -> str:
        return self.screen.signatures.words.text()


def test_a_paper_shows_who_signed_it_and_gives_the_signed_file(
    qtbot, session_of, station, key, answers, tmp_path
) -> None:
    from station_emr.services.secret import Secret

    made = letter(station)
    page = Preview(qtbot, session_of(Role.DOCTOR), made)
    assert page.screen.signatures.chip.accessibleName() == "Đang chờ ký số"
    assert "Ký xác nhận" in page.words
    page.press_button("preview.sign_digitally")
    assert page.went == [(routes.SIGNING, None)]

    station.services.signing.batch(station.doctor, Secret(PASSWORD))
    page = Preview(qtbot, session_of(Role.DOCTOR), made)
    page.sweep()
    assert "chữ ký số" in page.words
    assert SIGNER in page.words
    target = tmp_path / "ban-ky.pdf"
    answers.next = [target]
    page.press_button("preview.save_signed")
    page.until_said("Đã lưu")
    verdict = station.services.signatures.check_file(target.read_bytes())
    assert verdict.state is SignatureState.UNCHECKED  # nobody is trusted yet


def test_the_password_is_asked_again_where_the_rules_want_it(
    qtbot, session_of, station, answers
) -> None:
    policy = replace(DEFAULT_POLICY, reentry=Reentry.EACH_TIME)
    station.services.signing.save_policy(station.director, policy)
    station.keys.password = "dung"
    session = session_of(Role.DOCTOR)
    screen = SigningScreen(session)
    ScreenDriver(qtbot, screen)
    encounter = visit(station, station.register(national_id=""))
    done, failed = [], []

    def command():
        return station.services.visits.sign(session.actor, VisitPapers(encounter=encounter))

    answers.next = [None]
    session.command(command, done=done.append, failed=failed.append, owner=screen)
    qtbot.waitUntil(lambda: len(failed) == 1)
    assert "Chưa ký" in str(failed[0])
    answers.next = ["sai"]
    session.command(command, done=done.append, failed=failed.append, owner=screen)
    qtbot.waitUntil(lambda: len(failed) == 2)
    answers.next = ["dung"]
    session.command(command, done=done.append, failed=failed.append, owner=screen)
    qtbot.waitUntil(lambda: len(done) == 1)
    assert answers.asked == ["Xác nhận chữ ký"] * 3


def test_a_hand_is_recorded_when_all_that_counts_is_filled_in(
    qtbot, session_of, station, answers, monkeypatch
) -> None:
    made = letter(station)
    page = Preview(qtbot, session_of(Role.NURSE), made)
    told = []

    def fill(dialog) -> bool:
        qtbot.addWidget(dialog)
        dialog.accept()
        told.extend(field.problem for field in (dialog.name, dialog.witness, dialog.number))
        assert dialog.result() == 0  # nothing was accepted
        dialog.name.set_value("Rơ Châm Mẫu")
        dialog.witness.set_value("ĐD. Mẫu")
        dialog.number.set_value("Tập 3, tờ 12")
        dialog.accept()
        return bool(dialog.result())

    monkeypatch.setattr(answers, "run", fill)
    page.press_button("preview.record_hand")
    page.until_said("Đã ghi nhận chữ ký.")
    assert all(told)
    page.until(lambda: "ký tay trên giấy" in page.words)
    assert "Rơ Châm Mẫu" in page.words
    assert page.screen.signatures.chip.accessibleName() == "Đã ghi nhận"
