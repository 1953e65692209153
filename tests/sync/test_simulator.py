"""Seeded stories of two to four PCs and the province; `make soak` plays ten thousand of them."""

import os
import shutil
import tempfile
from pathlib import Path

import pytest

from tests.sync.simulation.machine import FILE, Machine
from tests.sync.simulation.province import Province
from tests.sync.simulation.world import World

SEEDS = int(os.environ.get("SIMULATOR_SEEDS", "200"))
FIRST = int(os.environ.get("SIMULATOR_FIRST", "1"))
CHUNK = 10
STEPS = 45


@pytest.fixture(scope="session")
def templates(tmp_path_factory):
    folder = tmp_path_factory.mktemp("templates")
    Machine.template(folder / FILE)
    Province.template(folder / "province.db")
    return folder


def play(seed, templates, steps=STEPS):
    """In memory where the system has such a folder: what is tried is the logic, not the disk."""
    memory = Path("/dev/shm")
    folder = Path(tempfile.mkdtemp(dir=memory if memory.is_dir() else None))
    world = World(seed, templates, folder)
    try:
        world.play(steps)
    except Exception as error:
        error.add_note(f"seed {seed}: {dict(world.happened)}")
        raise
    finally:
        world.close()
        shutil.rmtree(folder, ignore_errors=True)
    return world


@pytest.mark.parametrize("first", range(FIRST, FIRST + SEEDS, CHUNK))
def test_stories_end_well(first, templates):
    for seed in range(first, min(first + CHUNK, FIRST + SEEDS)):
        play(seed, templates)
