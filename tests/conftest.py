"""What every test may rely on. Nothing here imports Qt or the program."""

from __future__ import annotations

import gc
import logging
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# Before anything can make a QApplication: no test ever opens a window on the person's screen.
os.environ["QT_QPA_PLATFORM"] = "offscreen"
os.environ.setdefault("QT_ACCESSIBILITY", "0")

# Files of tests live in memory where there is plenty: what kills and damage do to them is the same
# there, and nobody waits for the disk.
_MEMORY = Path("/dev/shm")
_ENOUGH = 2 * 1024**3
if _MEMORY.is_dir() and shutil.disk_usage(_MEMORY).free > _ENOUGH:
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(_MEMORY))

# The suite runs on slow PCs too: examples are bounded by number, never by time.
settings.register_profile(
    "suite",
    deadline=None,
    max_examples=40,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("thorough", parent=settings.get_profile("suite"), max_examples=2000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "suite"))

# What takes longest begins first, in this order, so that no worker is alone with it at the end.
LONG = (
    "tests/e2e/test_command_line.py",
    "tests/safety/test_kills.py",
    "tests/e2e/test_privacy_leaks.py",
    "tests/server/test_exchange_durability.py",
    "tests/server/test_durability.py",
    "tests/sync/test_simulator.py",
    "tests/sync/test_simulator_catches.py",
    "tests/ui/test_app.py",
    "tests/ui/test_encounter.py",
    "tests/ui/test_preview.py",
    "tests/ui/test_referrals.py",
    "tests/sync/test_plain_pull.py",
    "tests/sync/test_exchange_kills.py",
    "tests/sync/test_third_party.py",
    "tests/services/test_backup_places.py",
    "tests/services/test_signatures.py",
    "tests/sync/test_courier_snapshot.py",
    "tests/sync/test_exchange_faults.py",
    "tests/sync/test_courier_commands.py",
    "tests/sync/test_sealing_ahead.py",
    "tests/sync/test_next_page.py",
    "tests/printing/test_prints.py",
    "tests/interop/test_carry_over.py",
    "tests/arch/test_contracts.py",
    "tests/arch/test_house_rules.py",
    "tests/security/test_restoring_power.py",
    "tests/security/test_forgetting.py",
    "tests/safety/test_full_disks.py",
    "tests/safety/test_province.py",
    "tests/gateways/test_demo_claims.py",
    "tests/server/test_refusals.py",
    "tests/server/test_isolation.py",
    "tests/server/test_restart.py",
    "tests/server/test_openapi_fuzz.py",
    "tests/server/test_schemathesis.py",
    "tests/e2e/test_hard_moments.py",
    "tests/e2e/test_lost_keys.py",
    "tests/services/test_signing.py",
    "tests/services/test_replication.py",
    "tests/sync/test_exchange_time.py",
    "tests/db/test_durability.py",
)
_GARBAGE_AT = (100_000, 10, 20)

gc.disable()  # whatever is imported and collected stays; turned on again once all of it is there


def pytest_configure(config: pytest.Config) -> None:
    if hasattr(config.option, "loadscopereorder"):
        config.option.loadscopereorder = False  # else those of the most tests begin


@pytest.hookimpl(wrapper=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> Iterator[None]:
    yield  # others have shuffled them
    places = {path: place for place, path in enumerate(LONG)}
    items.sort(key=lambda item: places.get(item.nodeid.partition("::")[0], len(LONG)))


def pytest_collection_finish() -> None:
    """The tests of 200 modules are no garbage: looking through them again and again was a tenth of
    what the suite cost.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_GARBAGE_AT)
    gc.enable()
    # Each station that closes would look through the whole suite for garbage; what the memory of a
    # closed program keeps is searched in a process of its own, in tests/security/test_forgetting.py.
    if forgetting := sys.modules.get("station_emr.security.forgetting"):
        forgetting.scrub = lambda: None  # type: ignore[attr-defined]


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


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown() -> Iterator[None]:
    """Behind all fixtures: threads that outlive a test would find its log's file closed."""
    yield
    log = logging.getLogger()
    left = [one for one in log.handlers if getattr(getattr(one, "stream", None), "closed", False)]
    for handler in left:
        log.removeHandler(handler)
    assert not left, "this test leaves a log behind: see tests/provincial_command.py"
