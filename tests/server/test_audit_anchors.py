"""A log that was cut, rewritten or rolled back is noticed by the province."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from provincial_server.anchors.watching import MISMATCH, RESTORED

AT = "2026-11-20T08:00:00+07:00"


def digest(word: object) -> str:
    return hashlib.sha256(str(word).encode()).hexdigest()


def end(line: int, word: object = "", life: str = "a1", **more: Any) -> dict[str, Any]:
    return {
        "incarnation": life,
        "seq": line,
        "hash": digest(word or line),
        "at": AT,
        **more,
    }


def after(line: int, word: object = "") -> dict[str, Any]:
    return {"continues": {"seq": line, "hash": digest(word or line)}}


def show(station, body: Any, path: str = "$audit-anchors"):
    return station.call("POST", path, body)


@pytest.fixture
def said(server, station):
    """What the overview says of this station's only machine."""

    def look() -> str:
        answer = station.session.get(
            f"{server.root}/overview",
            headers={"Authorization": f"Bearer {server.admin_token}"},
            timeout=60,
        ).json()
        (own,) = (one for one in answer["facilities"] if one["code"] == station.facility)
        (device,) = own["devices"]
        return (device["log"] or {}).get("wrong", "")

    return look


def test_a_log_that_grows_is_taken_and_told_again(station, said) -> None:
    assert show(station, end(10)).json()["accepted"] is True
    assert show(station, end(25, **after(10))).status_code == 200
    assert show(station, end(25, **after(10))).status_code == 200, "a lost answer is asked again"

    (last,) = station.get("$audit-anchors").json()["anchors"]
    assert (last["incarnation"], last["seq"], last["hash"]) == ("a1", 25, digest(25))
    assert said() == ""


def test_the_native_address_is_the_same(server, station) -> None:
    show(station, end(3))
    answer = station.get(f"{server.root}/audit-anchors").json()
    assert [one["seq"] for one in answer["anchors"]] == [3]


def test_going_back_is_refused_and_shown(station, said) -> None:
    show(station, end(20))

    answer = show(station, end(12))

    assert answer.status_code == 409
    assert answer.json()["reason"] == "back"
    assert answer.json()["last"]["seq"] == 20
    assert said() == MISMATCH


def test_another_hash_at_the_same_line_is_refused(station, said) -> None:
    show(station, end(20))
    assert show(station, end(20, "other")).json()["reason"] == "differs"
    assert said() == MISMATCH


def test_a_chain_written_anew_cannot_show_what_it_held(station, said) -> None:
    """Whole in itself and longer than before: only the line that was shown tells."""
    show(station, end(20))
    assert show(station, end(90, "forged", **after(20, "forged"))).json()["reason"] == "differs"
    assert said() == MISMATCH


def test_one_that_says_nothing_of_the_last_end_is_asked_to(station, said) -> None:
    show(station, end(20))
    answer = show(station, end(30))
    assert (answer.status_code, answer.json()["reason"]) == (409, "unproven")
    assert said() == "", "that is a question, no alarm"
    assert show(station, end(30, **after(20))).status_code == 200


def test_an_alarm_ends_when_the_true_log_comes_back(station, said) -> None:
    show(station, end(20))
    show(station, end(12))
    show(station, end(21, **after(20)))
    assert said() == ""


def test_a_restored_database_that_lacks_lines_is_told(station, said) -> None:
    show(station, end(20))
    assert show(station, end(14, "restored", "b2", **after(9))).status_code == 200
    assert said() == RESTORED


def test_a_new_life_that_holds_every_line_is_fine(station, said) -> None:
    show(station, end(20))
    show(station, end(31, "", "b2", **after(20)))
    assert said() == ""


def test_machines_and_facilities_do_not_meet(server, station, other) -> None:
    show(station, end(20))
    second = server.station(station.facility, "Máy 2")
    for one in (other, second):
        assert one.get("$audit-anchors").json()["anchors"] == []
        assert show(one, end(5)).status_code == 200
    second.session.close()


def test_a_stranger_is_turned_away(station) -> None:
    assert station.get("$audit-anchors", authorization="Bearer nobody").status_code == 401
    assert station.call("POST", "$audit-anchors", end(1), authorization="").status_code == 401


@pytest.mark.parametrize(
    "body",
    [
        [],
        {},
        end(0),
        end(-1),
        end(2**60),
        {**end(1), "seq": "1"},
        {**end(1), "seq": True},
        {**end(1), "hash": "ABC"},
        {**end(1), "incarnation": ""},
        {**end(1), "incarnation": "a b"},
        {**end(1), "at": "yesterday"},
        {**end(1), "at": None},
        {**end(1), "continues": []},
        {**end(1), "continues": {"seq": 1}},
    ],
)
def test_nonsense_is_refused(station, body) -> None:
    assert show(station, body).status_code == 400
    assert station.get("$audit-anchors").json()["anchors"] == []


def test_what_was_taken_is_never_changed(server, station) -> None:
    show(station, end(20))
    with (
        pytest.raises(Exception, match=r"append-only|permission denied"),
        server.database.write() as session,
    ):
        session.connection().exec_driver_sql("UPDATE audit_anchor SET line = 1")


def test_the_same_refusal_every_day_is_one_line(server, station) -> None:
    show(station, end(20))
    for _day in range(3):
        show(station, end(12))
    show(station, end(13))
    with server.database.read() as session:
        rows = session.connection().exec_driver_sql(
            "SELECT line FROM refused_anchor ORDER BY number"
        )
        assert {row[0] for row in rows} >= {12, 13}
        count = session.connection().exec_driver_sql(
            f"SELECT count(*) FROM refused_anchor WHERE facility_code = '{station.facility}'"
        )
        assert count.scalar_one() == 2
