"""The station's file: every answer follows the station, and nothing is met because it was written so."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from station_emr.domain.dossier import DossierSettings, Part, Section, Standing
from station_emr.domain.errors import PermissionDenied, UserError
from station_emr.domain.permissions import Role
from station_emr.services.dossier_level import description
from station_emr.services.dossier_regulation import template
from station_emr.services.dossier_words import as_json, summary

from .visit_samples import prescription, sign, visit


def rows(station, actor=None):
    shown = station.services.dossier.show(actor or station.director)
    return {row.key: row for row in shown.rows}


def test_a_fresh_station_has_not_met_what_nobody_did(station) -> None:
    found = rows(station)
    for key in (
        "tt13.1.1",
        "tt13.1.3",
        "tt13.2.1",
        "tt13.2.4",
        "tt13.6.3b",
        "cv365.3",
        "cv365.9",
        "s11",
        "s16",
    ):
        assert found[key].standing is Standing.NOT_MET, key
    assert found["cv365.6"].standing is Standing.PARTLY
    assert found["cv365.7"].standing is Standing.PARTLY
    assert found["cv365.8"].standing is Standing.MET


def test_every_article_of_both_texts_is_answered_once(station) -> None:
    shown = station.services.dossier.show(station.director)
    guidance = shown.of(Section.GUIDANCE)
    assert [row.article for row in guidance] == [f"Mục {number}" for number in range(1, 11)]
    articles = " ".join(row.article for row in shown.of(Section.CIRCULAR))
    assert all(f"Điều {number}" in articles for number in range(1, 7))
    level = {row.article for row in shown.of(Section.LEVEL) if not row.beyond}
    assert {f"S{number}" for number in range(1, 16)} <= level
    assert any(row.beyond for row in shown.rows)
    assert len({row.key for row in shown.rows}) == len(shown.rows)
    assert all(row.facts and row.demand for row in shown.rows)


def test_answers_follow_what_is_done(station, tmp_path) -> None:
    services, director = station.services, station.director
    station.path.with_name("keyslots.json").write_text('{"slots": "mẫu"}', encoding="utf-8")
    encounter = visit(station, station.register(national_id="064090000001"))
    sign(station, encounter, prescription=prescription(station, encounter))
    assert services.trail.verify(director, ask_province=False).is_whole
    services.backups.make(director, str(tmp_path / "usb"))
    assert services.backups.drill(director).passed
    found = rows(station)
    for key in ("tt13.1.1", "tt13.1.3", "tt13.2.4", "cv365.2", "cv365.3", "cv365.6"):
        assert found[key].standing is Standing.MET, (key, found[key].facts)
    assert found["tt13.2.1"].standing is Standing.PARTLY  # a copy, but no place of its own
    assert "1 lượt khám đã ký" in found["tt13.1.1"].facts

    station.clock.forward(hours=24 * 100)
    found = rows(station)
    assert found["tt13.2.4"].standing is Standing.PARTLY
    assert found["cv365.6"].standing is Standing.PARTLY


def test_a_recovery_code_counts_as_tried_until_a_newer_one_is_made(station) -> None:
    assert rows(station)["s8k+"].standing is Standing.PARTLY
    station.services.keys.check_recovery_code(station.director, "MAU")
    assert rows(station)["s8k+"].standing is Standing.MET
    station.clock.forward(hours=1)
    station.services.accounts.new_recovery_code(station.director)
    assert rows(station)["s8k+"].standing is Standing.PARTLY


def test_a_visit_left_unsigned_beyond_the_stations_hours_is_told(station) -> None:
    first = visit(station, station.register())
    sign(station, first, prescription=prescription(station, first))
    visit(station, station.register(national_id=""))
    assert rows(station)["tt13.1.1"].standing is Standing.MET
    station.clock.forward(hours=25)
    late = rows(station)["tt13.1.1"]
    assert late.standing is Standing.PARTLY
    assert "1 lượt khám chưa ký quá 24 giờ" in late.facts
    hours = DossierSettings(complete_hours=48)
    station.services.dossier.save_settings(station.director, hours)
    assert rows(station)["tt13.1.1"].standing is Standing.MET


def test_a_door_that_takes_weak_passwords_is_told(station) -> None:
    """The keys of these tests take any password; the row says so instead of repeating the rule."""
    row = rows(station)["s2"]
    assert row.standing is Standing.NOT_MET
    assert "ĐƯỢC NHẬN" in row.facts


def test_a_database_that_anybody_can_read_is_told(station, monkeypatch) -> None:
    source = station.services.dossier._source
    monkeypatch.setattr(source, "file", lambda: replace(seen, readable=True))
    seen = type(source).file(source)
    assert not seen.readable
    found = rows(station)
    for key in ("cv365.8", "s8", "s12"):
        assert found[key].standing is Standing.NOT_MET, key


def test_the_director_judges_only_what_the_program_cannot_see(station) -> None:
    dossier, director = station.services.dossier, station.director
    dossier.judge(director, "tt13.5", Standing.MET, "Hồ sơ giấy cũ được giữ trong tủ")
    row = rows(station)["tt13.5"]
    assert (row.standing, row.shown) == (Standing.OWN, Standing.MET)
    assert row.own is not None
    assert row.own.by == director.user.snapshot.printed_name
    with pytest.raises(UserError, match="theo dữ kiện"):
        dossier.judge(director, "tt13.2.4", Standing.MET)
    with pytest.raises(PermissionDenied):
        dossier.judge(station.actor(Role.ADMINISTRATOR), "tt13.5", Standing.MET)
    dossier.judge(director, "tt13.5", Standing.OWN)
    assert rows(station)["tt13.5"].own is None


@pytest.mark.parametrize("role", [Role.DOCTOR, Role.NURSE, Role.PHARMACIST, Role.INSPECTOR])
def test_only_those_who_run_the_station_make_it(station, role) -> None:
    for call in (station.services.dossier.show, station.services.dossier.papers):
        with pytest.raises(PermissionDenied):
            call(station.actor(role))


def test_nothing_of_any_patient_is_in_it(station) -> None:
    person = station.register(full_name="Siu Hờ Bí Mật", national_id="064090000001")
    encounter = visit(station, person)
    sign(station, encounter, prescription=prescription(station, encounter))
    said = str(as_json(station.services.dossier.show(station.actor(Role.ADMINISTRATOR))))
    for secret in ("Bí Mật", "064090000001", person.id, encounter.id):
        assert secret not in said


def test_the_regulation_is_filled_with_the_stations_settings(station) -> None:
    dossier, director = station.services.dossier, station.director
    settings = DossierSettings(
        complete_hours=36,
        decision_no="01/QĐ-MẪU",
        decision_on=date(2026, 11, 1),
        level_decision_no="02/QĐ-MẪU",
        level_decision_on=date(2026, 11, 2),
        officer="Quản Trị Mẫu",
    )
    dossier.save_settings(director, settings)
    shown = dossier.show(director)
    text = "\n".join(block.text for block in shown.blocks)
    for words in ("36 giờ", "Quản Trị Mẫu", "02/QĐ-MẪU", "chữ ký số cho", "giám đốc trạm"):
        assert words in text
    assert "{" not in text
    assert rows(station)["tt13.6.3b"].standing is Standing.MET
    assert rows(station)["s16"].standing is Standing.MET
    dossier.save_settings(director, replace(settings, level_decision_on=date(2026, 10, 1)))
    assert rows(station)["s16"].standing is Standing.PARTLY  # the level before the regulation


def test_an_article_of_ones_own_is_kept_filled_and_given_back(station) -> None:
    dossier, director = station.services.dossier, station.director
    dossier.write_block(director, "keeping", "Trạm giữ hồ sơ thêm. Hạn {complete_hours} giờ.")
    block = next(one for one in dossier.show(director).blocks if one.key == "keeping")
    assert (block.own, block.text) == (True, "Trạm giữ hồ sơ thêm. Hạn 24 giờ.")
    for wrong in ("{khong_co}", "x" * 7000):
        with pytest.raises(UserError):
            dossier.write_block(director, "keeping", wrong)
    with pytest.raises(UserError):
        dossier.write_block(director, "khong-co", "Điều lạ")
    dossier.write_block(director, "keeping", "")
    block = next(one for one in dossier.show(director).blocks if one.key == "keeping")
    assert not block.own
    assert block.raw == next(one.raw for one in template() if one.key == "keeping")


@pytest.mark.parametrize(
    "wrong",
    [
        DossierSettings(complete_hours=0),
        DossierSettings(complete_hours=721),
        DossierSettings(decision_no="01/QĐ"),
        DossierSettings(level_decision_on=date(2026, 11, 1)),
    ],
)
def test_settings_that_cannot_be_are_refused(station, wrong) -> None:
    with pytest.raises(UserError):
        station.services.dossier.save_settings(station.director, wrong)
    assert station.services.dossier.settings(station.director) == DossierSettings()


def test_spoilt_settings_fall_back_to_the_usual(station) -> None:
    with station.store.write() as work:
        for key in ("dossier.settings", "dossier.own", "dossier.blocks"):
            work.settings.put(key, "{không phải JSON")
    shown = station.services.dossier.show(station.director)
    assert shown.facts.settings == DossierSettings()
    assert not any(block.own for block in shown.blocks)


def test_making_the_papers_is_in_the_log(station) -> None:
    made = station.services.dossier.papers(station.director, (Part.STATE,))
    assert made[Part.STATE].startswith(b"%PDF")
    with station.store.read() as work:
        row = work.audit.rows(1)[0]
    assert (row.action, row.patient_id) == ("dossier.print", "")


def test_words_for_the_terminal_name_what_is_open(station) -> None:
    shown = station.services.dossier.show(station.director)
    said = "\n".join(summary(shown))
    assert "Thông tư 13/2025/TT-BYT" in said
    assert "Chưa ghi số và ngày quyết định" in said
    assert dict(description(shown.facts))["Đơn vị chủ quản"] == "UBND xã Mẫu"
