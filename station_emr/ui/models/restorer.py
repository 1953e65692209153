"""The way back from a copy as the cover pages see it: nobody is logged in there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from station_emr.services.backup_ports import FoundCopy
from station_emr.services.restore_preview import RestorePreview


@dataclass(frozen=True, slots=True, kw_only=True)
class Secret:
    """How the copy is opened: by a person of its time, or by the recovery code."""

    username: str = ""
    password: str = field(default="", repr=False)
    code: str = field(default="", repr=False)


class Restorer(Protocol):
    """Everything here may take seconds: never on the GUI thread."""

    def copies(self, others: Sequence[Path] = ()) -> tuple[FoundCopy, ...]:
        """Of this station, and any in ``others``, newest first."""

    def preview(self, place: str, secret: Secret) -> RestorePreview:
        """Open and compare, changing nothing. Raises WrongPassword, PermissionDenied …"""

    def restore(self, place: str, secret: Secret) -> str:
        """Put the copy in place; the folder that keeps what was there, empty for none."""
