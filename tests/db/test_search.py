"""A person is found however the name or number is typed, and the likeliest comes first."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from station_emr.db import search
from station_emr.db.store import EncryptedStore
from station_emr.domain.identity import BirthDate
from station_emr.domain.patient import Coverage
from station_emr.domain.record import RecordStatus
from station_emr.domain.text import fold

from .records import NOW, encounter, patient, record_id, sign

PEOPLE = (
    "Rơ Châm H'Bĕ̆",
    "Nguyễn Văn An",
    "Nguyễn Văn Ân",
    "Nguyễn Thị Ánh",
    "An Văn Mẫu",
    "Đỗ H’Nhung",
    "Trần Đình Ấn",
    "Y Blưk Niê",
    "Lê Thị Hồng Gấm",
)


@pytest.fixture
def crowd(store: EncryptedStore) -> EncryptedStore:
    with store.write() as work:
        for number, name in enumerate(PEOPLE, 1):
            sign(work.patients, patient(number, name))
    return store


def names(store: EncryptedStore, typed: str, limit: int = 20) -> list[str]:
    with store.read() as work:
        return [row.full_name for row in work.patients.search(typed, limit)]


@pytest.mark.parametrize(
    "typed",
    [
        "ro cham hbe",
        "Ro Cham H'Be",
        "rơ châm h’bĕ̆",
        "h'be",
        "h be",
        "be cham",
        "hbe ro",
        "cham",
        "RƠ CH",
        "r c h",
        "  cham   ro  ",
        "hbe 1990",
    ],
)
def test_a_name_is_found_in_any_order_with_or_without_marks(
    crowd: EncryptedStore, typed: str
) -> None:
    assert names(crowd, typed) == ["Rơ Châm H'Bĕ̆"]


@pytest.mark.parametrize(
    "typed",
    [
        "064190000001",
        "0641900000",
        "064 190 000 001",
        "GD4660000000001",
        "gd466",
        "GD 4 66 0000 000 001",
        "0000000001",
        "0900000001",
        "0900.000.001",
        "A26.000001",
    ],
)
def test_a_number_is_found_from_its_start(crowd: EncryptedStore, typed: str) -> None:
    assert PEOPLE[0] in names(crowd, typed)


def test_the_last_four_digits_are_enough(crowd: EncryptedStore) -> None:
    with crowd.write() as work:
        sign(
            work.patients,
            patient(50, "Ksor Mẫu", phone="0912340987", coverages=(Coverage(number="1234567654"),)),
        )

    assert names(crowd, "0987") == ["Ksor Mẫu"]
    assert names(crowd, "7654") == ["Ksor Mẫu"]
    assert names(crowd, "ksor 0987") == ["Ksor Mẫu"]
    assert names(crowd, "siu 0987") == []


@pytest.mark.parametrize("typed", ["", "   ", "'", "-.-", '"', "*", "()", "zz", "rơ zz", "9999999"])
def test_nothing_is_found_for_nothing(crowd: EncryptedStore, typed: str) -> None:
    assert names(crowd, typed) == []


def test_exact_marks_come_first(crowd: EncryptedStore) -> None:
    assert names(crowd, "Ân")[0] == "Nguyễn Văn Ân"
    assert names(crowd, "ấn")[0] == "Trần Đình Ấn"
    assert set(names(crowd, "ân")) == set(names(crowd, "an"))
    assert names(crowd, "đỗ")[0] == "Đỗ H’Nhung"


def test_the_start_of_the_name_then_the_given_name(crowd: EncryptedStore) -> None:
    found = names(crowd, "an")

    assert found[0] == "An Văn Mẫu"
    assert set(found[1:4]) == {"Nguyễn Văn An", "Nguyễn Văn Ân", "Trần Đình Ấn"}
    assert found[4] == "Nguyễn Thị Ánh"


def test_the_last_visit_decides_among_equals(crowd: EncryptedStore) -> None:
    with crowd.write() as work:
        sign(work.encounters, encounter(101, 3))
    assert names(crowd, "nguyen van")[0] == "Nguyễn Văn Ân"
    with crowd.write() as work:
        sign(work.encounters, encounter(102, 2, arrived_at=NOW + timedelta(days=2)))
    assert names(crowd, "nguyen van")[0] == "Nguyễn Văn An"


def test_somebody_seen_lately_is_not_lost_in_a_crowd_of_namesakes(
    store: EncryptedStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "CANDIDATES", 5)
    with store.write() as work:
        for number in range(1, 41):
            sign(work.patients, patient(number, f"Nguyễn Văn Mẫu {number}"))
        sign(work.encounters, encounter(101, 40))

    assert names(store, "nguyen van", 3)[0] == "Nguyễn Văn Mẫu 40"
    assert len(names(store, "nguyen van", 3)) == 3


def test_an_amended_person_is_found_by_the_new_name_only(crowd: EncryptedStore) -> None:
    with crowd.write() as work:
        sign(
            work.patients,
            patient(9, "Lê Thị Cẩm", phone="0911222333"),
            version=1,
            status=RecordStatus.AMENDED,
        )

    assert names(crowd, "hong gam") == []
    assert names(crowd, "le cam") == ["Lê Thị Cẩm"]
    with crowd.read() as work:
        assert work.patients.by_number("0900000009") == ()
        assert [row.id for row in work.patients.by_number("0911 222 333")] == [record_id(9)]


def test_by_number_wants_the_whole_number(crowd: EncryptedStore) -> None:
    with crowd.read() as work:
        for number in ("064190000002", "GD4660000000002", "0000000002", "A26.000002", "0900000002"):
            assert [row.id for row in work.patients.by_number(number)] == [record_id(2)]
        assert work.patients.by_number("06419000000") == ()
        assert work.patients.by_number("") == ()


def test_candidates_for_the_duplicate_warning(store: EncryptedStore) -> None:
    years = {1: 1990, 2: 1991, 3: 1989, 4: 1992, 5: 1990}
    with store.write() as work:
        for number, year in years.items():
            name = "Siu Bình" if number != 5 else "Siu Bìn"
            sign(work.patients, patient(number, name, birth=BirthDate(year)))
    with store.read() as work:
        found = work.patients.same_birth_year(1990, "binh", 10)
        assert {row.id for row in found} == {record_id(1), record_id(2), record_id(3)}
        assert found[0].id == record_id(1)
        assert len(work.patients.same_birth_year(1990, "binh", 2)) == 2


@given(st.text(max_size=30))
def test_any_typed_text_makes_a_sound_query(typed: str) -> None:
    query = search.parse(typed)

    if query is None:
        assert fold(typed) == ""
    else:
        assert query.folded
        assert len(query.exact) == len(query.folded)
        assert "".join(query.folded) == fold(typed).replace(" ", "")[: len("".join(query.folded))]


@pytest.mark.parametrize(
    "typed", ["NEAR(a b)", "a OR b", "a* ^b", "words:a", "ĕ̆", "ß", "١٢", "a\x00b"]
)
def test_search_syntax_is_only_text(crowd: EncryptedStore, typed: str) -> None:
    # A single letter may also begin a chart number.
    wanted = [word for word in fold(typed).split() if len(word) > 1]

    for name in names(crowd, typed):
        # H'Bĕ is known by both spellings, as one word and as two.
        known = {*fold(name).split(), *fold(name.replace("'", " ")).split()}
        assert all(any(word.startswith(part) for word in known) for part in wanted)
    assert names(crowd, "nguyen")
