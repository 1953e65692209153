"""The list of restricted diagnoses is changed one range at a time, and only by who may read it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from station_emr.domain.encounter import Diagnosis, DiagnosisRole
from station_emr.domain.errors import InvalidRecord, NotFound, PermissionDenied
from station_emr.domain.permissions import Role
from station_emr.domain.sensitive import DEFAULT_RANGES, RESTRICTED

from .visit_samples import sign, visit

CODE = "I10"


@pytest.fixture
def codes(station):
    return station.services.privacy.codes


def ranges(rows) -> list[tuple[str, str, str]]:
    return [(row.range.first, row.range.last, row.range.what) for row in rows]


def fields(caught) -> list[str]:
    return [one.field for one in caught.value.problems]


def test_a_code_that_is_added_hides_its_visits_at_once(station, codes) -> None:
    person = station.register()
    found = Diagnosis(icd_code=CODE, title="Tăng huyết áp mẫu", role=DiagnosisRole.MAIN)
    encounter = replace(visit(station, person), diagnoses=(found,))
    station.services.encounters.save_draft(station.doctor, encounter)
    sign(station, encounter)
    inspector = station.actor(Role.INSPECTOR)

    def seen() -> str:
        return repr(station.services.patients.card(inspector, person.id).visits)

    assert "mẫu" in seen()
    rows = codes.add(station.director, " i10 ", "", "  Mẫu ")
    assert ranges(rows)[-1] == (CODE, CODE, "Mẫu")
    assert rows[-1].first_name
    assert RESTRICTED in seen()

    codes.remove(station.director, rows[-1].range)
    assert RESTRICTED not in seen()


@pytest.mark.parametrize(
    ("first", "last", "what", "wrong"),
    [
        ("", "", "HIV", ["first", "last"]),
        ("mọi bệnh", "", "HIV", ["first", "last"]),
        ("X99.99", "", "HIV", ["first", "last"]),
        ("B24", "B20", "HIV", ["last"]),
        ("B20", "B24", " ", ["what"]),
        ("B20-B24", "B24", "HIV", ["first"]),
    ],
)
def test_what_is_no_range_of_the_list_is_refused(station, codes, first, last, what, wrong) -> None:
    with pytest.raises(InvalidRecord) as caught:
        codes.add(station.director, first, last, what)
    assert fields(caught) == wrong
    assert tuple(row.range for row in codes.rows(station.director)) == DEFAULT_RANGES


def test_a_range_stands_once_and_one_always_stays(station, codes) -> None:
    with pytest.raises(InvalidRecord, match="đã có"):
        codes.add(station.director, "b20", "B24", "HIV")
    *others, last = codes.rows(station.director)
    for row in others:
        codes.remove(station.director, row.range)
    with pytest.raises(InvalidRecord, match="ít nhất một"):
        codes.remove(station.director, last.range)
    with pytest.raises(NotFound):
        codes.remove(station.director, others[0].range)
    assert len(codes.put_back(station.director)) == len(DEFAULT_RANGES)


def test_a_file_whose_range_runs_backwards_changes_nothing(station) -> None:
    privacy = station.services.privacy
    with pytest.raises(InvalidRecord, match="viết ngược"):
        privacy.set_ranges(station.director, "A50-A53; Giang mai\nB24-B20; HIV")
    assert privacy.ranges(station.director) == DEFAULT_RANGES


def test_only_who_may_read_it_opens_it(station, codes) -> None:
    row = codes.rows(station.nurse)[0]
    for role in (Role.NURSE, Role.DOCTOR, Role.ADMINISTRATOR):
        actor = station.actor(role)
        for act in (
            lambda who=actor: codes.add(who, CODE, "", "Mẫu"),
            lambda who=actor: codes.remove(who, row.range),
            lambda who=actor: codes.put_back(who),
            lambda who=actor: codes.replace_all(who, "A00"),
        ):
            with pytest.raises(PermissionDenied):
                act()
    assert len(codes.rows(station.director)) == len(DEFAULT_RANGES)


def test_the_log_says_what_was_added_and_taken_out(station, codes) -> None:
    rows = codes.add(station.director, CODE, "", "a; b")
    codes.remove(station.director, rows[-1].range)
    with station.store.read() as work:
        newest = [row.detail for row in work.audit.rows(20) if row.action == "privacy.ranges"]
    assert len(newest) == 2
    assert "removed: I10-I10" in newest[0]
    assert "added: I10-I10" in newest[1]
