"""``station-emr user give``, ``grants`` and ``take-back``, on a real folder."""

from __future__ import annotations

from datetime import timedelta

from station_emr.cli import main
from station_emr.demo.station import DEMO_PASSWORD
from station_emr.services.clock import SystemClock
from tests.services.test_people_commands import folder, run  # noqa: F401  fixtures

GIVE = ("user", "give", "lan", "dispense", "--reason", "Thay dược sĩ nghỉ phép")


def test_a_right_is_given_listed_and_taken_back(run) -> None:  # noqa: F811
    add = ("user", "add", "lan", "--full-name", "Lê Thị Mẫu", "--role", "nurse")
    assert run(*add, first_password=DEMO_PASSWORD)[0] == 0
    assert run("user", "grants")[1]["grants"] == []

    for wrong in ("2001-01-01", "mai"):
        status, said = run(*GIVE, "--until", wrong)
        assert (status, bool(said["messages"])) == (main.EXIT_USER, True)
    assert run("user", "grants")[1]["grants"] == []

    assert run(*GIVE, "--until", "2099-01-01")[0] == main.EXIT_USER  # longer than may be given

    until = SystemClock().now().date() + timedelta(days=30)
    status, said = run(*GIVE, "--until", until.isoformat())
    assert status == 0
    made = said["grant"]
    assert (made["rights"], made["reason"]) == (["dispense"], "Thay dược sĩ nghỉ phép")
    assert made["until"].startswith(f"{until + timedelta(days=1)}T00:00")  # to the end of that day

    (found,) = run("user", "grants")[1]["grants"]
    assert found == {"username": "lan", **made}
    assert run("user", "take-back", made["id"])[0] == 0
    assert run("user", "grants")[1]["grants"] == []
    assert run("user", "take-back", "khong-co")[0] == main.EXIT_USER
