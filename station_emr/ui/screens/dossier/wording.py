"""Tables and chips of the station's file. No work is done here."""

from __future__ import annotations

from typing import Final

from station_emr.domain.dossier import Row, Section, Standing
from station_emr.services.dossier_state import Line
from station_emr.services.i18n import _
from station_emr.ui.kit import ChipSpec, Column, EmptyState, Severity, Table

_SHORT: Final = {
    Section.CIRCULAR: "TT 13/2025",
    Section.GUIDANCE: "CV 365",
    Section.LEVEL: "Cấp độ 2",
}
_SEVERITY: Final = {
    Standing.MET: Severity.SUCCESS,
    Standing.PARTLY: Severity.WARNING,
    Standing.NOT_MET: Severity.DANGER,
    Standing.OWN: Severity.NEUTRAL,
}


def source(row: Row) -> str:
    return _("Cấp độ 3 (thêm)") if row.beyond else _(_SHORT[row.section])


def standing_chip(row: Row) -> ChipSpec:
    if row.shown is Standing.OWN:
        return ChipSpec(_("Tự đánh giá"))
    return ChipSpec(_(row.shown.label), _SEVERITY[row.shown])


def rows_table() -> Table[Row]:
    return Table(
        "dossier.rows",
        _("Từng yêu cầu và kết quả"),
        [
            Column(title=_("Văn bản"), text=source, width=112),
            Column(title=_("Điều, mục"), text=lambda r: r.article, width=132),
            Column(
                title=_("Yêu cầu"),
                text=lambda r: r.demand,
                tip=lambda r: r.demand,
                stretch=True,
                strong=True,
            ),
            Column(
                title=_("Kết quả"),
                text=lambda r: standing_chip(r).text,
                chip=standing_chip,
                width=136,
            ),
        ],
        empty=EmptyState("list-checks", _("Đang đọc tình trạng của trạm…")),
        dense=True,
    )


def state_chip(line: Line) -> ChipSpec:
    if line.warns:
        return ChipSpec(_("Cần xem"), Severity.WARNING)
    return ChipSpec(_("Ổn"), Severity.SUCCESS)


def state_table() -> Table[Line]:
    return Table(
        "dossier.state",
        _("Tình trạng hôm nay"),
        [
            Column(title=_("Việc"), text=lambda r: r.label, width=190, strong=True),
            Column(title=_("Hiện nay"), text=lambda r: r.text, tip=lambda r: r.text, stretch=True),
            Column(
                title=_("Kết quả"), text=lambda r: state_chip(r).text, chip=state_chip, width=116
            ),
        ],
        empty=EmptyState("list-checks", _("Đang đọc tình trạng của trạm…")),
        dense=True,
    )
