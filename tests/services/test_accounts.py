from dataclasses import replace

import pytest

from station_emr.domain.errors import InvalidRecord, NotFound, PermissionDenied
from station_emr.domain.permissions import Role
from station_emr.domain.user import User
from station_emr.services.enrolment import SERVER_TOKEN, SERVER_URL
from station_emr.services.letterhead_rules import check_station

NEW = User(id="", username=" Nhung.RL ", full_name="Rah Lan  H'Nhung", role=Role.NURSE, title="ĐD.")


def test_a_new_person_gets_a_slot_a_version_and_an_audit_line(station):
    station.services.accounts.add_user(station.director, NEW, "x")
    assert station.keys.added == [("nhung.rl", "ĐD. Rah Lan H'Nhung", "Điều dưỡng", "x")]
    user = next(
        u for u in station.services.accounts.users(station.director) if u.username == "nhung.rl"
    )
    assert user.full_name == "Rah Lan H'Nhung"
    assert station.services.accounts.audit(station.director)[0].action == "user.add"
    with station.store.read() as work:
        assert any(item.record_id == user.id for item in work.outbox.waiting(100))


def test_taken_or_unusable_names_are_refused_and_no_slot_is_made(station):
    for username in ("bshoa", "có dấu", ""):
        with pytest.raises(InvalidRecord):
            station.services.accounts.add_user(
                station.director, replace(NEW, username=username), "x"
            )
    assert station.keys.added == []


@pytest.mark.parametrize("role", [Role.NURSE, Role.DOCTOR, Role.INSPECTOR, Role.PHARMACIST])
def test_only_those_in_charge_manage_people(station, role):
    with pytest.raises(PermissionDenied):
        station.services.accounts.add_user(station.actor(role), NEW, "x")
    with pytest.raises(PermissionDenied):
        station.services.accounts.users(station.actor(role))


def test_a_leaver_loses_the_slot_and_cannot_log_in(station):
    nurse = station.nurse.user
    station.services.accounts.update_user(station.director, replace(nurse, active=False))
    assert station.keys.removed == ["ddmai"]
    with pytest.raises(PermissionDenied):
        station.services.accounts.log_in("ddmai", "Máy 1")


def test_the_last_director_stays(station):
    director = station.director.user
    for change in ({"active": False}, {"role": Role.DOCTOR}):
        with pytest.raises(InvalidRecord) as refused:
            station.services.accounts.update_user(station.director, replace(director, **change))
        assert refused.value.problems[0].code == "last-director"


def test_unlocking_is_logged_and_unknown_names_say_so(station):
    station.services.accounts.unlock(station.director, "ddmai")
    assert station.keys.unlocked == ["ddmai"]
    assert station.services.accounts.audit(station.director)[0].action == "account.unlock"
    with pytest.raises(NotFound):
        station.services.accounts.unlock(station.director, "khong-co")


def test_station_profile_is_checked_and_queued(station):
    profile = station.services.accounts.station()
    assert check_station(profile) == ()
    with pytest.raises(InvalidRecord):
        station.services.accounts.save_station(station.director, replace(profile, code="12"))
    station.services.accounts.save_station(station.director, replace(profile, phone="0900000001"))
    assert station.services.accounts.station().phone == "0900000001"
    with pytest.raises(PermissionDenied):
        station.services.accounts.save_station(station.doctor, profile)


def test_a_changed_audit_line_is_found(station):
    station.services.accounts.log_in("bshoa", "Máy 1")
    assert station.services.accounts.verify_audit(station.director) is None


def test_a_token_is_not_shown_to_another_server(station):
    accounts = station.services.accounts
    accounts.save_setting(station.director, SERVER_URL, "https://tinh.example/fhir")
    accounts.save_setting(station.director, SERVER_TOKEN, "ma-truy-cap")
    accounts.save_setting(station.director, SERVER_URL, "https://TINH.example/khac/fhir")
    assert accounts.setting(SERVER_TOKEN) == "ma-truy-cap"
    accounts.save_setting(station.director, SERVER_URL, "https://tinh.example.evil/fhir")
    assert accounts.setting(SERVER_TOKEN) == ""


def test_where_records_go_stands_in_the_audit(station):
    station.services.accounts.save_setting(station.director, SERVER_URL, "https://tinh.example/f")
    station.services.accounts.save_setting(station.director, SERVER_TOKEN, "ma-truy-cap")
    token, address = station.services.accounts.audit(station.director)[:2]
    assert "https://tinh.example/f" in address.detail
    assert "ma-truy-cap" not in token.detail
