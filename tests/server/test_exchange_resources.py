"""Between operations and resources: what is taken can be read, what plain FHIR writes is fed back."""

from __future__ import annotations

import json
from typing import Any

import pytest
from sqlalchemy import select

from provincial_server.exchange.tables import Incarnation
from provincial_server.store import Facility
from tests.server.conftest import RunningServer, Station
from tests.server.exchange_client import (
    Machine,
    encode,
    envelope,
    op_id,
    person,
    record_id,
    visit,
)
from tests.server.samples import bundle, encounter, entry, observation, patient, unit


@pytest.fixture
def machine(station: Station) -> Machine:
    return Machine(station)


def second_machine(server: RunningServer, machine: Machine) -> Machine:
    return Machine(server.station(machine.station.facility, "Máy 2"))


def opened(line: bytes) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(line)
    return found


def name_of(station: Station, who: str) -> str:
    return str(station.get(f"Patient/{who}").json()["name"][0]["text"])


# --- operations become resources ----------------------------------------------------------------


def test_every_way_of_reading_sees_what_was_taken(server: RunningServer, machine: Machine) -> None:
    station = machine.station
    ways = [
        lambda who: station.get(f"Patient/{who}").status_code == 200,
        lambda who: station.get(f"Patient?_id={who}").json()["total"] == 1,
        lambda who: station.get(f"Patient?_id={who}&_summary=count").json()["total"] == 1,
        lambda who: station.get(f"Patient/{who}/_history").json()["total"] == 1,
        lambda who: station.get(f"Patient/{who}/_history/1").status_code == 200,
        lambda who: station.put(observation("o1", who, who)).status_code == 422,
        lambda who: station.put(patient(who)).status_code == 200,
        lambda who: (
            station.send(bundle(entry(patient(who)))).json()["entry"][0]["response"]["status"]
            == "200 OK"
        ),
    ]
    for way in ways:
        who = record_id()
        assert machine.exchange(person(who)).taken == [0]
        assert way(who)
    total = len(ways)
    machine.exchange(person(record_id()))
    overview = station.call(
        "GET", f"{server.root}/overview", authorization=f"Bearer {server.admin_token}"
    ).json()
    [shown] = [item for item in overview["facilities"] if item["code"] == station.facility]
    assert shown["resources"]["Patient"] == total + 1


def test_a_version_becomes_current_only_on_top_of_the_newest(machine: Machine) -> None:
    who = record_id()
    first = person(who, name="Mẫu Một")
    ours = person(who, name="Mẫu Hai", base=[op_id(first)], status="amended")
    theirs = person(who, name="Mẫu Ba", base=[op_id(first)], status="amended")
    machine.exchange(first, ours)
    machine.exchange(theirs)
    assert name_of(machine.station, who) == "Mẫu Hai"  # the other is kept beside it
    upon = person(who, name="Mẫu Bốn", base=[op_id(theirs)], status="amended")
    machine.exchange(upon)
    assert name_of(machine.station, who) == "Mẫu Hai"
    joined = person(
        who,
        name="Mẫu Năm",
        base=sorted([op_id(ours), op_id(upon)]),
        inc="merge",
        n=0,
        rule=1,
        open=["name"],
    )
    machine.exchange(joined)
    assert name_of(machine.station, who) == "Mẫu Năm"
    assert machine.station.get(f"Patient/{who}/_history").json()["total"] == 3


def merged(name: str, *of: bytes) -> bytes:
    """By rule, over exactly these."""
    who = opened(of[0])["id"]
    base = sorted(map(op_id, of))
    return person(who, name=name, base=base, inc="merge", n=0, rule=1, open=["name"])


def changed(name: str, *of: bytes) -> bytes:
    who = opened(of[0])["id"]
    return person(who, name=name, base=sorted(map(op_id, of)), status="amended")


def test_a_merge_of_all_heads_counts_whatever_came_between(machine: Machine) -> None:
    """A third version beside a merge: the first merge is superseded by one over all three."""
    first = person(record_id(), name="Mẫu Một")
    who = opened(first)["id"]
    two, three, four = (changed(f"Mẫu {n}", first) for n in ("Hai", "Ba", "Bốn"))
    machine.exchange(first, two, three, merged("Mẫu Gộp", two, three))
    assert name_of(machine.station, who) == "Mẫu Gộp"
    machine.exchange(four)
    assert name_of(machine.station, who) == "Mẫu Gộp"  # until they are merged anew
    wide = merged("Mẫu Gộp Ba", two, three, four)
    machine.exchange(wide)
    assert name_of(machine.station, who) == "Mẫu Gộp Ba"
    decided = changed("Mẫu Quyết", wide)
    machine.exchange(decided)
    machine.exchange(changed("Mẫu Sau", decided))
    assert name_of(machine.station, who) == "Mẫu Sau"


def test_the_end_does_not_depend_on_the_order(server: RunningServer) -> None:
    first = person(record_id(), name="Mẫu Một")
    who = opened(first)["id"]
    two, three = changed("Mẫu Hai", first), changed("Mẫu Ba", first)
    narrow = merged("Mẫu Gộp", two, three)
    later = changed("Mẫu Quyết", narrow)
    for order in ([two, three, narrow, later], [three, two, narrow, later]):
        machine = Machine(server.station())
        for line in [first, *order]:
            assert machine.exchange(line).taken == [0]
        assert name_of(machine.station, who) == "Mẫu Quyết"
        machine.station.session.close()


def test_the_same_version_from_two_sides_counts_as_one(machine: Machine) -> None:
    """A station of the first release sent it as resources; after its update, as an operation."""
    who = record_id()
    machine.station.put(patient(who))
    own = person(who)
    machine.exchange(own)
    machine.exchange(changed("Mẫu Hai", own))
    assert name_of(machine.station, who) == "Mẫu Hai"
    assert machine.station.get(f"Patient/{who}/_history").json()["total"] == 2


def test_staff_are_never_merged(machine: Machine) -> None:
    """Of two versions at once the one with the longer history stands."""
    one = record_id()

    def staff(name: str, *of: bytes) -> bytes:
        body = {"resourceType": "Practitioner", "id": one, "name": [{"text": name}]}
        base = {"base": sorted(map(op_id, of))} if of else {}
        return encode(envelope("practitioner", one, body, **base))

    first = staff("Mẫu Một")
    beside = staff("Mẫu Hai", first)
    other = staff("Mẫu Ba", first)
    machine.exchange(first, beside, other)
    stands = min((beside, "Mẫu Hai"), (other, "Mẫu Ba"), key=lambda pair: op_id(pair[0]))
    shown = machine.station.get(f"Practitioner/{one}").json()["name"][0]["text"]
    assert shown == stands[1]
    loser = other if stands[0] is beside else beside
    machine.exchange(staff("Mẫu Bốn", loser))
    assert machine.station.get(f"Practitioner/{one}").json()["name"][0]["text"] == "Mẫu Bốn"


def test_a_plain_write_over_a_conflict_stays_until_the_merge(machine: Machine) -> None:
    first = person(record_id(), name="Mẫu Một")
    who = opened(first)["id"]
    two, three = changed("Mẫu Hai", first), changed("Mẫu Ba", first)
    for line in (first, two, three):
        machine.exchange(line)
    assert name_of(machine.station, who) == "Mẫu Hai"
    machine.station.put(patient(who, name="Mẫu Viện"))
    machine.station.put(patient(who, name="Mẫu Viện Hai"))
    made, again = machine.drain()
    assert opened(made)["base"] == [op_id(two)]
    assert opened(again)["base"] == [op_id(made)]
    assert name_of(machine.station, who) == "Mẫu Viện Hai"
    machine.exchange(merged("Mẫu Gộp", again, three))
    assert name_of(machine.station, who) == "Mẫu Gộp"


def test_one_side_of_a_conflict_that_goes_on_does_not_win_by_that(machine: Machine) -> None:
    first = person(record_id(), name="Mẫu Một")
    two, three = changed("Mẫu Hai", first), changed("Mẫu Ba", first)
    more = changed("Mẫu Hai Nữa", two)
    machine.exchange(first, two, three, more)
    assert name_of(machine.station, opened(first)["id"]) == "Mẫu Hai"
    machine.exchange(merged("Mẫu Gộp", more, three))
    assert name_of(machine.station, opened(first)["id"]) == "Mẫu Gộp"


def test_two_first_versions_do_not_overwrite_each_other(machine: Machine) -> None:
    who = record_id()
    machine.exchange(person(who, name="Mẫu Một"), person(who, name="Mẫu Hai"))
    assert name_of(machine.station, who) == "Mẫu Một"


def test_equal_content_makes_no_version(machine: Machine) -> None:
    who = record_id()
    first = person(who)
    again = person(who, base=[op_id(first)], status="amended", reason="Ký lại")
    machine.exchange(first, again)
    assert machine.station.get(f"Patient/{who}/_history").json()["total"] == 1


def test_numbers_keep_their_digits(machine: Machine) -> None:
    who, when = record_id(), record_id()
    line = visit(when, who).replace(b'"value":37.5', b'"value":37.50')
    assert b"37.50" in line
    machine.exchange(person(who), line)
    assert '"value":37.50' in machine.station.get(f"Observation/{when}-v0").text


# --- resources become operations ----------------------------------------------------------------


def test_a_plain_transaction_reaches_the_stations_record_by_record(machine: Machine) -> None:
    who, when = record_id(), record_id()
    sent = json.loads(json.dumps(unit()).replace('"p1"', f'"{who}"').replace("/p1", f"/{who}"))
    sent = json.loads(json.dumps(sent).replace('"e1', f'"{when}').replace("/e1", f"/{when}"))
    assert machine.station.send(sent).status_code == 200
    lines = [opened(line) for line in machine.drain()]
    assert [(line["kind"], line["id"], line["status"]) for line in lines] == [
        ("patient", who, "signed"),
        ("encounter", when, "signed"),
    ]
    assert [line["inc"] for line in lines] == ["rest", "rest"]
    assert [line["n"] for line in lines] == [1, 2]
    assert lines[0]["by"]["name"] == "Máy 1"
    assert [part["id"] for part in lines[1]["resources"]] == [when, f"{when}-o1"]
    assert lines[1]["resources"] == [item["resource"] for item in sent["entry"][1:]]


def test_a_change_by_a_hospital_is_based_on_what_the_station_sent(machine: Machine) -> None:
    who, when = record_id(), record_id()
    parts = [observation(f"{when}-{name}", who, when) for name in ("v2", "bp", "v1")]
    sent = envelope("encounter", when, encounter(when, who), *parts, extra="kept")
    line = encode(sent)
    machine.exchange(person(who), line)
    changed = parts[1] | {"status": "corrected"}
    assert machine.station.put(changed).status_code == 200
    [made] = machine.drain()
    said = opened(made)
    assert said["base"] == [op_id(line)]
    assert said["status"] == "amended"
    # The whole unit, in the order in which it came.
    assert said["resources"] == [encounter(when, who), parts[0], changed, parts[2]]
    assert encode(said) == made
    upon = encode(sent | {"base": [op_id(made)], "status": "amended"})
    assert machine.exchange(upon).taken == [0]
    assert machine.station.get(f"Observation/{when}-bp").json()["status"] == "final"


def test_a_plain_write_that_changes_nothing_makes_no_operation(machine: Machine) -> None:
    who = record_id()
    machine.exchange(person(who))
    machine.station.put(patient(who))
    machine.station.put(patient(who) | {"gender": "nam"})
    assert machine.drain() == []


def test_a_voided_record_is_told_as_voided(machine: Machine) -> None:
    who = record_id()
    machine.station.put(patient(who))
    machine.station.put(patient(who) | {"active": False})
    assert [opened(line)["status"] for line in machine.drain()] == ["signed", "voided"]


def test_what_belongs_to_no_record_of_ours_is_passed_on_too(machine: Machine) -> None:
    who = record_id()
    machine.exchange(person(who))
    machine.station.put(patient("stray"))
    finding = machine.station.call("POST", "Observation", _without_visit(who)).json()["id"]
    made = [opened(line) for line in machine.drain()]
    assert [(line["kind"], line["id"]) for line in made] == [
        ("patient", "stray"),
        ("observation", finding),
    ]


def _without_visit(who: str) -> dict[str, Any]:
    body = observation("x", who, who)
    return {name: value for name, value in body.items() if name not in {"id", "encounter"}}


def test_a_prescription_has_lines_only(machine: Machine) -> None:
    who, sheet = record_id(), record_id()
    machine.exchange(person(who))
    lines = [_drug(f"{sheet}-l{number}", who) for number in range(1, 12)]
    machine.station.send(bundle(*(entry(line) for line in lines)))
    [made] = machine.drain()
    assert opened(made)["kind"] == "prescription"
    assert [item["id"] for item in opened(made)["resources"]] == [item["id"] for item in lines]
    other = record_id()
    own = encode(envelope("prescription", other, _drug(f"{other}-l1", who)))
    assert machine.exchange(own).taken == [0]


def _drug(resource_id: str, who: str) -> dict[str, Any]:
    return {
        "resourceType": "MedicationRequest",
        "id": resource_id,
        "status": "active",
        "intent": "order",
        "medicationCodeableConcept": {"text": "Thuốc mẫu"},
        "subject": {"reference": f"Patient/{who}"},
    }


def test_a_refused_transaction_leaves_no_operation(server: RunningServer, machine: Machine) -> None:
    spoilt = bundle(entry(patient("a")), entry(patient("b") | {"gender": "nam"}))
    assert machine.station.send(spoilt).status_code == 422
    broken = bundle(entry(patient("a")), entry(patient("b"), ifMatch='W/"9"'))
    assert machine.station.send(broken).status_code == 412
    assert machine.drain() == []
    with server.database.read() as session:
        code = machine.station.facility
        assert session.get_one(Facility, code).operation_sequence == 0
        own = select(Incarnation.id).where(Incarnation.facility_code == code)
        assert session.scalars(own).all() == [machine.incarnation]


def test_a_link_waits_for_both_charts(machine: Machine) -> None:
    kept, double, link = record_id(), record_id(), record_id()
    joined = encode(
        envelope(
            "link",
            link,
            {
                "resourceType": "Linkage",
                "id": link,
                "active": True,
                "item": [
                    {"type": "source", "resource": {"reference": f"Patient/{kept}"}},
                    {"type": "alternate", "resource": {"reference": f"Patient/{double}"}},
                ],
            },
        )
    )
    assert machine.exchange(person(kept), joined).refused == {1: "parent"}
    assert machine.exchange(person(double), joined).taken == [0, 1]
    assert machine.station.get(f"Linkage/{link}").status_code == 200
    assert machine.station.count("Linkage") == 1
