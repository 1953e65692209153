"""The main job end to end, then every command as a person types it and every way it can go wrong.

One file, so that the scripted day is played once: the tests look at it, then work on in its folder.
"""

import json
import shutil
import subprocess
from pathlib import Path

from station_emr.domain.text import fold
from station_emr.security.keyslots import KeySlots
from station_emr.services.clock import SystemClock
from tests.e2e.conftest import station_emr

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


def test_search_finds_without_marks(day):
    found = day.answer("search", "be cham")["patients"]
    assert [row["full_name"] for row in found] == ["Rơ Châm H'Bĕ̆"]
    assert "0001" in found[0]["national_id"]
    assert "064192990001" not in json.dumps(found)


def test_catalog_search_by_code_and_by_words(day):
    assert day.answer("catalog search", "icd10", "i10")["hits"][0]["code"] == "I10"
    words = day.answer("catalog search", "icd10", "tang huyet ap")["hits"]
    assert any(hit["code"] == "I10" for hit in words)
    drugs = day.answer("catalog search", "drug", "amlo")["hits"]
    assert "mlodipin" in drugs[0]["name"]


def test_catalog_import_previews_then_writes(day, tmp_path):
    file = tmp_path / "co-so.csv"
    file.write_text("Mã cơ sở,Tên cơ sở\nDEMO7,Bệnh viện mẫu số bảy\n,Thiếu mã\n", encoding="utf-8")
    director = ("--user", "giamdoc")
    preview = day.answer("catalog import", "facility", file, *director, "--dry-run")
    assert (preview["added"], preview["written"]) == (1, False)
    assert len(preview["refused"]) == 1
    assert day.answer("catalog import", "facility", file, *director)["written"] is True
    refused = day.run("catalog import", "facility", file, check=False)
    assert refused.returncode == 2
    assert "nhập danh mục" in refused.stderr


def test_reprint_from_the_command_line_carries_its_mark(day, tmp_path):
    with_name = day.figures["pdf"]["referral"]
    assert with_name
    letter = referral_id(day)
    out = tmp_path / "letter.pdf"
    printed = day.answer("print referral", letter, "--out", out)
    assert printed["copy"] >= 2
    text = subprocess.run(
        ["pdftotext", out, "-"], capture_output=True, text=True, check=True
    ).stdout
    assert "in lại" in text.lower()


def test_sync_while_the_server_is_down_says_so_and_loses_nothing(day):
    finished = day.run("sync", check=False)
    result = json.loads(finished.stdout)
    assert result["outcome"] in {"offline", "complete"}
    assert result["quarantined"] == 0


def test_a_printed_letter_is_verified_from_its_picture(day, tmp_path):
    picture = tmp_path / "page"
    subprocess.run(
        ["pdftoppm", "-r", "200", "-f", "2", "-l", "2", "-png", "-singlefile",
         day.figures["pdf"]["referral"], picture],
        check=True,
    )  # fmt: skip
    finished = station_emr("verify-letter", f"{picture}.png", "--json", check=False)
    verdict = json.loads(finished.stdout)
    assert finished.returncode == 1  # readable, but nobody has said that this station is trusted
    assert verdict["check"] == "unknown_station"
    assert verdict["letter"]["patient_name"] == "Võ Hữu Tài"
    nonsense = station_emr("verify-letter", "xin chào", "--json", check=False)
    assert nonsense.returncode == 2


def test_wrong_password_is_refused_and_counted(day, tmp_path):
    copy = tmp_path / "station"
    shutil.copytree(day.folder, copy)
    for attempt in range(5):
        finished = station_emr(
            "search", "a", "--data-dir", copy, "--user", "ddmai", password="sai", check=False
        )
        assert finished.returncode == 2, attempt
    locked = station_emr(
        "search", "a", "--data-dir", copy, "--user", "ddmai", password=day.figures["password"],
        check=False,
    )  # fmt: skip
    assert locked.returncode == 2
    assert "khóa" in locked.stderr


def test_missing_and_damaged_databases_say_what_to_do(day, tmp_path):
    missing = station_emr(
        "search", "a", "--data-dir", tmp_path / "none", "--user", "x", password="x", check=False
    )
    assert missing.returncode == 3
    assert "Không thấy dữ liệu" in missing.stderr
    assert not (tmp_path / "none").exists()
    copy = tmp_path / "station"
    shutil.copytree(day.folder, copy)
    database = copy / "station.db"
    content = bytearray(database.read_bytes())
    content[:200] = bytes(200)
    database.write_bytes(content)
    for extra in copy.glob("station.db-*"):
        extra.unlink()
    damaged = station_emr(
        "search", "a", "--data-dir", copy, "--user", "bshoa", password=day.figures["password"],
        check=False,
    )  # fmt: skip
    assert damaged.returncode == 3
    assert "Traceback" not in damaged.stderr
    assert database.read_bytes() == content


def test_a_hospital_trusts_the_letter_by_the_stations_own_key_file(day, tmp_path):
    keys = tmp_path / "keys.json"
    first = day.answer("letter-key", "--out", keys)
    again = day.answer("letter-key", "--out", keys)
    assert (first["stations"], again["stations"]) == (1, 1)
    code = letter_code(day)
    trusted = station_emr("verify-letter", code, "--trusted", keys, "--json")
    assert json.loads(trusted.stdout)["check"] == "valid"
    unknown = station_emr("verify-letter", code, "--json", check=False)
    assert unknown.returncode == 1
    keys.write_text("{}")
    refused = day.run("letter-key", "--out", keys, check=False)
    assert refused.returncode == 2
    assert keys.read_text() == "{}"


def test_only_those_in_charge_accept_the_clock(day):
    refused = day.run("accept-clock", check=False)
    assert refused.returncode == 2
    assert "Giám đốc trạm" in refused.stderr
    accepted = station_emr(
        "accept-clock", "--data-dir", day.folder, "--user", "giamdoc", "--json",
        password=day.figures["password"],
    )  # fmt: skip
    assert json.loads(accepted.stdout)["accepted"]


def test_init_prints_the_recovery_code_once(tmp_path):
    folder = tmp_path / "new"
    made = station_emr(
        "init", "--data-dir", folder, "--json", "--name", "Trạm Y tế xã Mẫu", "--code", "DEMO3",
        "--authority", "UBND xã Mẫu", "--full-name", "Giám Đốc Mẫu", password="Mat-Khau-Dai-2026!",
    )  # fmt: skip
    answer = json.loads(made.stdout)
    assert len(answer["recovery_code"].replace("-", "")) == 24
    again = station_emr(
        "init", "--data-dir", folder, "--name", "X", "--code", "DEMO3", "--authority", "U",
        "--full-name", "Y", password="Mat-Khau-Dai-2026!", check=False,
    )  # fmt: skip
    assert again.returncode == 2
    weak = station_emr(
        "init", "--data-dir", tmp_path / "weak", "--name", "X", "--code", "12", "--authority", "U",
        "--full-name", "Y", password="ngan", check=False,
    )  # fmt: skip
    assert weak.returncode == 2
    assert "mật khẩu" in weak.stderr.lower()
    assert not (tmp_path / "weak" / "station.db").exists()


def test_selftest_passes(tmp_path):
    finished = station_emr("selftest", "--json", cold=True)
    assert json.loads(finished.stdout)["passed"] is True


def test_password_is_never_an_argument():
    finished = station_emr("search", "a", "--password", "x", check=False)
    assert finished.returncode == 2
    no_terminal = station_emr("search", "a", "--user", "x", check=False)
    assert no_terminal.returncode == 3
    assert "STATION_EMR_PASSWORD" in no_terminal.stderr


def letter_code(day):
    from station_emr.station import open_station

    station = open_station(day.folder, day.figures["user"], day.figures["password"])
    try:
        row = station.services.referrals.rows(station.actor)[0]
        return station.services.referrals.get(station.actor, row.id).record.letter_code
    finally:
        station.close()


def referral_id(day):
    """The letter's id, as a person finds it: by searching for the name."""
    (person,) = day.answer("search", "vo huu tai")["patients"]
    (paper,) = [paper for paper in person["papers"] if paper["kind"] == "referral"]
    assert paper["id"] == day.figures["ids"]["referral"]
    return paper["id"]
