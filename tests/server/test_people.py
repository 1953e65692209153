"""One person, many records: who may be whom, and who decides."""

from __future__ import annotations

import random
import secrets
import time
from dataclasses import replace

import pytest
from sqlalchemy import insert, select

from provincial_server import auth, wire
from provincial_server.database import Database
from provincial_server.exchange.indexing import catch_up
from provincial_server.people.facts import Facts, fold, fold_place, keys_of, read_facts
from provincial_server.people.likeness import PROBABLE, STRONG, WEAK, compare
from provincial_server.people.matching import match_people
from provincial_server.people.review import mask
from provincial_server.people.tables import Decision, Person, Proposal
from provincial_server.settings import system_clock
from provincial_server.store import (
    EVERY_FACILITY,
    Change,
    Facility,
    ResourceHead,
    ResourceVersion,
)
from provincial_server.web import accounts
from provincial_server.web.access_log import AccessEntry
from tests.server.exchange_client import Machine, encode, envelope, op_id, record_id
from tests.server.test_web_accounts import PASSWORD, Visitor

BASE = "http://fhir.hl7.org.vn/core/sid"
ONE = Facts(
    facility_code="MAU1",
    patient_id="p1",
    name="Rơ Châm H'Mẫu",
    birth="1990-05-17",
    sex="female",
    national_id="064190000001",
    old_national_id="",
    cards=("GD4640000000001",),
    village="Làng Ia Mẫu",
    commune="Xã Mẫu",
)
BARE = replace(ONE, national_id="", cards=())


def other(facts: Facts = ONE, **changed) -> Facts:
    return replace(facts, **{"facility_code": "MAU2", "patient_id": "p2", **changed})


def strength(one: Facts, two: Facts) -> str:
    found, back = compare(one, two), compare(two, one)
    assert (found and found.strength) == (back and back.strength)
    return found.strength if found else ""


# --- likeness -----------------------------------------------------------------------------------


def test_the_same_number_name_and_birth_are_strong():
    assert strength(ONE, other()) == STRONG
    assert strength(ONE, other(name="RO CHAM HMAU", birth="1990")) == STRONG
    assert strength(ONE, other(name="H'Mẫu Rơ Châm")) == STRONG


def test_an_old_number_typed_where_the_new_one_belongs_is_known():
    old = replace(ONE, national_id="230000001", cards=())
    assert strength(old, other(national_id="", old_national_id="230000001", cards=())) == STRONG


def test_twins_are_never_strong():
    hung = replace(BARE, name="Siu Hùng", sex="male")
    assert strength(hung, other(hung, name="Siu Phúc")) == ""
    # Without marks the two are written alike, and their numbers follow one another.
    assert strength(hung, other(hung, name="Siu Hưng")) == WEAK
    numbered = replace(hung, national_id="064090000001")
    assert strength(numbered, other(hung, name="Siu Hưng", national_id="064090000002")) == WEAK
    assert strength(numbered, other(hung, name="Siu Phúc", national_id="064090000002")) == ""
    apart = replace(hung, name="Siu An"), other(hung, name="Siu Anh")
    assert strength(*apart) == ""


def test_father_and_son_of_one_name_are_two():
    father = replace(BARE, name="Nguyễn Văn Mẫu", birth="1960-05-17", sex="male")
    assert strength(father, other(father, birth="1990-05-17")) == ""
    assert strength(replace(father, birth="1960"), other(father, birth="1985")) == ""


def test_a_number_with_one_wrong_digit_is_proposed_but_not_strong():
    typed = other(national_id="064190000007", cards=())
    assert strength(ONE, typed) == PROBABLE
    swapped = other(national_id="061490000001", cards=())
    assert strength(ONE, swapped) == PROBABLE
    assert strength(ONE, other(national_id="064190123456", cards=())) == ""


def test_a_changed_card_is_known_by_the_person_in_it():
    changed = other(BARE, cards=("HN4640000000001",))
    assert strength(replace(ONE, national_id=""), changed) == STRONG
    fresh = other(cards=("GD4640000009999",))
    assert strength(ONE, fresh) == STRONG  # the CCCD is the same
    unnumbered = other(BARE, cards=("GD4640000009999",))
    assert strength(replace(ONE, national_id=""), unnumbered) == PROBABLE  # name, day and village


def test_one_number_and_nothing_else_is_a_slip_or_a_borrowed_card():
    borrowed = other(name="Kpuih Mẫu", birth="1971-01-01", village="", national_id="")
    assert strength(ONE, borrowed) == WEAK
    assert strength(ONE, other(borrowed, national_id="064171999999")) == WEAK


def test_neighbours_with_one_name_are_not_more_than_alike():
    common = replace(BARE, name="Nguyễn Thị Hoa")
    assert strength(common, other(common, village="Thôn Khác")) == WEAK
    assert strength(common, other(common, birth="1990")) == WEAK
    assert strength(common, other(common, birth="1990", village="Thôn Khác")) == ""
    assert strength(common, other(common, sex="male")) == ""
    assert strength(common, other(common, name="Trần Thị Hoa")) == ""
    assert strength(common, other(common, birth="")) == ""


def test_marks_and_words_for_places_do_not_count():
    assert fold("Rơ Châm  H'Blăn Đê") == "ro cham hblan de"
    assert fold_place("Làng Ia Mẫu") == fold_place("thôn IA MẪU") == "ia mau"
    assert fold_place("Tổ dân phố 3") == "3"
    assert mask("064190000001") == "•••••••••001"
    assert mask("") == ""


def test_whoever_is_alike_shares_a_key():
    """Else the likeness would never be looked for."""
    for one, two in [
        (ONE, other(name="H'Mẫu Rơ Châm", national_id="", cards=())),
        (ONE, other(national_id="064190000007", cards=())),
        (BARE, other(BARE, name="Rơ Chăm H Mẫu")),
        (replace(BARE, birth="1990"), other(BARE)),
        (ONE, other(BARE, cards=("HN4640000000001",), name="Khác", birth="")),
    ]:
        assert strength(one, two)
        assert keys_of(one) & keys_of(two)


def test_a_chart_in_error_is_nobody():
    assert read_facts("M", "p", {"active": False, "name": [{"text": "Mẫu"}]}) is None
    assert read_facts("M", "p", {}) is None


# --- over the wire --------------------------------------------------------------------------------


def chart(record: str, facts: Facts, **keys) -> bytes:
    return encode(envelope("patient", record, patient_of(record, facts), **keys))


def patient_of(record: str, facts: Facts) -> dict:
    numbers = [("cccd", facts.national_id), ("cmnd", facts.old_national_id)]
    numbers += [("bhyt", card) for card in facts.cards]
    return {
        "resourceType": "Patient",
        "id": record,
        "active": True,
        "identifier": [
            {"system": f"{BASE}/{name}", "value": value} for name, value in numbers if value
        ]
        or [{"system": "http://example.org/mau", "value": record}],
        "name": [{"text": facts.name}],
        "gender": facts.sex,
        "birthDate": facts.birth,
        "address": [{"line": [facts.village or "Mẫu"], "city": facts.commune or "Mẫu"}],
    }


def unique(facts: Facts = ONE) -> Facts:
    """A person that no other test knows."""
    tag = f"{secrets.randbelow(10**8):08d}"
    return replace(
        facts,
        name=f"Rơ Châm {''.join(secrets.choice('BDGKLMNT') + 'a' for _ in range(6))}",
        national_id=f"0641{tag}",
        cards=(f"GD464{tag}01",),
    )


def proposals_of(server, patient: str) -> list[Proposal]:
    with server.database.read(EVERY_FACILITY) as session:
        return list(
            session.scalars(
                select(Proposal).where(
                    (Proposal.patient_id == patient) | (Proposal.other_patient_id == patient)
                )
            )
        )


def match_now(server) -> None:
    catch_up(server.database, system_clock)
    while match_people(server.database, system_clock).left:
        pass


@pytest.fixture
def pair(server):
    """One person with a chart at two stations."""
    facts = unique()
    machines = Machine(server.station()), Machine(server.station())
    records = record_id(), record_id()
    lines = [chart(record, facts) for record in records]
    for machine, line in zip(machines, lines, strict=True):
        machine.exchange(line)
    match_now(server)
    return facts, machines, records, lines


def test_charts_of_two_stations_are_proposed_once(server, pair):
    _, _, records, _ = pair
    [found] = proposals_of(server, records[0])
    assert found.strength == STRONG
    assert {found.patient_id, found.other_patient_id} == set(records)
    assert found.facility_code < found.other_facility_code
    assert found.verdict == ""


def test_a_chart_with_a_name_alone_is_like_nobody(server):
    machine = Machine(server.station())
    record = record_id()
    bare = {"resourceType": "Patient", "id": record, "name": [{"text": "Mẫu"}]}
    machine.exchange(encode(envelope("patient", record, bare)))
    match_now(server)
    assert proposals_of(server, record) == []
    with server.database.read(EVERY_FACILITY) as session:
        assert session.scalars(select(Person.name).where(Person.patient_id == record)).all() == [
            "Mẫu"
        ]


def test_charts_of_one_station_are_its_own_matter(server):
    machine = Machine(server.station())
    facts, first, second = unique(), record_id(), record_id()
    machine.exchange(chart(first, facts), chart(second, facts))
    match_now(server)
    assert proposals_of(server, first) == []


def test_what_has_not_changed_is_not_compared_again(server, pair):
    match_now(server)
    run = match_people(server.database, system_clock)
    assert (run.people, run.comparisons) == (0, 0)


def test_a_correction_takes_the_likeness_back(server, pair):
    _, machines, records, lines = pair
    corrected = replace(unique(), birth="1950-01-01", village="Thôn Khác")
    machines[1].exchange(chart(records[1], corrected, base=[op_id(lines[1])], status="amended"))
    match_now(server)
    assert [row.strength for row in proposals_of(server, records[0])] == [""]


# --- the reviewer -----------------------------------------------------------------------------------


@pytest.fixture
def overseer(server):
    name = f"so.{secrets.token_hex(4)}"
    with server.database.write(EVERY_FACILITY) as session:
        accounts.add_user(session, name, "Người theo dõi mẫu", "overseer", PASSWORD, 0)
    one = Visitor(server.root)
    one.log_in(name)
    yield one
    one.session.close()


def page_of(row: Proposal) -> str:
    return (
        f"/web/trung-nguoi/{row.facility_code}/{row.patient_id}"
        f"/{row.other_facility_code}/{row.other_patient_id}"
    )


def test_a_reviewer_compares_decides_and_undoes(server, pair, overseer):
    facts, _, records, _ = pair
    [row] = proposals_of(server, records[0])
    path = page_of(row)
    listed = overseer.get("/web/trung-nguoi")
    assert listed.status_code == 200
    assert facts.name not in listed.text  # names are seen by who opens the pair
    page = overseer.get(path)
    assert facts.name in page.text
    assert facts.national_id not in page.text
    assert facts.cards[0] not in page.text
    assert mask(facts.national_id) in page.text
    assert overseer.post(path, verdict="same", seen="0", note="Đã gọi").status_code == 303
    assert [one.verdict for one in proposals_of(server, records[0])] == ["same"]
    stale = overseer.post(path, verdict="different", seen="0")
    assert stale.status_code == 409
    assert overseer.post(path, verdict="undone", seen="1").status_code == 303
    assert [one.verdict for one in proposals_of(server, records[0])] == [""]
    with server.database.read(EVERY_FACILITY) as session:
        kept = session.scalars(
            select(Decision.verdict)
            .where(Decision.patient_id == row.patient_id)
            .order_by(Decision.sequence)
        ).all()
        noted = session.scalars(
            select(AccessEntry.facility_code).where(
                AccessEntry.object_id.in_(records), AccessEntry.action == "person-compare"
            )
        ).all()
    assert kept == ["same", "undone"]
    assert set(noted) == {row.facility_code, row.other_facility_code}


def test_only_an_overseer_reviews(server, pair):
    _, _, records, _ = pair
    [row] = proposals_of(server, records[0])
    visitor = Visitor(server.root)
    for role in ("receiver", "administrator"):
        name = f"x.{secrets.token_hex(4)}"
        code = row.facility_code if role == "receiver" else None
        with server.database.write(EVERY_FACILITY) as session:
            accounts.add_user(session, name, "Mẫu", role, PASSWORD, 0, facility_code=code)
        visitor.session.cookies.clear()
        visitor.log_in(name)
        for path in ("/web/trung-nguoi", page_of(row), "/web/xem-ho-so"):
            assert visitor.get(path).status_code == 403
    visitor.session.close()


def test_a_pair_that_was_never_proposed_is_not_found(server, pair, overseer):
    _, _, records, _ = pair
    [row] = proposals_of(server, records[0])
    path = page_of(row).replace(records[0], record_id())
    assert overseer.get(path).status_code == 404
    assert overseer.post(path, page="/web/account", verdict="same", seen="0").status_code == 404
    odd = overseer.post(page_of(row), verdict="merge", seen="0")
    assert odd.status_code == 400


# --- many people --------------------------------------------------------------------------------


FAMILIES = ["Rơ Châm", "Siu", "Kpuih", "Nguyễn Văn", "Nguyễn Thị", "Trần Văn", "Lê Thị", "Ksor"]
GIVEN = [f"{first}{rest}" for first in "BCDGHKLMNPQSTVX" for rest in ("ang", "inh", "ương", "ôi")]


def synthetic(generator: random.Random, number: int, facility: str) -> Facts:
    year = generator.randint(1935, 2024)
    full = generator.random() < 0.8
    birth = f"{year}-{generator.randint(1, 12):02d}-{generator.randint(1, 28):02d}"
    return Facts(
        facility_code=facility,
        patient_id=f"p{number}",
        name=f"{generator.choice(FAMILIES)} {generator.choice(GIVEN)}",
        birth=birth if full else str(year),
        sex=generator.choice(["male", "female"]),
        national_id=f"064{number:09d}" if generator.random() < 0.7 else "",
        old_national_id="",
        cards=(f"GD464{number:010d}",) if generator.random() < 0.8 else (),
        village=f"Làng Mẫu {generator.randint(1, 400)}",
        commune="Xã Mẫu",
    )


def store_charts(database: Database, code: str, found: list[Facts]) -> None:
    """As the index writes them, without its checks."""
    own = {"facility_code": code, "resource_type": "Patient", "version": 1}
    heads, versions, changes = [], [], []
    with database.write(EVERY_FACILITY) as session:
        auth.add_facility(session, code, f"Trạm mẫu {code}", 0)
        device = auth.enrol_device(session, code, "Máy mẫu", 0).device_id
        for number, facts in enumerate(found, 1):
            key = {**own, "resource_id": facts.patient_id}
            _, content = wire.split(patient_of(facts.patient_id, facts))
            heads.append({**key, "last_updated": 0, "content_hash": b"", "record_id": ""})
            versions.append(
                {**key, "last_updated": 0, "device_id": device, "meta": "{}", "content": content}
            )
            changes.append(
                {**key, "sequence": number, "owner_code": code, "origin_device_id": device}
            )
        session.execute(insert(ResourceHead), heads)
        session.execute(insert(ResourceVersion), versions)
        session.execute(insert(Change), changes)
        session.get_one(Facility, code).last_sequence = len(found)


def test_thousands_of_people_are_compared_by_their_keys(tmp_path):
    people, stations, shared = 6_000, 20, 300
    database = Database(f"sqlite:///{tmp_path / 'many.db'}")
    generator = random.Random(7)
    charts: dict[str, list[Facts]] = {f"MAU{n:02d}": [] for n in range(stations)}
    for number in range(people):
        code = f"MAU{number % stations:02d}"
        charts[code].append(synthetic(generator, number, code))
    for number in range(shared):  # they moved, and have a chart at the next station too
        known = charts[f"MAU{number % stations:02d}"][number // stations]
        code = f"MAU{(number + 1) % stations:02d}"
        charts[code][-1 - number // stations] = replace(
            known, facility_code=code, patient_id=f"q{number}"
        )
    for code, found in charts.items():
        store_charts(database, code, found)
    started = time.perf_counter()
    runs = comparisons = proposals = 0
    most = 0
    left = True
    while left:
        run = match_people(database, lambda: 1, most=2000)
        runs, left = runs + 1, run.left
        comparisons += run.comparisons
        proposals += run.proposals
        most = max(most, run.people)
    spent = time.perf_counter() - started
    with database.read(EVERY_FACILITY) as session:
        strong = set(
            session.scalars(select(Proposal.other_patient_id).where(Proposal.strength == STRONG))
        ) | set(session.scalars(select(Proposal.patient_id).where(Proposal.strength == STRONG)))
        known = len(session.scalars(select(Person.patient_id)).all())
        numbered = sum(
            bool(facts.national_id or facts.cards)
            for found in charts.values()
            for facts in found
            if facts.patient_id.startswith("q")
        )
    database.close()
    found_again = len([name for name in strong if name.startswith("q")])
    print(
        f"\n{known} people, {comparisons} comparisons ({comparisons / known:.1f} each), "
        f"{proposals} proposals, {runs} runs, {spent:.1f} s"
    )
    assert known == people
    assert most <= 2000
    assert comparisons < 10 * people
    assert found_again == numbered
