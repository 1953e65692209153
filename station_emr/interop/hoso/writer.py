"""A visit in the order of a layout, as XML or as JSON with the same names."""

from __future__ import annotations

import json
import re
from typing import Any, Final

from lxml import etree

from station_emr.domain.visit_record import VisitRecord

from .layout import Layout, LayoutGroup, read_layout
from .values import Values, rows_of

# What XML 1.0 cannot hold in any form, and lone halves of a pair.
_ILLEGAL: Final = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def write_xml(visit: VisitRecord, layout: Layout | None = None) -> bytes:
    """UTF-8 with its declaration. Every element of a row is written, also when nothing is known."""
    made = layout or read_layout("ho_so_benh_an")
    root = etree.Element(made.root)
    for group in made.groups:
        rows = rows_of(visit, group.source)
        holder = etree.SubElement(root, group.name)
        for row in rows:
            target = etree.SubElement(holder, group.row) if group.row else holder
            for name, text in _named(group, row).items():
                etree.SubElement(target, name).text = text or None
    return bytes(etree.tostring(root, encoding="UTF-8", xml_declaration=True, pretty_print=True))


def write_json(visit: VisitRecord, layout: Layout | None = None) -> bytes:
    """UTF-8; a group with rows is a list, the others are one object."""
    made = layout or read_layout("ho_so_benh_an")
    groups: dict[str, Any] = {}
    for group in made.groups:
        rows = [_named(group, row) for row in rows_of(visit, group.source)]
        groups[group.name] = rows if group.row else rows[0]
    text = json.dumps({made.root: groups}, ensure_ascii=False, indent=1)
    return (text + "\n").encode()


def _named(group: LayoutGroup, row: Values) -> dict[str, str]:
    """Raises KeyError for a layout that asks for a value there is none of."""
    return {one.name: _ILLEGAL.sub("", row[one.value]) for one in group.fields}
