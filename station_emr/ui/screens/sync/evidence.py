"""The list of outages as a file: for Excel (CSV) or for a signature (PDF)."""

from __future__ import annotations

import csv
import html
import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from PySide6.QtGui import QPageSize, QPdfWriter, QTextDocument

from station_emr.domain.file_names import file_part
from station_emr.domain.outages import Outage, OutageKind
from station_emr.domain.record import StationProfile
from station_emr.services.i18n import _
from station_emr.ui.kit.theme import FONT_FAMILY
from station_emr.ui.screens.sync.wording import outage_chip, outage_length

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "|", "%")
_BOM = "\ufeff"  # without it Excel reads Vietnamese letters as another alphabet


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What a station shows when it has to explain why data came late (NĐ 188/2025 art. 38)."""

    station: StationProfile
    outages: Sequence[Outage]
    first: datetime | None
    now: datetime
    odd_clocks: int = 0
    timeless: int = 0

    @property
    def file_name(self) -> str:
        return f"mat-mang-{file_part(self.station.code) or 'tram'}-{self.now:%Y%m%d}"

    @property
    def facts(self) -> tuple[tuple[str, str], ...]:
        first = f"{self.first:%H:%M %d/%m/%Y}" if self.first else _("chưa có lần gửi nào")
        away = sum(one.kind is OutageKind.AWAY for one in self.outages)
        return (
            (_("Cơ sở"), self.station.name),
            (_("Mã cơ sở"), self.station.code),
            (_("Máy"), f"{self.station.site}, {self.station.device_name}"),
            (
                _("Kỳ ghi nhận"),
                _("từ {first} đến {now:%H:%M %d/%m/%Y}").format(first=first, now=self.now),
            ),
            (_("Số lần mất kết nối"), str(away)),
            (_("Số lần máy chủ từ chối"), str(len(self.outages) - away)),
            *self._about_clocks(),
        )

    def _about_clocks(self) -> tuple[tuple[str, str], ...]:
        """What was left out, because its time cannot be right; nothing to say of most machines."""
        if not self.odd_clocks:
            return ()
        said = _(
            "{count} lần thử ghi lúc đồng hồ máy sai nên không lấy giờ của chúng; khoảng có dấu "
            "“ít nhất” có thể đã dài hơn."
        ).format(count=self.odd_clocks)
        if self.timeless:
            said += " " + _("{count} lúc không gửi được không rõ giờ nên không liệt kê.").format(
                count=self.timeless
            )
        return ((_("Đồng hồ máy"), said),)

    @property
    def titles(self) -> tuple[str, ...]:
        return (_("Từ"), _("Đến"), _("Vì sao"), _("Kéo dài"), _("Số phút"), _("Số lần thử"))

    @property
    def lines(self) -> list[tuple[str, ...]]:
        """Oldest first, as a report is read."""
        return [self._line(outage) for outage in sorted(self.outages, key=lambda o: o.started)]

    def _line(self, outage: Outage) -> tuple[str, ...]:
        ended = outage.ended or self.now
        minutes = max(0, int((ended - outage.started).total_seconds() // 60))
        until = f"{outage.ended:%H:%M %d/%m/%Y}" if outage.ended else _("chưa hết")
        return (
            f"{outage.started:%H:%M %d/%m/%Y}",
            until,
            outage_chip(outage).text,
            outage_length(outage, self.now),
            str(minutes),
            str(outage.tries),
        )


def harmless(text: str) -> str:
    """A cell that a spreadsheet would run as a formula is made text: the name of a station, or of a
    server, was typed by somebody.
    """
    return f"'{text}" if text.lstrip().startswith(_FORMULA) else text


def as_csv(evidence: Evidence) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow([_title()])
    writer.writerows([harmless(cell) for cell in row] for row in evidence.facts)
    writer.writerow([])
    writer.writerow(evidence.titles)
    writer.writerows([harmless(cell) for cell in row] for row in evidence.lines)
    return (_BOM + text.getvalue()).encode()


def as_html(evidence: Evidence) -> str:
    facts = "".join(
        f"<tr><td>{html.escape(name)}:&nbsp;</td><td><b>{html.escape(value)}</b></td></tr>"
        for name, value in evidence.facts
    )
    head = "".join(f"<th align='left'>{html.escape(title)}</th>" for title in evidence.titles)
    body = "".join(
        "<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in line) + "</tr>"
        for line in evidence.lines
    )
    signed = html.escape(_("Người lập (ký, ghi rõ họ tên)"))
    return (
        f"<h2 align='center'>{html.escape(_title())}</h2><table>{facts}</table><br>"
        f"<table border='1' cellspacing='0' cellpadding='5' width='100%'>"
        f"<thead><tr>{head}</tr></thead>{body}</table>"
        f"<p align='right'><br>{evidence.now:{_('Ngày %d tháng %m năm %Y')}}<br>{signed}</p>"
    )


def write_evidence(evidence: Evidence, path: Path) -> Path:
    """Write the file its name asks for; PDF unless it ends in ``.csv``. Not on the GUI thread."""
    if path.suffix.lower() == ".csv":
        path.write_bytes(as_csv(evidence))
        return path
    if path.suffix.lower() != ".pdf":
        path = path.with_name(f"{path.name}.pdf")
    with path.open("wb"):  # Qt tells nobody when it may not write here
        pass
    document = QTextDocument()
    document.setDefaultStyleSheet(f"* {{ font-family: '{FONT_FAMILY}'; font-size: 11pt; }}")
    document.setHtml(as_html(evidence))
    writer = QPdfWriter(str(path))
    writer.setPageSize(QPageSize(QPageSize.PageSizeId.A4))
    writer.setTitle(_title())
    writer.setCreator("")
    document.print_(writer)
    return path


def _title() -> str:
    return _("Những lúc không gửi được lên máy chủ của tỉnh")
