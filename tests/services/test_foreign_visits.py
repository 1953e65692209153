"""Visits at other facilities out of files: looked at, taken over whole or not, kept apart from our own."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy.exc import DatabaseError

from station_emr.domain.errors import PermissionDenied, UserError
from station_emr.domain.foreign_visit import Takeable
from station_emr.domain.permissions import Role
from station_emr.domain.sensitive import RESTRICTED
from station_emr.interop.bhyt.reader import read_claims

from .claim_samples import billed, elsewhere


@pytest.fixture
def visits(station):
    return station.services.foreign_visits


@pytest.fixture
def encounter(station):
    return billed(station)


def lines(station, action: str) -> list[str]:
    with station.store.read() as work:
        return [row.patient_id for row in work.audit.rows(50) if row.action == action]


def two(station, encounter, **second: str) -> bytes:
    """Two encounters in one file."""
    one = elsewhere(station, encounter)
    other = elsewhere(station, encounter, MA_LK="khac-0002", **second)
    start, end = other.index(b"<HOSO>"), other.index(b"</HOSO>") + len(b"</HOSO>")
    joined = one.replace(b"</DANHSACHHOSO>", other[start:end] + b"</DANHSACHHOSO>")
    return joined.replace(b"<SOLUONGHOSO>1<", b"<SOLUONGHOSO>2<")


def test_a_file_is_looked_at_and_changes_nothing(station, visits, encounter) -> None:
    with station.store.read() as work:
        before = work.counts()
    found = visits.read(station.nurse, elsewhere(station, encounter))
    (offered,) = found.visits
    assert offered.takeable is Takeable.YES
    assert [one.id for one in offered.matches] == [encounter.patient_id]
    assert (offered.visit.facility_code, offered.visit.icd_codes) == ("52099", ("I10",))
    assert visits.of_patient(station.nurse, encounter.patient_id) == ()
    with station.store.read() as work:
        assert work.counts() == before
    assert len(lines(station, "claim.read")) == 1


def test_what_is_taken_stands_with_the_person_and_is_no_visit_of_ours(
    station, visits, encounter
) -> None:
    data = elsewhere(station, encounter)
    own = station.services.patients.card(station.doctor, encounter.patient_id).visits
    assert visits.take(station.nurse, data, ["khac-0001"]) == 1
    (kept,) = visits.of_patient(station.doctor, encounter.patient_id)
    assert (kept.facility_code, kept.link_code, kept.diagnosis) == (
        "52099",
        "khac-0001",
        "Tăng huyết áp",
    )
    assert kept.drugs
    assert kept.arrived_at.utcoffset() == timedelta(hours=7)
    assert kept.taken_by == station.nurse.user.snapshot.printed_name
    assert station.services.patients.card(station.doctor, encounter.patient_id).visits == own
    with station.store.read() as work:
        original = work.foreign_visits.original(kept.id)
    assert dict(read_claims(original).claims[0].tables) == dict(read_claims(data).claims[0].tables)
    assert lines(station, "foreign_visit.take") == [encounter.patient_id]


def test_all_of_the_chosen_ones_or_none(station, visits, encounter) -> None:
    data = two(station, encounter, HO_TEN="Người Khác Hẳn")
    found = visits.read(station.nurse, data)
    assert [one.takeable for one in found.visits] == [Takeable.YES, Takeable.NOBODY]
    with pytest.raises(UserError, match="Chưa nhận gì"):
        visits.take(station.nurse, data, ["khac-0001", "khac-0002"])
    assert visits.of_patient(station.nurse, encounter.patient_id) == ()
    assert lines(station, "foreign_visit.take") == []
    assert visits.take(station.nurse, data, [one.visit.link_code for one in found.takeable]) == 1


def test_nothing_is_taken_twice_nor_from_our_own_files(station, visits, encounter) -> None:
    data = elsewhere(station, encounter)
    visits.take(station.nurse, data, ["khac-0001"])
    (again,) = visits.read(station.nurse, data).visits
    assert again.takeable is Takeable.TAKEN
    with pytest.raises(UserError, match="Đã nhận trước đây"):
        visits.take(station.nurse, data, ["khac-0001"])
    (file,) = station.services.claims.export(station.doctor, [encounter.id]).files
    (own,) = visits.read(station.nurse, file.content).visits
    assert own.takeable is Takeable.OURS


def test_a_file_with_one_broken_encounter_is_taken_by_nobody(station, visits, encounter) -> None:
    data = two(station, encounter).replace(b"<SOLUONGHOSO>2<", b"<SOLUONGHOSO>3<")
    assert visits.read(station.nurse, data).visits == ()
    with pytest.raises(UserError, match="có thể bị cắt"):
        visits.take(station.nurse, data, ["khac-0001"])
    assert visits.of_patient(station.nurse, encounter.patient_id) == ()


def test_two_charts_that_fit_are_for_a_person_to_join_first(station, visits, encounter) -> None:
    data = elsewhere(station, encounter)
    billed(station)  # the same name, birth and card, registered once more
    (offered,) = visits.read(station.nurse, data).visits
    assert offered.takeable is Takeable.SEVERAL
    assert offered.visit.patient_id == ""


def test_another_year_of_birth_is_another_person(station, visits, encounter) -> None:
    data = elsewhere(station, encounter, NGAY_SINH="190100000000")
    (offered,) = visits.read(station.nurse, data).visits
    assert offered.takeable is Takeable.NOBODY


def test_a_visit_without_a_day_is_not_taken(station, visits, encounter) -> None:
    data = elsewhere(station, encounter, NGAY_VAO="hom qua")
    (offered,) = visits.read(station.nurse, data).visits
    assert offered.takeable is Takeable.UNDATED


def test_restricted_words_are_kept_from_who_may_not_read_them(station, visits, encounter) -> None:
    data = elsewhere(station, encounter, MA_BENH_CHINH="B20", CHAN_DOAN_RV="Bệnh mẫu")
    visits.take(station.nurse, data, ["khac-0001"])
    (hidden,) = visits.of_patient(station.nurse, encounter.patient_id)
    assert (hidden.diagnosis, hidden.icd_codes, hidden.drugs) == (RESTRICTED, (), ())
    (shown,) = visits.of_patient(station.doctor, encounter.patient_id)
    assert shown.diagnosis == "Bệnh mẫu"


def test_the_database_keeps_what_was_taken_as_it_came(station, visits, encounter) -> None:
    visits.take(station.nurse, elsewhere(station, encounter), ["khac-0001"])
    for statement in ("UPDATE foreign_visit SET link_code = 'x'", "DELETE FROM foreign_visit"):
        with pytest.raises(DatabaseError), station.store.write() as work:
            work._connection.exec_driver_sql(statement)


@pytest.mark.parametrize("role", [Role.ADMINISTRATOR, Role.INSPECTOR, Role.PHARMACIST])
def test_who_may_not_write_of_people_takes_nothing(station, visits, encounter, role: Role) -> None:
    with pytest.raises(PermissionDenied):
        visits.take(station.actor(role), elsewhere(station, encounter), ["khac-0001"])
