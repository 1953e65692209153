"""Every widget test wears the theme and asks no real dialog."""

from __future__ import annotations

import pytest
from PySide6.QtWidgets import QApplication

from station_emr.ui.kit import apply_theme
from station_emr.ui.kit.memory import Forgetful, use_memory


@pytest.fixture(autouse=True)
def themed(qapp: QApplication) -> None:
    if not qapp.styleSheet():
        apply_theme(qapp, "light")
    use_memory(Forgetful())
