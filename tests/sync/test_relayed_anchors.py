"""A PC that meets the province only through a colleague's shows the end of its log there as well."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from provincial_server.anchors.tables import AuditAnchor, RefusedAnchor
from station_emr.domain.audit import EvidenceKind
from station_emr.services.audit_evidence import ANCHORED, MISMATCH
from station_emr.services.clock import SystemClock
from station_emr.services.dossier_facts import anchored_at
from station_emr.services.enrolment import KEY_ID
from station_emr.sync.carried_letters import ANSWERS, LETTERS, LettersOverHttp, carry
from station_emr.sync.client import FhirClient, Patience
from station_emr.sync.exchange_engine import Exchange
from station_emr.sync.log_letters import LogLetters, WithLetters
from station_emr.sync.running import Run
from station_emr.sync.tokens import KeyTokens
from tests.sync.conftest import STALL, Server
from tests.sync.courier_machines import DIRECTOR, CourierMachine, Province
from tests.sync.test_relay import OtherPc


@pytest.fixture
def province(tmp_path: Path, running: Server) -> Iterator[Province]:
    made = Province(tmp_path, running)
    yield made
    made.close()


@pytest.fixture
def pair(tmp_path: Path, province: Province) -> Iterator[tuple[CourierMachine, CourierMachine]]:
    """One that only reaches the other, and the other."""
    code = province.facility()
    made = CourierMachine(tmp_path, province, code), CourierMachine(tmp_path, province, code)
    look(made[0], 5)
    assert made[1].sync().outcome == "complete"
    yield made
    for one in made:
        one.store.close()


def look(machine: CourierMachine, count: int) -> None:
    with machine.store.write() as work:
        for _line in range(count):
            work.audit.append(DIRECTOR, "patient.view", machine.clock.now(), patient_id="p")


class Later(SystemClock):
    """The clock of a later moment."""

    def __init__(self, later: timedelta) -> None:
        super().__init__()
        self._later = later

    def now(self) -> datetime:
        return super().now() + self._later


def meet(far: CourierMachine, relay: CourierMachine, later: timedelta = timedelta()) -> None:
    other = WithLetters(OtherPc(relay), LogLetters(far.store, Later(later), far.desk))
    exchange = Exchange(
        far.store, far.clock, other, far.sealer, far.applier, program="p", relay="may-2"
    )
    exchange.run(Run(far.clock.now(), 0, 0))


def carried(relay: CourierMachine) -> int:
    key = relay.keys.find(relay.setting(KEY_ID) or "")
    assert key is not None
    tokens = KeyTokens(relay.device, key)
    patience = Patience(connect=STALL, stall=STALL)
    client = FhirClient(relay.to.url, tokens, relay.clock, patience=patience)
    try:
        return carry(relay.store, LettersOverHttp(client))
    finally:
        client.close()


def ends(machine: CourierMachine) -> list[int]:
    with machine.store.read() as work:
        return [one.head.seq for one in work.audit.anchors() if one.kind is EvidenceKind.PROVINCE]


def noted(machine: CourierMachine, action: str) -> int:
    with machine.store.read() as work:
        return sum(row.action == action for row in work.audit.rows(500))


def at_the_province(province: Province, machine: CourierMachine, table: type) -> list[int]:
    with province.database.write() as session:
        rows = session.query(table).filter_by(device_id=machine.device)
        return sorted(row.line for row in rows)


def test_the_end_travels_through_a_colleague_and_its_verdict_comes_home(pair, province) -> None:
    far, relay = pair
    meet(far, relay)
    assert ends(far) == []  # what a relay has, the province has not
    assert carried(relay) == 1
    meet(far, relay)
    assert ends(far) == at_the_province(province, far, AuditAnchor) == [5]
    assert noted(far, ANCHORED) == 1
    meet(far, relay)
    assert (carried(relay), noted(far, ANCHORED)) == (0, 1)  # once a day

    look(far, 2)
    meet(far, relay, timedelta(days=1, hours=1))
    assert carried(relay) == 1
    meet(far, relay)
    assert len(ends(far)) == len(at_the_province(province, far, AuditAnchor)) == 2


def test_a_relay_can_neither_read_nor_change_it(pair, province) -> None:
    far, relay = pair
    meet(far, relay)
    kept = json.loads(relay.setting(LETTERS) or "")
    ((writer, letter),) = kept.items()
    plain = base64.b64decode(letter)
    assert b"seq" not in plain
    spoilt = plain[:-1] + bytes([plain[-1] ^ 1])
    relay.put(LETTERS, json.dumps({writer: base64.b64encode(spoilt).decode()}))
    assert carried(relay) == 1
    meet(far, relay)
    assert ends(far) == at_the_province(province, far, AuditAnchor) == []

    meet(far, relay, timedelta(hours=2))  # it writes another
    assert carried(relay) == 1
    meet(far, relay)
    assert len(ends(far)) == 1


def test_a_log_that_was_cut_shows_here_and_at_the_province(pair, province) -> None:
    far, relay = pair
    meet(far, relay)
    carried(relay)
    meet(far, relay)
    with far.store.write() as work:  # as somebody with the key does it
        run = work.audit._connection.execute
        for name in ("audit_entry_delete", "audit_anchor_delete"):
            run(text(f"DROP TRIGGER {name}"))
        run(text("DELETE FROM audit_entry WHERE seq > 2"))
        run(text("DELETE FROM audit_anchor"))
        work.settings.put("courier.shown_ends", "[]")
        work.settings.put("relay.letter_written_at", "")
    look(far, 1)
    meet(far, relay)
    assert carried(relay) == 1
    meet(far, relay)
    assert at_the_province(province, far, RefusedAnchor)
    assert noted(far, MISMATCH) == 1


def test_an_answer_to_somebody_else_or_a_made_up_one_changes_nothing(pair) -> None:
    far, relay = pair
    meet(far, relay)
    (writer,) = json.loads(relay.setting(LETTERS) or "")
    for made_up in (b"SEMR nothing", relay.province.answer(relay.write())[0].read_bytes()):
        kept = {writer: base64.b64encode(made_up).decode()}
        relay.put(ANSWERS, json.dumps(kept))
        meet(far, relay)
        assert ends(far) == []


def test_a_relay_that_withholds_it_is_seen_by_the_date(pair) -> None:
    """Nobody outside vouches for what was written since."""
    far, relay = pair
    meet(far, relay)
    carried(relay)
    meet(far, relay)
    with far.store.read() as work:
        last = anchored_at(work)
    assert last is not None
    for day in range(1, 4):
        look(far, 1)
        meet(far, relay, timedelta(days=day, hours=1))
    with far.store.read() as work:
        assert anchored_at(work) == last


def test_only_devices_of_the_station_carry_its_letters(pair, province, tmp_path) -> None:
    far, relay = pair
    stranger = CourierMachine(tmp_path, province, province.facility())
    try:
        meet(far, relay)
        stranger.put(LETTERS, relay.setting(LETTERS) or "")
        assert stranger.sync().outcome == "complete"
        carried(stranger)
        assert at_the_province(province, far, AuditAnchor) == []
    finally:
        stranger.store.close()
