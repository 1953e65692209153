"""``station-emr sign``: what waits, a batch with one PIN, a file checked without any station."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest

from station_emr.cli import main, signing
from station_emr.domain.errors import WrongPassword
from station_emr.security.key_ring import SlotKeyRing
from station_emr.security.keyslots import KeySlots
from tests.signing_authority import PASSWORD, SIGNER

from .signing_desk import LETTER, Desk


@pytest.fixture
def desk(station, tmp_path: Path, monkeypatch) -> Desk:
    """Commands work on the station of these tests, as its doctor."""
    made = Desk(station, tmp_path)
    made.use_file(online=False)

    @contextmanager
    def opened(_options):
        yield SimpleNamespace(services=station.services, actor=station.doctor)

    monkeypatch.setattr(signing, "opened_station", opened)
    monkeypatch.setenv(signing.PIN_VARIABLE, PASSWORD)
    return made


def run(capsys, *arguments: str) -> tuple[int, dict]:
    status = main.run(["sign", *arguments, "--json"])
    return status, json.loads(capsys.readouterr().out)


def test_what_waits_is_listed_and_signed_in_one_go(desk: Desk, capsys) -> None:
    assert run(capsys, "list") == (0, {"waiting": []})
    assert run(capsys, "batch") == (0, {"signed": [], "failed": []})
    letters = [desk.letter() for _ in range(2)]
    status, found = run(capsys, "list")
    assert (status, [one["id"] for one in found["waiting"]]) == (0, letters)
    status, found = run(capsys, "batch")
    assert (status, [one["id"] for one in found["signed"]]) == (0, letters)
    assert run(capsys, "list") == (0, {"waiting": []})


def test_a_batch_that_leaves_something_says_so(desk: Desk, capsys, monkeypatch) -> None:
    desk.letter()
    monkeypatch.setenv(signing.PIN_VARIABLE, "sai")
    assert main.run(["sign", "batch"]) == main.EXIT_USER
    said = capsys.readouterr()
    assert "mật khẩu của tệp không đúng" in said.err
    monkeypatch.setenv(signing.PIN_VARIABLE, PASSWORD)
    monkeypatch.setattr(desk.signing._signer._forms, "form", lambda *_: b"no pdf")
    status, found = run(capsys, "batch")
    assert (status, len(found["failed"])) == (signing.EXIT_NOT_ALL, 1)
    assert found["failed"][0]["reason"].endswith(".")


def test_a_file_is_checked_without_opening_a_station(desk: Desk, capsys, tmp_path: Path) -> None:
    letter = desk.letter()
    desk.batch()
    (view,) = desk.signatures.of(desk.station.doctor, LETTER, letter).signatures
    data = desk.signatures.file(desk.station.doctor, view.signature.id)
    file, root = tmp_path / "ky.pdf", tmp_path / "goc.pem"
    file.write_bytes(data)
    root.write_bytes(desk.authority.pem)
    status, found = run(capsys, "check", str(file), "--trusted", str(root))
    assert (status, found["state"], found["signer"]) == (0, "valid", SIGNER)
    status, found = run(capsys, "check", str(file))
    assert (status, found["state"], found["trusted"]) == (1, "unchecked", False)
    file.write_bytes(data.replace(b"/MediaBox", b"/MediaBoy", 1))
    status, found = run(capsys, "check", str(file), "--trusted", str(root))
    assert (status, found["state"]) == (2, "invalid")
    assert main.run(["sign", "check", str(tmp_path / "khong-co.pdf")]) == main.EXIT_USER


def test_the_password_is_that_of_the_persons_own_slot(tmp_path: Path, cheap_slots) -> None:
    slots, data_key = cheap_slots(tmp_path)
    ring = SlotKeyRing(slots, data_key)
    ring.check("giamdoc", "Mau-Dai-2026-X!")
    with pytest.raises(WrongPassword):
        ring.check("giamdoc", "sai")


@pytest.fixture
def cheap_slots(station):
    def make(folder: Path):
        slots, data_key, _ = KeySlots.create(
            folder / "keyslots.json",
            station_name="Trạm Mẫu",
            database_id="DEMO-STATION",
            username="giamdoc",
            display_name="Giám Đốc Mẫu",
            password="Mau-Dai-2026-X!",
            role_label="Giám đốc trạm",
            clock=station.clock.now,
        )
        return slots, data_key

    return make


def test_no_start_of_the_program_pays_for_signing() -> None:
    """The libraries take a second and 40 MB; they come with the first signature."""
    code = (
        "import sys, station_emr.station, station_emr.cli.main\n"
        "heavy = {'pyhanko', 'pyhanko_certvalidator', 'signxml', 'lxml', 'pkcs11', 'asn1crypto'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
