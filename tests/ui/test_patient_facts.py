"""What a chart says of a person: letters, allergies, cards, visits, blood pressure."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from station_emr.domain.birth import BirthDate
from station_emr.domain.patient import Allergy, Coverage
from station_emr.domain.record import RecordKind, RecordStatus
from station_emr.services.views import VisitRow
from station_emr.ui.kit import Severity
from station_emr.ui.screens.patients.facts import (
    allergy_chips,
    coverage_chip,
    initials,
    papers_of,
    pressure_trend,
    visit_chips,
    who,
)
from tests.services.conftest import MORNING

TODAY = MORNING.date()


@pytest.mark.parametrize(
    ("name", "letters"),
    [
        ("Nguyễn Thị Hoa", "NH"),
        ("Rơ Châm H'Bĕ̆", "RH"),
        ("Ksor Ŏ", "KŎ"),
        ("Đinh", "Đ"),
        ("", "?"),
    ],
)
def test_two_letters_tell_people_apart(name: str, letters: str) -> None:
    assert initials(name) == letters


def test_allergies_are_never_silent(station) -> None:
    person = station.register(allergies=(), no_known_allergy=False)
    assert [c.text for c in allergy_chips(person)] == ["Chưa hỏi dị ứng"]
    asked = replace(person, no_known_allergy=True)
    assert allergy_chips(asked)[0].severity is Severity.SUCCESS
    known = replace(
        person, allergies=(Allergy(substance="Aspirin", reaction="Khó thở", severe=True),)
    )
    (chip,) = allergy_chips(known)
    assert (chip.spoken, chip.severity) == ("Dị ứng Aspirin (khó thở, nặng)", Severity.DANGER)


@pytest.mark.parametrize(
    ("card", "words", "severity"),
    [
        (None, "Không có thẻ BHYT", Severity.NEUTRAL),
        (
            Coverage(number="x", valid_to=TODAY + timedelta(days=1)),
            "Còn hạn đến 21/11/2026",
            Severity.SUCCESS,
        ),
        (
            Coverage(number="x", valid_to=TODAY - timedelta(days=1)),
            "Hết hạn từ 19/11/2026",
            Severity.DANGER,
        ),
        (
            Coverage(number="x", valid_from=TODAY + timedelta(days=1)),
            "Có giá trị từ 21/11/2026",
            Severity.WARNING,
        ),
        (Coverage(number="x"), "Chưa ghi hạn thẻ", Severity.NEUTRAL),
    ],
)
def test_a_card_says_how_it_stands(card, words, severity) -> None:
    chip = coverage_chip(card, TODAY)
    assert (chip.text, chip.severity) == (words, severity)


def test_a_visit_says_what_is_unfinished_and_what_follows() -> None:
    from station_emr.domain.encounter import Stage

    visit = VisitRow(
        encounter_id="e",
        on=MORNING,
        status=RecordStatus.DRAFT,
        stage=Stage.IN_PROGRESS,
        reason="Ho",
        referred_to="BV Mẫu",
        referral_id="r",
        prescription_id="p",
        follow_up_on=date(2026, 12, 6),
    )
    texts = [chip.text for chip in visit_chips(visit)]
    assert texts == ["Đang khám · chưa ký", "Chuyển BV Mẫu", "Hẹn 06/12/2026"]
    voided = replace(visit, status=RecordStatus.VOIDED)
    assert [chip.text for chip in visit_chips(voided)] == ["Đã hủy"]
    assert papers_of(visit) == ((RecordKind.PRESCRIPTION, "p"), (RecordKind.REFERRAL, "r"))


def test_a_child_is_not_measured_by_the_band_of_adults(station) -> None:
    from station_emr.services.views import VitalPoint

    points = [VitalPoint(at=MORNING, systolic=98, diastolic=62)]
    child = station.register(birth=BirthDate(2019, 9, 20))
    adult = replace(child, birth=BirthDate(1980))
    assert pressure_trend(points, child, TODAY).band is None
    assert pressure_trend(points, adult, TODAY).band == (60.0, 140.0)
    assert pressure_trend(points, adult, TODAY).last == "98/62"
    assert pressure_trend([], adult, TODAY) is None
    assert who(child, TODAY).endswith("7 tuổi (20/09/2019)")
