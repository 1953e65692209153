"""Search while typing: codes with or without the dot, words in any order and half typed."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from station_emr.catalogs.search import CatalogIndex, folded
from station_emr.catalogs.starter import starter_rows
from station_emr.domain.catalog import CatalogKind, CatalogRow

TODAY = date(2026, 11, 22)
ROWS = tuple(starter_rows(CatalogKind.ICD10))
ICD = CatalogIndex(ROWS)
DRUGS = CatalogIndex(starter_rows(CatalogKind.DRUG))


def codes(text: str, index: CatalogIndex = ICD, limit: int = 20) -> list[str]:
    return [hit.row.code for hit in index.search(text, limit, TODAY)]


@pytest.mark.parametrize(
    ("typed", "first"),
    [
        ("i10", "I10"),
        ("I10", "I10"),
        ("J06.9", "J06.9"),
        ("j069", "J06.9"),
        ("J06", "J06"),
        ("đau đầu", "R51"),
        ("dau dau", "R51"),
        ("đầu đau", "R51"),
        ("đau thượng vị", "R10.1"),
        ("dau thuong vi", "R10.1"),
        ("tăng huyết áp", "I10"),
        ("huyet ap cao", "I10"),
        ("tieu duong", "E11.9"),
        ("sot xuat huyet", "A97.0"),
        ("cảm thường", "J00"),
        ("hen", "J45.9"),
        ("ho", "R05"),
        ("trào ngược", "K21.9"),
        ("chó cắn", "W54"),
        ("thủy đậu", "B01.9"),
        ("I10 tăng", "I10"),
        ("viêm gan vi rút B mạn", "B18.19"),
        ("viem gan virus b man", "B18.19"),
    ],
)
def test_what_a_nurse_types_finds_the_usual_code_first(typed: str, first: str) -> None:
    assert codes(typed)[0] == first


@pytest.mark.parametrize(
    ("typed", "first"),
    [
        ("para 500", "paracetamol-500-mg-vien"),
        ("panadol", "paracetamol-500-mg-vien"),
        ("amlodipin 5", "amlodipin-5-mg-vien"),
        ("500 amoxicilin", "amoxicilin-500-mg-nang"),
        ("amoxicillin 500", "amoxicilin-500-mg-nang"),
        ("metformin 1000", "metformin-1000-mg-vien"),
        ("adrenalin", "epinephrin-adrenalin-1-mg-ml-tiem"),
        ("40.491", "amlodipin-5-mg-vien"),
    ],
)
def test_drugs_are_found_by_inn_trade_name_strength_and_insurance_code(
    typed: str, first: str
) -> None:
    assert codes(typed, DRUGS)[0] == first


def test_a_code_lists_the_codes_below_it_in_order() -> None:
    assert codes("e11")[:4] == ["E11", "E11.2", "E11.3", "E11.4"]


def test_words_typed_with_marks_put_the_same_marks_first() -> None:
    rows = [
        CatalogRow(kind=CatalogKind.ICD10, code="A01", name="Ho lâu ngày rồi"),
        CatalogRow(kind=CatalogKind.ICD10, code="A02", name="Hở van"),
        CatalogRow(kind=CatalogKind.ICD10, code="A03", name="Họ"),
    ]
    index = CatalogIndex(rows)

    assert codes("hở", index) == ["A02", "A03", "A01"]
    assert codes("họ", index)[0] == "A03"


def test_marks_count_in_the_middle_of_a_half_typed_title_too() -> None:
    rows = [
        CatalogRow(kind=CatalogKind.ICD10, code="A01", name="Van hong"),
        CatalogRow(kind=CatalogKind.ICD10, code="A02", name="Màng nhĩ bị hổng"),
    ]
    index = CatalogIndex(rows)

    assert codes("hon", index) == ["A01", "A02"]
    assert codes("hổn", index) == ["A02", "A01"]


def test_rows_out_of_force_are_not_offered_but_stay_findable_on_their_day() -> None:
    old = CatalogRow(
        kind=CatalogKind.ICD10, code="A90", name="Sốt Dengue", valid_to=date(2026, 6, 30)
    )
    new = CatalogRow(
        kind=CatalogKind.ICD10, code="A90", name="Sốt Dengue mới", valid_from=date(2026, 7, 1)
    )
    index = CatalogIndex([old, new])

    assert index.search("dengue", 5, TODAY)[0].row is new
    assert len(index.search("dengue", 5, TODAY)) == 1
    assert index.find("A90", TODAY) is new
    assert index.find("a90", date(2026, 6, 30)) is old
    assert index.find("A9", TODAY) is None


def test_a_whole_list_comes_in_the_order_people_count() -> None:
    objects = CatalogIndex(starter_rows(CatalogKind.VISIT_OBJECT)).rows(TODAY)

    found = [row.code for row in objects]
    assert found[:8] == ["1.1", "1.2", "1.3", "1.4", "1.5", "1.6", "1.7", "1.11"]
    assert found[-1] == "10"


@pytest.mark.parametrize("text", ["", " ", ".", "†", "'", "%", "()[]", "zzzz", "🙂", "\0"])
def test_nothing_to_search_gives_no_answer(text: str) -> None:
    assert ICD.search(text, 20, TODAY) == ()


def test_the_limit_is_kept_and_answers_come_once() -> None:
    found = codes("v", limit=7)

    assert len(found) == len(set(found)) == 7
    assert ICD.search("viêm", 0, TODAY) == ()


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(ROWS), st.randoms(use_true_random=False), st.booleans())
def test_any_words_of_a_title_in_any_order_half_typed_find_it(
    row: CatalogRow, rng: object, plain: bool
) -> None:
    words = row.name.split()
    rng.shuffle(words)  # type: ignore[attr-defined]
    typed = " ".join(word[: max(1, len(word) - 1)] for word in words)
    if plain:
        typed = folded(typed)
    found = {hit.row.code for hit in ICD.search(typed, 2000, TODAY)}

    assert row.code in found or not folded(typed)


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=30))
def test_any_text_is_answered_with_rows_that_match(text: str) -> None:
    for hit in ICD.search(text, 30, TODAY):
        assert hit.row in ROWS
        assert hit.rank >= 0
    ranks = [hit.rank for hit in ICD.search(text, 30, TODAY)]
    assert ranks == sorted(ranks)


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(ROWS))
def test_every_code_finds_itself_first_with_and_without_the_dot(row: CatalogRow) -> None:
    assert codes(row.code)[0] == row.code
    assert codes(row.code.replace(".", "").lower())[0] == row.code
