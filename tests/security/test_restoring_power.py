"""Power cuts, kills and full disks while a copy is made or put back: one whole station remains."""

from __future__ import annotations

import pathlib
import shutil
import sys
import time

import pytest

from station_emr.security import restore_files
from station_emr.station import station_exists
from tests.children.child import Nursery
from tests.security.test_restoring import Place, kept_folders, made, people, place

__all__ = ["made", "place"]


@pytest.fixture(scope="module")
def children():
    """Processes to be killed and bounded."""
    made = Nursery("tests.security.test_restoring")
    yield made
    made.close()


class Cut(BaseException):
    pass


def test_a_power_cut_at_every_step_leaves_the_old_station_or_the_new_one(place, monkeypatch):
    """Each rename, unlink and write of the exchange is once the last thing that happened."""
    outcomes = []
    station = place.open(4)
    station.services.accounts.new_recovery_code(station.actor)  # other key slots than the copy's
    station.close()
    keys = (place.folder / "keyslots.json").read_bytes()
    for step in range(40):
        here = place.root / f"cut-{step}"
        shutil.copytree(place.folder, here)
        left = _cut_after(step, here, place, monkeypatch)
        assert station_exists(here), step
        station = place.open(6, folder=here)
        outcomes.append(tuple(people(station)))
        with station.store.read() as work:
            assert work.audit.verify() is None
        station.close()
        assert not (here / restore_files.STAGING).exists()
        saved = [here / "station.db", *(one / "station.db" for one in kept_folders(here))]
        assert len([one for one in saved if one.exists()]) == (2 if len(outcomes[-1]) == 1 else 1)
        for kept in kept_folders(here):
            assert (kept / "keyslots.json").read_bytes() == keys
        shutil.rmtree(here)
        if not left:
            break
    assert {len(one) for one in outcomes} == {1, 2}
    assert step >= 6


def _cut_after(step, here, place, monkeypatch):
    count = 0

    with monkeypatch.context() as patch:

        def counted(real):
            def call(*args, **kwargs):
                nonlocal count
                count += 1
                if count > step:
                    raise Cut
                return real(*args, **kwargs)

            return call

        try:
            with place.proposed(folder=here) as proposal:
                for name in ("rename", "replace", "mkdir"):
                    patch.setattr(pathlib.Path, name, counted(getattr(pathlib.Path, name)))
                # The power is gone: nothing tidies up either.
                patch.setattr(shutil, "rmtree", counted(shutil.rmtree))
                proposal.accept()
        except Cut:
            return True
    return False


KILLED = """
import sys
from pathlib import Path
from tests.security.test_restoring import Place
place = Place(Path(sys.argv[1]))
with place.proposed() as proposal:
    print("go", flush=True)
    proposal.accept()
print("done", flush=True)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="kill -9")
def test_a_killed_restore_leaves_one_whole_station(place, children, tmp_path):
    done = 0
    for turn in range(2):
        root = tmp_path / f"kill-{turn}"
        shutil.copytree(place.root, root)
        process = children.start(tmp_path, KILLED, str(root))
        assert process.stdout.readline() == "go\n", process.errors
        time.sleep(turn * 0.02)
        process.kill()
        rest = process.stdout.read()
        process.wait()
        process.stdout.close()
        killed = Place(root)
        assert station_exists(killed.folder)
        station = killed.open(6)
        found = people(station)
        assert found in (["Người Mẫu Cũ"], ["Người Mẫu Cũ", "Người Mẫu Mới"])
        if "done" in rest:
            assert found == ["Người Mẫu Cũ"]
        done += len(found) == 1
        with station.store.read() as work:
            assert work.audit.verify() is None
        station.close()
        assert not (killed.folder / restore_files.STAGING).exists()
        shutil.rmtree(root)


COPYING = """
import sys
from pathlib import Path
from tests.security.test_restoring import Place
place = Place(Path(sys.argv[1]))
station = place.open(4)
print("go", flush=True)
for number in range(50):
    station.services.backups.make(station.actor, str(place.usb))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="kill -9")
def test_whatever_bears_the_name_of_a_copy_is_one_after_a_kill(place, children, tmp_path):
    for turn in range(1, 2):
        root = tmp_path / f"kill-{turn}"
        shutil.copytree(place.root, root)
        process = children.start(tmp_path, COPYING, str(root))
        assert process.stdout.readline() == "go\n", process.errors
        time.sleep(0.05 + turn * 0.2)
        process.kill()
        process.wait()
        process.stdout.close()
        killed = Place(root)
        named = sorted(one for one in killed.usb.iterdir() if one.name.startswith("tram-"))
        assert named
        for copy in named[-1:]:
            with killed.proposed(copy=copy) as proposal:
                assert proposal.copy.recorded is not None
        station = killed.open(6)
        assert len(people(station)) == 2
        station.services.backups.make(station.actor, str(killed.usb))
        station.close()
        shutil.rmtree(root)


LIMITED = """
import resource, signal, sys
from pathlib import Path
from tests.security.test_restoring import Place
from station_emr.domain.errors import EnvironmentFailure
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
place = Place(Path(sys.argv[1]))
limit = int(sys.argv[2])
if sys.argv[3] == "restore":
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    try:
        with place.proposed() as proposal:
            proposal.accept()
    except EnvironmentFailure as failure:
        print(type(failure).__name__, failure)
else:
    station = place.open(4)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    try:
        station.services.backups.make(station.actor, str(place.usb))
    except EnvironmentFailure as failure:
        print(type(failure).__name__, failure)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="RLIMIT_FSIZE")
@pytest.mark.parametrize(("what", "part"), [("backup", 0.9), ("restore", 0.3)])
def test_a_full_disk_leaves_everything_as_it_was(place, children, tmp_path, what, part):
    size = (place.copy / "station.db").stat().st_size
    limit = int(size * part) + 3000
    with children.start(tmp_path, LIMITED, str(place.root), str(limit), what) as process:
        told = process.stdout.read()
        process.wait()
    assert told, process.errors[-2000:]
    assert "DiskFull" in told or "EnvironmentFailure" in told

    assert [one.name for one in place.usb.iterdir()] == [place.copy.name]
    station = place.open(6)
    assert people(station) == ["Người Mẫu Cũ", "Người Mẫu Mới"]
    station.store.check()
    station.close()
    assert kept_folders(place.folder) == []
