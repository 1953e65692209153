"""The way back from a copy, for the window. Imports the database only when it is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from station_emr.security.window_claim import WindowClaim
from station_emr.services.backup_ports import FoundCopy
from station_emr.services.ports import Clock
from station_emr.services.restore_preview import RestorePreview
from station_emr.ui.models.restorer import Secret


class StationRestorer:
    """Works on a folder whose station is closed; the window's own claim keeps others out."""

    def __init__(self, folder: Path, clock: Clock, claim: WindowClaim) -> None:
        self._folder = folder
        self._clock = clock
        self._claim = claim

    def copies(self, others: Sequence[Path] = ()) -> tuple[FoundCopy, ...]:
        from station_emr.restoring import copies_for  # noqa: PLC0415 - see the gate

        return copies_for(self._folder, others)

    def preview(self, place: str, secret: Secret) -> RestorePreview:
        from station_emr.restoring import proposed  # noqa: PLC0415 - see the gate

        self._hold()
        with proposed(
            self._folder,
            Path(place),
            self._clock,
            username=secret.username,
            password=secret.password,
            code=secret.code,
            claimed=True,
        ) as proposal:
            return proposal.preview

    def restore(self, place: str, secret: Secret) -> str:
        from station_emr.restoring import proposed  # noqa: PLC0415 - see the gate

        self._hold()
        with proposed(
            self._folder,
            Path(place),
            self._clock,
            username=secret.username,
            password=secret.password,
            code=secret.code,
            claimed=True,
        ) as proposal:
            return proposal.accept().kept

    def _hold(self) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._claim.take()
