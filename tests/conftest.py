"""What every test may rely on. Nothing here imports Qt or the program."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# Before anything can make a QApplication: no test ever opens a window on the person's screen.
os.environ["QT_QPA_PLATFORM"] = "offscreen"
os.environ.setdefault("QT_ACCESSIBILITY", "0")

# The suite runs on slow PCs too: examples are bounded by number, never by time.
settings.register_profile(
    "suite",
    deadline=None,
    max_examples=60,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("thorough", parent=settings.get_profile("suite"), max_examples=2000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "suite"))


@pytest.fixture(scope="session")
def checkout() -> Path:
    """The root of this checkout."""
    return Path(__file__).resolve().parents[1]


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Before any fixture: a test that names no kind of database works on the chosen one, whatever
    the test before it in this process worked on."""
    databases = sys.modules.get("tests.databases")
    if databases is not None:
        drawn = getattr(item, "callspec", None)
        kind = drawn.params.get("database_kind") if drawn else None
        databases.use(kind or databases.CHOSEN)
