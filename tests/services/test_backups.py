"""Backups: whole, logged, and never half made."""

import pytest

from station_emr.db.store import EncryptedStore
from station_emr.domain.errors import EnvironmentFailure, PermissionDenied
from tests.services.conftest import KEY


@pytest.fixture
def slots(station):
    file = station.path.with_name("keyslots.json")
    file.write_text('{"slots": "mẫu"}', encoding="utf-8")
    return file


def test_a_copy_holds_the_database_and_its_keys(station, slots, tmp_path):
    station.register(full_name="Người Mẫu Một")

    made = station.services.backups.make(station.doctor, str(tmp_path / "usb"))

    (folder,) = (tmp_path / "usb").iterdir()
    assert made.place == str(folder)
    assert folder.name == "tram-DEMO1-20261120-080000"
    assert (folder / "keyslots.json").read_bytes() == slots.read_bytes()
    assert made.size == sum(file.stat().st_size for file in folder.iterdir())
    copy = EncryptedStore.open(folder / "station.db", KEY)
    assert copy.counts.patients == 1
    copy.close()
    assert b"M\xe1\xba\xabu M\xe1\xbb\x99t" not in (folder / "station.db").read_bytes()


def test_a_copy_is_remembered_and_logged(station, slots, tmp_path):
    assert station.services.backups.last() is None

    made = station.services.backups.make(station.director, str(tmp_path / "usb"))

    assert station.services.backups.last() == (made.at, made.place)
    line = station.services.accounts.audit(station.director, 1)[0]
    assert (line.action, line.user_name) == ("backup.make", "Trần Văn Mẫu")


def test_without_the_keys_no_copy_is_made(station, tmp_path):
    with pytest.raises(EnvironmentFailure, match="tệp khóa"):
        station.services.backups.make(station.doctor, str(tmp_path / "usb"))

    assert not (tmp_path / "usb").exists()
    assert station.services.backups.last() is None


def test_a_copy_that_fails_leaves_nothing_behind(station, slots, tmp_path, monkeypatch):
    def full(target):
        raise EnvironmentFailure("Ổ đĩa đã đầy.")

    monkeypatch.setattr(station.store, "backup", full)

    with pytest.raises(EnvironmentFailure, match="đầy"):
        station.services.backups.make(station.doctor, str(tmp_path / "usb"))

    assert list((tmp_path / "usb").iterdir()) == []
    assert station.services.backups.last() is None


def test_a_place_that_cannot_be_written_is_explained(station, slots, tmp_path):
    (tmp_path / "usb").write_text("a file where the folder should be")

    with pytest.raises(EnvironmentFailure, match="không ghi được vào thư mục đã chọn"):
        station.services.backups.make(station.doctor, str(tmp_path / "usb"))


def test_a_nurse_may_not_carry_the_record_away(station, slots, tmp_path):
    with pytest.raises(PermissionDenied):
        station.services.backups.make(station.nurse, str(tmp_path / "usb"))

    assert not (tmp_path / "usb").exists()
