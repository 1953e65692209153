"""Set-up cut short at every step: either no station or a whole one, and nobody else's keys touched."""

import pytest

from station_emr.security import set_up
from station_emr.security.durable_file import backup_of
from station_emr.security.keyslots import FILE_NAME

DATABASE = "station.db"


@pytest.fixture
def folder(tmp_path):
    """What a set-up has built when it is about to move it to its place."""
    staging = set_up.begin(tmp_path)
    (staging / FILE_NAME).write_bytes(b"made keys")
    backup_of(staging / FILE_NAME).write_bytes(b"made keys")
    (staging / DATABASE).write_bytes(b"made database")
    return tmp_path


def names(folder):
    return {path.name for path in folder.iterdir()} - {f"{FILE_NAME}.lock"}


def test_a_finished_set_up_is_in_its_place(folder):
    set_up.publish(folder, DATABASE)
    set_up.clear_unfinished(folder, DATABASE)
    assert names(folder) == {DATABASE, FILE_NAME, f"{FILE_NAME}.bak"}
    assert (folder / DATABASE).read_bytes() == b"made database"


def test_cut_before_anything_was_moved(folder):
    set_up.clear_unfinished(folder, DATABASE)
    assert names(folder) == set()


def test_cut_between_the_keys_and_the_database(folder, monkeypatch):
    def cut(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(type(folder), "replace", cut)
    for name in (FILE_NAME, f"{FILE_NAME}.bak"):
        (folder / name).write_bytes(b"made keys")
    with pytest.raises(KeyboardInterrupt):
        set_up.publish(folder, DATABASE)
    monkeypatch.undo()
    set_up.clear_unfinished(folder, DATABASE)
    assert names(folder) == set()


def test_cut_after_the_database_was_moved(folder, monkeypatch):
    monkeypatch.setattr(set_up.shutil, "rmtree", lambda *_, **__: None)
    set_up.publish(folder, DATABASE)
    monkeypatch.undo()
    set_up.clear_unfinished(folder, DATABASE)
    assert names(folder) == {DATABASE, FILE_NAME, f"{FILE_NAME}.bak"}


def test_keys_of_another_origin_are_never_removed(folder):
    (folder / FILE_NAME).write_bytes(b"the only way to a backup")
    set_up.clear_unfinished(folder, DATABASE)
    assert (folder / FILE_NAME).read_bytes() == b"the only way to a backup"


def test_nothing_begun_leaves_everything_alone(tmp_path):
    (tmp_path / FILE_NAME).write_bytes(b"keys")
    set_up.clear_unfinished(tmp_path, DATABASE)
    assert names(tmp_path) == {FILE_NAME}
