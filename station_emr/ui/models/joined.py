"""What is said where a chart was asked for that has been joined to another."""

from __future__ import annotations

from station_emr.services.i18n import _


def joined_words(joined: str, standing: str) -> str:
    """From which chart something comes; empty when it hangs on the chart that is shown."""
    if not joined:
        return ""
    return _("Lập ở hồ sơ {joined}, đã gộp vào hồ sơ {standing}").format(
        joined=joined, standing=standing
    )
