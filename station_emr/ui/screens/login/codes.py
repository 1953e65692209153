"""The ten recovery codes of a telephone that was just joined, shown once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from PySide6.QtCore import Signal

from station_emr.services.i18n import _
from station_emr.ui.kit import Shortcut, hbox, label, primary
from station_emr.ui.kit.cover import CoverPage

_ROWS: Final = 5


class CodesPage(CoverPage):
    """``done`` when the person has written them down."""

    done = Signal()

    def __init__(self, station: str, codes: Sequence[str]) -> None:
        super().__init__("codes", station, _("Đã bật xác thực hai lớp"))
        told = _(
            "Hãy chép mười mã dự phòng này ra giấy và cất chỗ kín. Mỗi mã vào được một lần khi điện thoại "
            "mất, hết pin hoặc sai giờ. Sau trang này không xem lại được."
        )
        self.card.add(label(told, "muted", wrap=True))
        self.codes = label(_columns(codes), "strong")
        self.codes.setAccessibleName(_("Mã dự phòng"))
        self.card.add(self.codes)
        self.go = primary(_("Tôi đã chép xong"), "codes.done", Shortcut.SIGN)
        self.go.clicked.connect(self.done)
        self.card.body.addLayout(hbox(None, self.go))
        self.setFocusProxy(self.go)


def _columns(codes: Sequence[str]) -> str:
    pairs = zip(codes[:_ROWS], codes[_ROWS:], strict=True)
    return "\n".join(f"{one}      {other}" for one, other in pairs)
