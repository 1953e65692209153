"""A fresh key slot file for every test."""

from __future__ import annotations

from pathlib import Path

import pytest

from station_emr.security.keyslots import FILE_NAME, KeySlots
from tests.security.stations import make


@pytest.fixture
def path(tmp_path) -> Path:
    return tmp_path / "station" / FILE_NAME


@pytest.fixture
def station(path) -> tuple[KeySlots, bytes, str]:
    return make(path)
