"""A version and a comparison as text for the reading pane. What people typed is never markup."""

from __future__ import annotations

from html import escape
from typing import Final

from station_emr.domain.difference import Mark, Part
from station_emr.services.i18n import _
from station_emr.services.version_ports import Comparison, VersionRow, VersionView
from station_emr.ui.kit import tokens

_CLOCK: Final = "%H:%M:%S %d/%m/%Y"


def signature_words(row: VersionRow) -> str:
    """How the version was signed; a version of a chart is kept without a signature."""
    if row.signatures:
        return ", ".join(_(one) for one in row.signatures)
    return _("Ký ở máy khác") if row.elsewhere else _("Ghi, không ký")


def reason_words(row: VersionRow) -> str:
    if row.reason:
        return row.reason
    if row.by_rule:
        return _("Chương trình gộp hai bản viết song song")
    return _("Bản đầu tiên") if row.version == 1 else _("Không ghi lý do")


def clock_words(row: VersionRow) -> str:
    """Both clocks: the machine's own, and what it was by the province's."""
    own = f"{row.at:{_CLOCK}}"
    if row.corrected_at is None:
        return _("{own} theo máy; chưa so được với giờ của tỉnh").format(own=own)
    return _("{own} theo máy; {theirs} theo giờ của tỉnh").format(
        own=own, theirs=f"{row.corrected_at:{_CLOCK}}"
    )


def view_page(view: VersionView) -> str:
    """One version: who, when and by what, then every field that says something."""
    row = view.row
    head = [
        (_("Người ghi"), row.author_name),
        (_("Thời điểm"), clock_words(row)),
        (_("Máy"), row.device or _("không rõ")),
        (_("Lý do"), reason_words(row)),
        (_("Chữ ký"), signature_words(row)),
        (_("Dựa trên"), ", ".join(_("bản {n}").format(n=one) for one in row.parents)),
        (_("Mã băm SHA-256"), row.sha256),
    ]
    return _page(_table([pair for pair in head if pair[1]]) + "<hr>" + _table(list(view.lines)))


def compare_page(compared: Comparison) -> str:
    """Every difference as a sentence; a long text shows what went and what came."""
    if not compared.differences:
        return _page(f"<p>{escape(_('Hai bản này có nội dung giống hệt nhau.'))}</p>")
    items = []
    for one in compared.differences:
        if one.parts:
            body = "".join(_part(part) for part in one.parts)
            items.append(f"<p><b>{escape(one.label)}:</b> {body}</p>")
        else:
            items.append(f"<p>{escape(one.sentence)}</p>")
    colours = tokens()
    legend = (
        f'<p style="color:{colours.muted}">'
        + _part(Part(_("chữ bỏ đi"), Mark.REMOVED))
        + "&nbsp;&nbsp;"
        + _part(Part(_("chữ thêm vào"), Mark.ADDED))
        + "</p>"
    )
    return _page("".join(items) + (legend if any(d.parts for d in compared.differences) else ""))


def _part(part: Part) -> str:
    text = escape(part.text).replace("\n", "<br>")
    colours = tokens()
    if part.mark is Mark.ADDED:
        return (
            f'<span style="background-color:{colours.success_soft};color:{colours.success};'
            f'text-decoration:underline">{text}</span>'
        )
    if part.mark is Mark.REMOVED:
        return (
            f'<span style="background-color:{colours.danger_soft};color:{colours.danger};'
            f'text-decoration:line-through">{text}</span>'
        )
    return text


def _table(pairs: list[tuple[str, str]]) -> str:
    muted = tokens().muted
    rows = "".join(
        f'<tr><td style="color:{muted};padding:2px 14px 4px 0" width="170">{escape(name)}</td>'
        f'<td style="padding:2px 0 4px 0">{escape(text).replace(chr(10), "<br>")}</td></tr>'
        for name, text in pairs
    )
    return f'<table width="100%">{rows}</table>'


def _page(body: str) -> str:
    return f'<div style="color:{tokens().text}">{body}</div>'
