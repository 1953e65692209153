"""Report templates: the shipped ones of ``resources/reports``, and those the station wrote itself."""

from __future__ import annotations

import json
import re
from functools import cache
from types import MappingProxyType
from typing import Any, Final

from station_emr.domain.icd_range import IcdChapter, IcdRange
from station_emr.domain.report import (
    MOST_ROWS,
    ChartKind,
    Measure,
    ReportColumn,
    ReportRow,
    ReportTemplate,
    RowsBy,
)

from .definition_text import Definition, parsed, read_filter, wrong
from .ports import Work
from .resources import resource_path

OWN: Final = "reports.own"
REFERRALS: Final = "chuyen-tuyen"
INFECTIOUS: Final = "benh-truyen-nhiem"
LISTS: Final = MappingProxyType(
    {
        REFERRALS: ReportTemplate(
            key=REFERRALS,
            title="Chuyển cơ sở khám bệnh, chữa bệnh: lý do và thời gian phản hồi",
        ),
        INFECTIOUS: ReportTemplate(
            key=INFECTIOUS, title="Bệnh truyền nhiễm phải báo và thời hạn báo"
        ),
    }
)
"""Reports that list cases and so are no tables of filters."""
_KEY: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,59}")
_MOST_COLUMNS: Final = 40
_MOST_OWN: Final = 60
_NAMES: Final = (
    "schema",
    "key",
    "number",
    "title",
    "known",
    "remark",
    "row_head",
    "rows",
    "rows_by",
    "columns",
    "filter",
    "measure",
    "most",
    "total",
    "chart",
)
_FIRST: Final[tuple[str, ...]] = (
    "benh-theo-chuong",
    "benh-tuoi-gioi",
    "benh-thuong-gap",
    "su-dung-thuoc",
    "bao-hiem",
    "ky-thuat",
    "luot-kham-theo-ngay",
    "luot-kham-theo-tuan",
    "luot-kham-theo-thang",
)


@cache
def chapters() -> tuple[IcdChapter, ...]:
    """The chapters of ICD-10, in order."""
    path = resource_path("registers", "icd_chapters.json")
    kept = json.loads(path.read_text(encoding="utf-8"))
    return tuple(
        IcdChapter(
            number=one["number"],
            name=one["name"],
            ranges=tuple(IcdRange.parse(text) for text in one["icd"]),
        )
        for one in kept["chapters"]
    )


def read_template(content: bytes | str, *, own: bool = False) -> ReportTemplate:
    """Raises InvalidRecord, saying what is wrong and where."""
    held = parsed(content)
    held.only(_NAMES)
    if held.whole("schema", 1, 1_000_000) != 1:
        raise held.bad("schema", "phải là 1; tệp này của chương trình khác hoặc bản mới hơn")
    key = held.text("key", needed=True)
    if _KEY.fullmatch(key) is None or key in LISTS:
        raise held.bad("key", "chỉ gồm chữ thường không dấu, số và dấu gạch ngang, ví dụ bct-09")
    columns = held.many("columns", _column, _MOST_COLUMNS)
    rows = held.many("rows", _row, MOST_ROWS)
    rows_by = held.one_of("rows_by", RowsBy)
    if not columns:
        raise held.bad("columns", "còn trống; cần ít nhất một cột")
    if bool(rows) == (rows_by is not None):
        raise wrong("Tệp mẫu", "cần “rows” hoặc “rows_by”, chỉ một trong hai")
    most = held.whole("most", 1, MOST_ROWS)
    return ReportTemplate(
        key=key,
        title=held.text("title", needed=True),
        number=held.text("number"),
        known=held.flag("known", default=True) is not False,
        own=own,
        remark=held.text("remark"),
        row_head=held.text("row_head") or "Nội dung",
        rows=rows,
        rows_by=rows_by,
        columns=columns,
        filter=read_filter(held, _by_number()),
        measure=held.one_of("measure", Measure) or Measure.VISITS,
        most=most or MOST_ROWS,
        total=held.flag("total", default=True) is not False,
        chart=held.one_of("chart", ChartKind) or ChartKind.BARS,
    )


def _by_number() -> dict[str, IcdChapter]:
    return {one.number: one for one in chapters()}


def _column(held: Definition) -> ReportColumn:
    held.only(("title", "filter", "measure"))
    return ReportColumn(
        title=held.text("title", needed=True),
        filter=read_filter(held, _by_number()),
        measure=held.one_of("measure", Measure),
    )


def _row(held: Definition) -> ReportRow:
    held.only(("title", "filter", "measure"))
    return ReportRow(
        title=held.text("title", needed=True),
        filter=read_filter(held, _by_number()),
        measure=held.one_of("measure", Measure),
    )


@cache
def shipped_texts() -> MappingProxyType[str, str]:
    """The files by key, the ready reports first and the numbered forms after them."""
    folder = resource_path("reports")
    found = {path.stem: path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.json"))}
    ordered = [key for key in _FIRST if key in found]
    ordered += [key for key in found if key not in ordered]
    return MappingProxyType({key: found[key] for key in ordered})


@cache
def shipped() -> MappingProxyType[str, ReportTemplate]:
    return MappingProxyType({key: read_template(text) for key, text in shipped_texts().items()})


def own_texts(work: Work) -> dict[str, str]:
    """What the station wrote itself, by key; an unreadable setting is none."""
    try:
        kept: Any = json.loads(work.settings.get(OWN) or "{}")
    except ValueError:
        return {}
    return {str(key): str(text) for key, text in kept.items()} if isinstance(kept, dict) else {}


def templates(work: Work) -> dict[str, ReportTemplate]:
    """Every report that can be made; the station's own take the place of shipped ones."""
    made = {**shipped(), **LISTS}
    made.update({key: read_template(text, own=True) for key, text in own_texts(work).items()})
    return made


def keep_own(work: Work, template: ReportTemplate, text: str) -> None:
    """Raises InvalidRecord when there are too many."""
    kept = own_texts(work) | {template.key: text}
    if len(kept) > _MOST_OWN:
        raise wrong("Trạm", f"đã có {_MOST_OWN} mẫu của mình; hãy bỏ bớt một mẫu")
    work.settings.put(OWN, json.dumps(kept, ensure_ascii=False, sort_keys=True))


def drop_own(work: Work, key: str) -> bool:
    """Whether there was one; the shipped one of this key comes back."""
    kept = own_texts(work)
    if kept.pop(key, None) is None:
        return False
    work.settings.put(OWN, json.dumps(kept, ensure_ascii=False, sort_keys=True))
    return True
