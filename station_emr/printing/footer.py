"""What a print of an electronic record says at its foot (Luật GDĐT art. 12, NĐ 137/2024 art. 5).

A mark that it was converted, the system and its owner, the look-up code, who converted it and when.
"""

from __future__ import annotations

from typing import Final

from reportlab.lib.units import mm

from station_emr import __version__
from station_emr.domain.record import StationProfile
from station_emr.services.ports import PrintMark

from .fonts import BOLD, REGULAR, face
from .sheet import Format, Frame, Rule, Sheet
from .typeset import Inline, Line, Text, lay
from .wording import strong, value

MARK: Final = "BẢN GIẤY CHUYỂN TỪ BẢN ĐIỆN TỬ"
ELECTRONIC: Final = "BẢN ĐIỆN TỬ"
_SIZE: Final = 7.6
_LEADING: Final = 9.4
_EDGE: Final[float] = 8 * mm  # printers cannot reach closer to the edge of the paper


def watermark(mark: PrintMark) -> str:
    if mark.voided:
        return "ĐÃ HỦY"
    if mark.outdated:
        return "BẢN CŨ – đã có bản thay"
    return "BẢN NHÁP – chưa có giá trị" if mark.draft else ""


def reprint(mark: PrintMark) -> str:
    return f"Bản in lại (lần {mark.copy})" if mark.copy > 1 else ""


class Footer:
    """The foot of every page; made before the pages, because the lower margin follows from it."""

    def __init__(
        self,
        paper: tuple[float, float],
        sides: tuple[float, float],
        mark: PrintMark,
        station: StationProfile | None,
        look_up: str,
    ) -> None:
        self.left = sides[0]
        self.right = paper[0] - sides[1]
        owner = value(station.name) if station else ""
        reprinted = reprint(mark)
        width = self.right - self.left
        self.mark = ELECTRONIC if mark.electronic else MARK
        boxed = face(BOLD).width(self.mark, _SIZE) + 6
        did = "Người ký" if mark.electronic else "Người chuyển đổi"
        said: list[Inline] = [
            Text(f"Hệ thống: {value(mark.system)} {__version__}. Chủ quản: {owner}.\n"),
            Text(f"Mã tra cứu: {value(look_up)}, phiên bản {mark.version}.\n"),
            Text(f"{did}: {value(mark.printed_by)}, "),
            Text(f"lúc {mark.printed_at:%H:%M:%S} ngày {mark.printed_at:%d/%m/%Y}."),
        ]
        if reprinted:
            said += [Text(" "), strong(f"{reprinted}.")]
        self.lines: list[Line] = lay(said, width, _SIZE, first=boxed + 6)
        if self.lines[-1].width > width - 14 * mm:
            self.lines.append(Line(_SIZE))  # the page number needs a line of its own
        self.height = len(self.lines) * _LEADING + 3
        self.boxed = boxed

    def bottom(self, least: float) -> float:
        """The lower margin this footer needs."""
        needed: float = _EDGE + self.height + 2.5 * mm
        return max(least, needed)

    def paint(self, sheet: Sheet) -> None:
        """Put it on every page, now that their number is known."""
        total = len(sheet.pages)
        top = sheet.format.bottom - 2.5 * mm
        for index, page in enumerate(sheet.pages):
            sheet.page = page
            page.shapes.append(Rule(self.left, top, self.right, top, 0.4))
            y = top - _LEADING - 0.8
            page.shapes.append(Frame(self.left, y - 2.3, self.boxed, _SIZE + 1.9))
            sheet.word(self.mark, self.left + 3, y, face=BOLD, size=_SIZE)
            for number, line in enumerate(self.lines):
                sheet.put(line, self.left, y - number * _LEADING)
            place = f"Trang {index + 1}/{total}"
            wide = face(REGULAR).width(place, 8.6)
            low = y - (len(self.lines) - 1) * _LEADING
            sheet.word(place, self.right - wide, low, size=8.6)


def page_format(
    paper: tuple[float, float], footer: Footer, *, top: float, least_bottom: float
) -> Format:
    return Format(
        paper=paper,
        left=footer.left,
        right=paper[0] - footer.right,
        top=top,
        bottom=footer.bottom(least_bottom),
    )
