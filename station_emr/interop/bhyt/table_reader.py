"""Rows out of one table's document, by name: order does not matter, names and shape do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from lxml import etree

from station_emr.domain.claim import ClaimRow

from .schema import Table
from .values import plain
from .writer import SIGNATURE_PLACE

MOST_ROWS: Final = 20_000


@dataclass(frozen=True, slots=True)
class TableProblem:
    """What is odd about the document. ``stops``: its rows cannot be trusted."""

    rule: str
    message: str
    row: int = 0
    element: str = ""
    stops: bool = True


def read_table(table: Table, root: Any) -> tuple[tuple[ClaimRow, ...], tuple[TableProblem, ...]]:
    """The rows, and everything that is not as the table says."""
    problems: list[TableProblem] = []
    name = _name(root)
    if name != table.root:
        text = f"Bảng {table.name} có thẻ gốc “{name[:60]}”, phải là {table.root or 'không có'}."
        return (), (TableProblem("root", text),)
    if not table.list_tag:
        return (_row(table, root, 0, problems),), tuple(problems)
    lists = root.findall(f"{{*}}{table.list_tag}")
    if len(lists) != 1:
        text = f"Bảng {table.name} phải có đúng một danh sách {table.list_tag}."
        return (), (TableProblem("list", text),)
    elements = list(lists[0])
    strange = [one for one in elements if isinstance(one.tag, str) and _name(one) != table.row_tag]
    if strange:
        text = f"Bảng {table.name} có thẻ lạ {_name(strange[0])[:60]} giữa các dòng."
        problems.append(TableProblem("row-tag", text))
    elements = [one for one in elements if _name(one) == table.row_tag]
    if not elements:
        problems.append(TableProblem("no-row", f"Bảng {table.name} không có dòng nào."))
    if len(elements) > MOST_ROWS:
        text = f"Bảng {table.name} có {len(elements)} dòng, nhiều nhất {MOST_ROWS}."
        return (), (TableProblem("rows", text),)
    rows = tuple(_row(table, one, place, problems) for place, one in enumerate(elements))
    return rows, tuple(problems)


def _row(table: Table, element: Any, place: int, problems: list[TableProblem]) -> ClaimRow:
    where = f"Bảng {table.name} dòng {place + 1}"
    values: dict[str, str] = {}
    for child in element:
        name = _name(child)
        if not name or name == SIGNATURE_PLACE:
            continue
        if name not in table.by_name:
            problems.append(
                TableProblem(
                    "strange", f"{where}: thẻ lạ {name[:60]} bị bỏ qua.", place, stops=False
                )
            )
        elif name in values:
            problems.append(TableProblem("twice", f"{where}: {name} có hai lần.", place, name))
        elif len(child):
            problems.append(
                TableProblem("nested", f"{where}: trong {name} lại có thẻ khác.", place, name)
            )
        else:
            values[name] = plain(child.text or "")
    missing = [name for name in table.names if name not in values]
    if missing:
        listed = ", ".join(missing[:6]) + ("…" if len(missing) > 6 else "")
        problems.append(
            TableProblem(
                "missing", f"{where}: thiếu thẻ {listed}; coi như trống.", place, missing[0], False
            )
        )
    return table.row(values)


def _name(element: Any) -> str:
    return str(etree.QName(element).localname) if isinstance(element.tag, str) else ""
