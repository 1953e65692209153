"""The reasons that a signed visit is not changed without."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

from station_emr.services.i18n import _
from station_emr.ui.kit import dialogs


def ask_amendment(parent: QWidget) -> str:
    """Why the signed visit is mended; empty when the person thought better of it."""
    return _asked(
        parent,
        _("Sửa đổi có lý do"),
        _("Bản đã ký được giữ nguyên; bản mới ghi kèm lý do, người sửa và giờ sửa."),
        _("Lý do sửa đổi"),
    )


def ask_void(parent: QWidget) -> str:
    """Why the visit counts no more; empty when the person thought better of it."""
    return _asked(
        parent,
        _("Hủy có lý do"),
        _("Lượt khám cùng các giấy của nó được đánh dấu đã hủy. Nội dung vẫn được giữ."),
        _("Lý do hủy"),
    )


def _asked(parent: QWidget, title: str, text: str, label: str) -> str:
    reason = dialogs.ask_text(parent, title, text, label=label, lines=2)
    return (reason or "").strip()
