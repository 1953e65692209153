"""Seeded stories of two to four PCs and the province: the first of them, and short ones. Continuous
integration plays a few hundred longer ones besides, `make soak` ten thousand.
"""

import os
import shutil
import tempfile
from pathlib import Path
from types import MappingProxyType

import pytest

from tests.sync.simulation.machine import FILE, Machine
from tests.sync.simulation.province import Province
from tests.sync.simulation.world import World

SEEDS = int(os.environ.get("SIMULATOR_SEEDS", "12"))
FIRST = int(os.environ.get("SIMULATOR_FIRST", "1"))
CHUNK = 3
QUARTERS = 4
STEPS = int(os.environ.get("SIMULATOR_STEPS", "26"))


@pytest.fixture(scope="session")
def templates(tmp_path_factory):
    folder = tmp_path_factory.mktemp("templates")
    Machine.template(folder / FILE)
    Province.template(folder / "province.db")
    return folder


def play(seed, templates, steps=STEPS, more=MappingProxyType({})):
    """In memory where the system has such a folder: what is tried is the logic, not the disk."""
    memory = Path("/dev/shm")
    folder = Path(tempfile.mkdtemp(dir=memory if memory.is_dir() else None))
    world = World(seed, templates, folder, more)
    try:
        world.play(steps)
    except Exception as error:
        error.add_note(f"seed {seed}: {dict(world.happened)}")
        raise
    finally:
        world.close()
        shutil.rmtree(folder, ignore_errors=True)
    return world


class Stories:
    """A quarter of the seeds. Classes are what the suite's workers share out among themselves."""

    part = 0

    @pytest.mark.parametrize("portion", range(-(-SEEDS // (QUARTERS * CHUNK))))
    def test_they_end_well(self, portion, templates):
        at = FIRST + (portion * QUARTERS + self.part) * CHUNK
        for seed in range(at, min(at + CHUNK, FIRST + SEEDS)):
            play(seed, templates)


class TestFirstQuarter(Stories):
    part = 0


class TestSecondQuarter(Stories):
    part = 1


class TestThirdQuarter(Stories):
    part = 2


class TestLastQuarter(Stories):
    part = 3
