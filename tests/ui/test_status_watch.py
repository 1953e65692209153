"""A click on what the line at the foot says of the link leads to where it is explained."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from PySide6.QtCore import QObject, Signal

from station_emr.domain.permissions import Role
from station_emr.domain.sync import LinkState, LinkTrouble, SyncStatus
from station_emr.ui.models import routes
from station_emr.ui.shell import Link, StatusModel
from station_emr.ui.shell.status_watch import StatusWatch


class Frame(QObject):
    """As much of the window as the watch speaks to."""

    status_asked = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.went: list[tuple[str, object]] = []
        self.navigation = SimpleNamespace(items={})

    def set_status(self, model: StatusModel) -> None:
        self.model = model

    def go(self, key: str, context: object = None) -> None:
        self.went.append((key, context))


@pytest.mark.parametrize("role", [Role.NURSE, Role.DIRECTOR])
def test_a_refusal_is_told_as_one_and_leads_to_the_sync_centre(session_of, role) -> None:
    frame = Frame()
    watch = StatusWatch(frame, frame)  # type: ignore[arg-type]
    watch._session = session_of(role)

    watch.show_status(SyncStatus(link=LinkState.REFUSED, trouble=LinkTrouble.REVOKED))
    frame.status_asked.emit("link")

    assert frame.model.link is Link.REVOKED
    assert frame.went == [(routes.SYNC, None)]
