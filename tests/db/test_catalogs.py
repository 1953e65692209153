"""Code lists by day: an import closes what it replaces and forgets nothing."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from station_emr.db.catalogs import CatalogRepository
from station_emr.db.store import EncryptedStore
from station_emr.domain.catalog import CatalogKind, CatalogPreview, CatalogRow

from .records import LATER, NOW

ICD = CatalogKind.ICD10
BEGIN, CHANGE = date(2026, 1, 1), date(2026, 7, 1)


def row(code: str, name: str, since: date = BEGIN) -> CatalogRow:
    return CatalogRow(
        kind=ICD,
        code=code,
        name=name,
        valid_from=since,
        source="mẫu",
        attributes={"not_main": True, "chapter": 9, "limit": 2.5, "mark": None, "en": "x"},
    )


STARTER = (row("I10", "Tăng huyết áp"), row("J06", "Viêm họng"), row("K29", "Viêm dạ dày"))


def preview(**changes) -> CatalogPreview:
    return replace(
        CatalogPreview(
            kind=ICD,
            source="quyết định mẫu",
            effective_from=CHANGE,
            added=(row("E11", "Đái tháo đường", CHANGE),),
            changed=((STARTER[1], row("J06", "Nhiễm trùng hô hấp trên", CHANGE)),),
            closed=(STARTER[2],),
            unchanged=1,
            refused=(),
        ),
        **changes,
    )


def names(store: EncryptedStore, day: date | None) -> dict[str, str]:
    with store.read() as work:
        return {r.code: r.name for r in work.catalogs.rows(ICD, day)}


def test_the_starter_list_comes_back_as_written(store: EncryptedStore) -> None:
    province = CatalogRow(kind=CatalogKind.PROVINCE, code="52", name="Tỉnh Mẫu")
    with store.write() as work:
        assert work.catalogs.version(ICD) == 0
        work.catalogs.load_starter([*STARTER, province], NOW)
    with store.read() as work:
        assert work.catalogs.rows(ICD) == STARTER
        assert work.catalogs.rows(CatalogKind.PROVINCE) == (province,)
        assert work.catalogs.version(ICD) == work.catalogs.version(CatalogKind.PROVINCE) == 1
        assert work.catalogs.rows(ICD, date(2025, 12, 31)) == ()


def test_an_import_takes_effect_on_its_day(store: EncryptedStore) -> None:
    with store.write() as work:
        work.catalogs.load_starter(STARTER, NOW)
    with store.write() as work:
        work.catalogs.apply(work.catalogs.prepare(preview()), LATER)

    assert names(store, date(2026, 6, 30)) == {r.code: r.name for r in STARTER}
    assert names(store, CHANGE) == {
        "E11": "Đái tháo đường",
        "I10": "Tăng huyết áp",
        "J06": "Nhiễm trùng hô hấp trên",
    }
    with store.read() as work:
        assert work.catalogs.version(ICD) == 2
        every = work.catalogs.rows(ICD)
    assert len(every) == 5
    closed = next(r for r in every if r.code == "K29")
    assert closed.valid_to == date(2026, 6, 30)


def test_an_import_that_is_cut_off_leaves_the_list_as_it_was(
    store: EncryptedStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    with store.write() as work:
        work.catalogs.load_starter(STARTER, NOW)
        ready = work.catalogs.prepare(preview())

    def cut(*_: object) -> None:
        raise OSError("power")

    monkeypatch.setattr(CatalogRepository, "_count", cut)  # after the rows, before the version
    with pytest.raises(OSError, match="power"), store.write() as work:
        work.catalogs.apply(ready, LATER)
    with store.read() as work:
        assert work.catalogs.rows(ICD) == STARTER
        assert work.catalogs.version(ICD) == 1


def test_a_list_imported_again_for_the_same_day_replaces_itself(store: EncryptedStore) -> None:
    with store.write() as work:
        work.catalogs.load_starter(STARTER, NOW)
        work.catalogs.apply(work.catalogs.prepare(preview()), NOW)
    first = row("J06", "Nhiễm trùng hô hấp trên", CHANGE)
    mended = row("J06", "Nhiễm trùng đường hô hấp trên", CHANGE)
    with store.write() as work:
        again = preview(added=(), changed=((first, mended),), closed=(row("E11", "x", CHANGE),))
        work.catalogs.apply(work.catalogs.prepare(again), LATER)

    assert names(store, CHANGE) == {
        "I10": "Tăng huyết áp",
        "J06": "Nhiễm trùng đường hô hấp trên",
    }
    with store.read() as work:
        assert work.catalogs.version(ICD) == 3
