"""The main job, end to end: register, examine, prescribe, refer, print, sync."""

import subprocess
from pathlib import Path

from station_emr.security.keyslots import KeySlots
from station_emr.services.clock import SystemClock

PLAIN = ("Rơ Châm", "Võ Hữu Tài", "Nguyễn Văn Đạt", "064192990001", "TE1649900000003", "thắt ngực")


def test_local_and_server_counts_agree(day):
    figures = day.figures
    assert (figures["patients"], figures["encounters"], figures["referrals"]) == (3, 3, 1)
    assert figures["server"] == {"patients": 3, "encounters": 3, "referrals": 1}


def test_sending_everything_again_changes_nothing(day):
    assert day.figures["resent"] == 0
    assert day.figures["outbox"] == 0


def test_each_paper_is_a_pdf_with_its_person(day):
    expected = {
        "referral": "VÕ HỮU TÀI",
        "prescription": "NGUYỄN VĂN ĐẠT",
        "appointment": "RƠ CHÂM H'BĔ̆",
    }
    assert set(day.figures["pdf"]) == set(expected)
    for kind, name in expected.items():
        path = Path(day.figures["pdf"][kind])
        assert path.read_bytes().startswith(b"%PDF")
        text = subprocess.run(
            ["pdftotext", "-layout", path, "-"], capture_output=True, text=True, check=True
        ).stdout
        assert fold(name) in fold(text), text


def fold(text):
    from station_emr.domain.text import fold

    return fold(text)


def test_the_files_hold_no_readable_name_number_or_diagnosis(day):
    for path in day.folder.iterdir():
        if path.is_file():
            content = path.read_bytes()
            for secret in PLAIN:
                for encoding in ("utf-8", "utf-16-le"):
                    assert secret.encode(encoding) not in content, (path, secret)


def test_the_key_file_opens_only_with_the_password(day):
    slots = KeySlots.load(day.folder / "keyslots.json", clock=SystemClock().now)
    assert {p.username for p in slots.people()} == {"giamdoc", "bshoa", "ddmai"}


def test_the_last_line_has_every_promised_figure(day):
    assert set(day.figures) == {
        "patients", "encounters", "referrals", "server", "resent", "outbox", "pdf",
        "screenshots", "ids", "database", "user", "password", "seconds",
    }  # fmt: skip
    assert Path(day.figures["database"]).exists()
    assert all(Path(path).exists() for path in day.figures["screenshots"])


def test_a_folder_with_a_station_is_not_overwritten(day):
    before = Path(day.figures["database"]).read_bytes()
    again = day.run("demo", "--script", check=False)
    assert again.returncode == 2
    assert "đã có một trạm" in again.stderr
    assert Path(day.figures["database"]).read_bytes() == before
