"""Reports on a real station against a count made by hand; templates of the station; restricted cases."""

from __future__ import annotations

import json
from collections import Counter
from datetime import timedelta

import pytest

from station_emr.domain.errors import InvalidRecord, NotFound, PermissionDenied, UserError
from station_emr.domain.period import Period, PeriodKind
from station_emr.domain.record import RecordStatus
from station_emr.domain.referral_feedback import FeedbackState, ReferralFeedback
from station_emr.domain.sensitive import RESTRICTED
from station_emr.services.report_templates import INFECTIOUS, REFERRALS, shipped
from station_emr.services.restricted import RANGES

from .register_samples import add, amend, at, many, prescribe, refer, write

NOVEMBER = Period(PeriodKind.MONTH, 2026, 11)
OCTOBER = NOVEMBER.previous


def show(station, name, period=NOVEMBER, actor=None):
    return station.services.reports.show(actor or station.director, name, period)


@pytest.fixture
def month(station):
    return station, many(station, 50, 3, at(1, hour=0), 25)


def test_ready_reports_agree_with_a_count_by_hand(month) -> None:
    station, visits = month
    codes = Counter(v.diagnoses[0].icd_code for v in visits)

    top = show(station, "benh-thuong-gap").table
    assert [row.title.split()[0] for row in top.rows] == [
        code for code, _n in sorted(codes.items(), key=lambda pair: (-pair[1], pair[0]))
    ]
    assert [row.values[0] for row in top.rows] == sorted(codes.values(), reverse=True)
    assert top.total[0] == len(visits)

    by_chapter = show(station, "benh-theo-chuong").table
    letters = Counter(
        {"A": "I", "B": "I", "F": "V", "I": "IX", "J": "X", "K": "XI"}[v.diagnoses[0].icd_code[0]]
        for v in visits
    )
    assert {row.title.split(".")[0]: row.values[0] for row in by_chapter.rows} == letters
    for row in by_chapter.rows:
        assert row.values[0] == sum(row.values[3:9])  # every age group once

    insured = {row.title: row.values for row in show(station, "bao-hiem").table.rows}
    cards = sum(bool(v.coverage_number) for v in visits)
    assert insured["Lượt khám"] == (len(visits), cards, len(visits) - cards)
    assert insured["Số người khám"][0] == len({v.patient_id for v in visits})
    assert insured["Có xét nghiệm"][0] == sum(bool(v.procedures) for v in visits)
    assert insured["Tử vong"][0] == sum(v.result == "5" for v in visits)

    days = Counter(f"{v.arrived_at:%d/%m/%Y}" for v in visits)
    assert {r.title: r.values[0] for r in show(station, "luot-kham-theo-ngay").table.rows} == days
    weeks = show(station, "luot-kham-theo-tuan").table
    assert sum(row.values[0] for row in weeks.rows) == len(visits)

    with station.store.read() as work:
        papers = [work.prescriptions.of_encounter(v.id) for v in visits]
    lines = [line for p in papers if p is not None for line in p.record.lines]
    used = {row.title: row.values for row in show(station, "su-dung-thuoc").table.rows}
    for name in {line.label for line in lines}:
        title = next(one for one in used if one.startswith(name))
        quantity = sum(line.computed_quantity for line in lines if line.label == name)
        assert used[title][:2] == (sum(line.label == name for line in lines), quantity)


@pytest.mark.parametrize("name", list(shipped()))
def test_every_shipped_template_counts_on_any_month(station, name) -> None:
    view = show(station, name)
    assert view.table.visits == 0
    assert view.template.known or view.notes


def test_a_closed_month_is_counted_as_it_was_closed(station) -> None:
    patient = station.register()
    visit = write(station, patient, at(5, month=10), "I10")
    station.services.registers.close(station.director, OCTOBER, "mat khau")
    write(station, patient, at(6, month=10), "J06.9")
    amend(station, visit, result="5")
    view = show(station, "bao-hiem", OCTOBER)

    values = {row.title: row.values[0] for row in view.table.rows}
    assert (values["Lượt khám"], values["Tử vong"]) == (1, 0)
    assert view.late == 2
    assert view.open_months == ()
    assert show(station, "bao-hiem", NOVEMBER).open_months == (NOVEMBER,)


# -- lists -------------------------------------------------------------------------------------


def answer(station, letter, state, told, version=0) -> ReferralFeedback:
    feedback = ReferralFeedback(
        id=f"{letter.id[:-4]}0000",
        referral_id=letter.id,
        patient_id=letter.patient_id,
        state=state,
        answered_at=told,
    )
    status = RecordStatus.AMENDED if version else RecordStatus.SIGNED
    add(station, "feedback", feedback, version, status, "Bệnh viện trả lời" if version else "")
    return feedback


def test_the_turn_around_of_letters_is_counted_from_the_signature(station) -> None:
    patient = station.register()
    signed = at(3, hour=9)
    letter = refer(station, write(station, patient, at(3)), signed)
    refer(station, write(station, patient, at(4)), at(4, hour=9))
    answer(station, letter, FeedbackState.ACCEPTED, signed + timedelta(hours=2))
    answer(station, letter, FeedbackState.COMPLETED, signed + timedelta(days=3), 1)
    view = show(station, REFERRALS)

    assert [one.answer_after for one in view.tracks] == [timedelta(hours=2), None]
    assert view.tracks[0].completed_after == timedelta(days=3)
    everything = view.summary[-1]
    assert (everything.letters, everything.answered, everything.completed) == (2, 1, 1)
    assert show(station, REFERRALS, OCTOBER).tracks == ()


def test_letters_of_restricted_visits_lose_their_words(station) -> None:
    patient = station.register()
    refer(station, write(station, patient, at(3), "B20", "Bệnh do HIV mẫu"), at(3, hour=9))

    assert show(station, REFERRALS, actor=station.nurse).tracks[0].diagnosis == RESTRICTED
    assert "B20" in show(station, REFERRALS, actor=station.doctor).tracks[0].diagnosis


def test_infectious_diseases_have_their_clock(station) -> None:
    patient = station.register()
    dengue = write(station, patient, at(19), "A97.0", "Sốt xuất huyết Dengue mẫu")
    write(station, patient, at(19), "I10")
    (case,) = show(station, INFECTIOUS).cases

    assert (case.line.encounter_id, case.icd_code) == (dengue.id, "A97.0")
    assert case.detected_at == dengue.signature.at
    assert case.left(station.clock.now()) is not None
    assert show(station, INFECTIOUS, OCTOBER).cases == ()


def test_infectious_cases_are_read_from_the_record_even_of_a_closed_month(station) -> None:
    patient = station.register()
    station.services.registers.close(station.director, OCTOBER, "mat khau")
    write(station, patient, at(30, month=10), "A97.0", "Sốt xuất huyết Dengue mẫu")

    assert len(show(station, INFECTIOUS, OCTOBER).cases) == 1


def test_restricted_cases_are_listed_only_for_who_may_read_them(station) -> None:
    with station.store.write() as work:
        work.settings.put(RANGES, "A97-A97; Mẫu; 2026-01-01")
    write(station, station.register(), at(19), "A97.0", "Sốt xuất huyết Dengue mẫu")

    assert show(station, INFECTIOUS, actor=station.nurse).cases == ()
    assert len(show(station, INFECTIOUS, actor=station.doctor).cases) == 1


# -- templates -----------------------------------------------------------------------------------


def own(**changes) -> bytes:
    template = {
        "schema": 1,
        "key": "bct-09",
        "title": "Mẫu của trạm",
        "columns": [{"title": "Nam", "filter": {"sex": "male"}}],
        "rows": [{"title": "Tim mạch", "filter": {"icd": ["I00-I99"]}}],
    } | changes
    return json.dumps({k: v for k, v in template.items() if v is not None}).encode()


def test_a_station_changes_a_template_and_takes_the_change_back(station) -> None:
    reports = station.services.reports
    write(station, station.register(), at(3), "I10")
    before = reports.template_file(station.director, "bct-09")
    made = reports.import_template(station.director, own())

    assert (made.key, made.own) == ("bct-09", True)
    view = show(station, "bct-09")
    assert [row.title for row in view.table.rows] == ["Tim mạch"]
    assert reports.template_file(station.director, "bct-09") == own()
    reports.drop_template(station.director, "bct-09")
    assert reports.template_file(station.director, "bct-09") == before
    with pytest.raises(UserError):
        reports.drop_template(station.director, "bct-09")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"{", "Dòng 1"),
        (b"\xff\xfe", "Unicode"),
        (b"[]", "nhóm"),
        (b"[" * 100_000, "sâu"),
        (b" " * 300_000, "lớn hơn"),
        (own(schema=2), "schema"),
        (own(key="Biểu 9"), "key"),
        (own(title=""), "còn trống"),
        (own(columns=[]), "cột"),
        (own(rows=None), "rows"),
        (own(rows_by="chapter"), "một trong hai"),
        (own(rows_by="color", rows=None), "rows_by"),
        (own(colour="red"), "colour"),
        (own(rows=[{"title": "x", "filter": {"icd": ["Z-A"]}}]), "rows thứ 1"),
        (own(rows=[{"title": "x", "filter": {"icd": "I10"}}]), "danh sách"),
        (own(rows=[{"title": "x", "filter": {"chapters": ["XL"]}}]), "chương"),
        (own(rows=[{"title": "x", "filter": {"age_from": 9, "age_to": 3}}]), "age_to"),
        (own(rows=[{"title": "x", "filter": {"age_from": True}}]), "age_from"),
        (own(rows=[{"title": "x", "filter": {"insured": "có"}}]), "true"),
        (own(rows=["x"]), "nhóm"),
        (own(columns=[{"title": "x"}] * 50), "nhiều nhất"),
        (own(most=0), "most"),
    ],
)
def test_a_wrong_template_is_refused_with_its_place(station, content, words) -> None:
    with pytest.raises(InvalidRecord, match=words):
        station.services.reports.import_template(station.director, content)
    assert all(not one.own for one in station.services.reports.templates(station.director))


def test_who_may_change_templates_and_what_there_is_not(station) -> None:
    reports = station.services.reports
    with pytest.raises(PermissionDenied):
        reports.import_template(station.nurse, own())
    with pytest.raises(NotFound):
        show(station, "khong-co")
    with pytest.raises(NotFound):
        reports.template_file(station.director, REFERRALS)


def test_what_leaves_the_program_is_in_the_log(station) -> None:
    write(station, station.register(), at(3), "I10")
    assert station.services.reports.export(station.director, "bao-hiem", NOVEMBER)[:2] == b"PK"
    pdf = station.services.registers.export(station.director, NOVEMBER, as_pdf=True)
    assert pdf[:4] == b"%PDF"
    rows = station.services.trail.rows(station.director)

    assert {"report.export", "register.export"} <= {row.action for row in rows}


def test_drugs_count_by_quantity_as_the_prescription_says(station) -> None:
    visit = write(station, station.register(), at(3), "I10")
    prescribe(station, visit, ("Paracetamol 500 mg", "viên", 7), ("Oresol 20,5 g", "gói", 2))
    rows = {row.title: row.values[1] for row in show(station, "su-dung-thuoc").table.rows}

    assert rows == {"Paracetamol 500 mg (viên)": 7, "Oresol 20,5 g (gói)": 2}
