"""Pages that were asked for by a chart that has been joined to another."""

from __future__ import annotations

import pytest

from station_emr.domain.permissions import Role
from station_emr.domain.record import RecordKind
from station_emr.ui.models import routes
from station_emr.ui.screens.preview import PreviewScreen
from station_emr.ui.screens.referrals import ReferralsScreen
from station_emr.ui.screens.registration import RegistrationScreen
from tests.ui.driver import ScreenDriver, answers, pdf_text
from tests.ui.visits import letter, signed_letter, visit

__all__ = ["answers", "letter", "signed_letter", "visit"]


@pytest.fixture
def join(station):
    """``join(record_id)``: the person of this letter turns out to be Người Mẫu Hai."""

    def make(letter_id: str):
        services, actor = station.services, station.nurse
        stays = station.register(full_name="Người Mẫu Hai")
        goes_id = services.referrals.get(station.doctor, letter_id).record.patient_id
        goes = services.patients.get(actor, goes_id).record
        seen = services.duplicates.compare(actor, stays.id, goes.id)
        services.duplicates.merge(
            actor, stays.id, goes.id, {}, expected_version=seen.survivor_version
        )
        return stays, goes

    return make


def note(stays, goes) -> str:
    return f"Lập ở hồ sơ {goes.chart_number}, đã gộp vào hồ sơ {stays.chart_number}"


def test_a_letter_shows_the_standing_person(qtbot, session_of, letter, join) -> None:
    letter_id = letter("Người Mẫu Một")
    stays, goes = join(letter_id)
    page = ScreenDriver(qtbot, ReferralsScreen(session_of(Role.DOCTOR)))

    page.screen.on_enter(routes.ReferralRoute(referral_id=letter_id))

    header = page.screen.letter.header
    page.until(lambda: "Người Mẫu Hai" in header._title.text())
    assert page.screen.letter.joined.text() == note(stays, goes)
    page.sweep()


def test_the_preview_of_a_signed_letter_keeps_its_words(
    qtbot, session_of, station, signed_letter, join, tmp_path
) -> None:
    letter_id = signed_letter("Người Mẫu Một")
    before = station.services.referrals.get(station.doctor, letter_id)
    stays, goes = join(letter_id)
    page = ScreenDriver(qtbot, PreviewScreen(session_of(Role.DOCTOR)))

    page.screen.on_enter(routes.PreviewRoute(RecordKind.REFERRAL, letter_id))

    header = page.screen.header
    page.until(lambda: "Người Mẫu Hai" in header._title.text())
    assert page.screen.joined.text() == note(stays, goes)
    page.sweep()
    page.until(lambda: page.screen.feed.pdf != b"")
    (tmp_path / "letter.pdf").write_bytes(page.screen.feed.pdf)
    assert "NGƯỜI MẪU MỘT" in pdf_text(tmp_path / "letter.pdf").upper()
    assert station.services.referrals.get(station.doctor, letter_id) == before


def test_the_form_corrects_the_standing_chart(qtbot, session_of, letter, join) -> None:
    stays, goes = join(letter("Người Mẫu Một"))
    page = ScreenDriver(qtbot, RegistrationScreen(session_of()))

    page.screen.on_enter(routes.RegistrationRoute(patient_id=goes.id))

    page.until(lambda: page.screen.form.state.patient_id == stays.id)
    page.until(page.screen.banner.isVisible)
    assert page.screen.banner.message.text == (
        f"Hồ sơ {goes.chart_number} đã gộp vào hồ sơ {stays.chart_number}. "
        f"Đang sửa hồ sơ {stays.chart_number}."
    )
    page.sweep()


def test_a_refused_chart_is_corrected_itself(qtbot, session_of, letter, join) -> None:
    _stays, goes = join(letter("Người Mẫu Một"))
    page = ScreenDriver(qtbot, RegistrationScreen(session_of()))

    page.screen.on_enter(routes.RegistrationRoute(patient_id=goes.id, itself=True))

    page.until(lambda: page.screen.form.state.patient_id == goes.id)
    assert "vì máy chủ tỉnh chưa nhận nó" in page.screen.banner.message.text
