"""What an import would change in the list that is there: new, changed, closed and equal rows."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from station_emr.catalogs.importers import preview
from station_emr.domain.catalog import CatalogKind, CatalogRow, icd_of
from station_emr.domain.errors import UserError

FROM = date(2026, 7, 1)


def icd(code: str, name: str, **attributes: str | bool) -> CatalogRow:
    return CatalogRow(kind=CatalogKind.ICD10, code=code, name=name, attributes=dict(attributes))


def test_the_preview_separates_new_changed_closed_and_equal_rows() -> None:
    now = [icd("A00", "Bệnh tả"), icd("A01", "Thương hàn"), icd("A02", "Cũ")]
    file = [
        replace(icd("A00", "Bệnh tả"), valid_from=FROM),
        replace(icd("A01", "Bệnh thương hàn"), valid_from=FROM),
        replace(icd("A03", "Mới"), valid_from=FROM),
    ]

    result = preview(CatalogKind.ICD10, now, file, FROM, source="x")

    assert [row.code for row in result.added] == ["A03"]
    assert [(old.name, new.name, new.valid_from) for old, new in result.changed] == [
        ("Thương hàn", "Bệnh thương hàn", FROM)
    ]
    assert [row.code for row in result.closed] == ["A02"]
    assert result.unchanged == 1


def test_a_flag_that_is_taken_away_is_a_change_and_words_of_the_search_stay() -> None:
    now = [icd("A00", "Bệnh tả", not_main=True, keywords="thổ tả")]
    file = [replace(icd("A00", "Bệnh tả", not_main=False), valid_from=FROM)]

    ((_, new),) = preview(CatalogKind.ICD10, now, file, FROM).changed

    assert not icd_of(new).not_main
    assert new.attributes["keywords"] == "thổ tả"


def test_rows_that_ended_before_are_history_and_come_back_as_new() -> None:
    ended = replace(icd("A00", "Bệnh tả"), valid_to=FROM - timedelta(days=1))

    result = preview(CatalogKind.ICD10, [ended], [icd("A00", "Bệnh tả")], FROM)

    assert [row.code for row in result.added] == ["A00"]
    assert result.closed == ()


def test_a_list_may_not_begin_before_one_that_is_already_there() -> None:
    later = replace(icd("A00", "Bệnh tả"), valid_from=FROM + timedelta(days=1))

    with pytest.raises(UserError, match="02/07/2026"):
        preview(CatalogKind.ICD10, [later], [icd("A00", "Bệnh tả")], FROM)


codes = st.sampled_from(["A00", "A01", "A02", "A03", "A04"])


lists = st.dictionaries(codes, st.sampled_from(["một", "hai", "ba"]), max_size=5)


@given(lists, lists)
def test_after_an_import_the_list_is_the_file(before: dict[str, str], file: dict[str, str]) -> None:
    now = [icd(code, name) for code, name in before.items()]
    new = [replace(icd(code, name), valid_from=FROM) for code, name in file.items()]

    result = preview(CatalogKind.ICD10, now, new, FROM)

    after = dict(before)
    for row in result.closed:
        del after[row.code]
    for _, row in result.changed:
        after[row.code] = row.name
    for row in result.added:
        assert row.code not in after
        after[row.code] = row.name
    assert after == file
    assert result.unchanged == len(set(before.items()) & set(file.items()))
