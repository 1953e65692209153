"""The line above the form: what was restored, what is kept aside, why nothing was saved."""

from __future__ import annotations

from collections.abc import Callable

from station_emr.services.i18n import _
from station_emr.services.patients import StandingChart
from station_emr.ui.kit import Banner, Message, Severity


class Notices(Banner):
    """A banner that is told in one call."""

    def __init__(self) -> None:
        super().__init__("registration.banner")

    def tell(
        self,
        text: str,
        severity: Severity = Severity.INFO,
        *,
        action_text: str = "",
        action: Callable[[], None] | None = None,
    ) -> None:
        """Show a sentence, with at most one thing to do about it."""
        self.show_message(
            Message(text=text, severity=severity, action_text=action_text, action=action)
        )


def edited_words(chart: StandingChart) -> str:
    """Which of two joined charts is being corrected."""
    shown = chart.stored.record.chart_number
    if shown == chart.joined_number:
        return _(
            "Hồ sơ {joined} đã gộp vào hồ sơ khác. Đang sửa chính hồ sơ {joined} vì máy chủ tỉnh "
            "chưa nhận nó."
        ).format(joined=shown)
    return _("Hồ sơ {joined} đã gộp vào hồ sơ {shown}. Đang sửa hồ sơ {shown}.").format(
        joined=chart.joined_number, shown=shown
    )
