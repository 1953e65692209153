"""The province replaces its key: files on their way stay good, and stations learn of it."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from provincial_server.catalogs.publishing import announce, first_fault, index
from provincial_server.courier import keys as province_keys
from provincial_server.courier.faults import CourierRefused as RefusedThere
from station_emr.domain.sync import UnitState
from station_emr.services.courier import PROVINCE_KEY, CourierRefused
from station_emr.sync.catalog_fetching import CatalogFetcher
from station_emr.sync.catalog_line import Offer, SignedWords
from station_emr.sync.province_key import ProvinceKey
from tests.databases import database_url, open_database
from tests.provincial_command import main
from tests.sync.courier_machines import DIRECTOR, CourierMachine, Province


@pytest.fixture
def one(tmp_path: Path) -> Iterator[CourierMachine]:
    province = Province(tmp_path)
    machine = CourierMachine(tmp_path, province, province.facility())
    yield machine
    machine.store.close()
    province.close()


def replaced(province: Province, *, leaked: bool = False) -> ProvinceKey:
    with province.database.write() as session:
        province_keys.replace_keys(session, leaked=leaked)
    return present(province)


def present(province: Province) -> ProvinceKey:
    key = ProvinceKey.parse(province.key_text())
    assert key is not None
    return key


def known(machine: CourierMachine) -> ProvinceKey:
    key = ProvinceKey.kept(machine.setting(PROVINCE_KEY) or "")
    assert key is not None
    return key


def test_a_stick_tells_of_the_new_key(one: CourierMachine) -> None:
    one.patient(1)
    first, second = one.write(), one.write()
    old = known(one)
    new = replaced(one.province)
    assert (old.sign, old.encrypt) != (new.sign, new.encrypt)

    replies = [one.province.answer(path)[0] for path in (first, second)]
    assert one.courier.import_reply(DIRECTOR, str(replies[0])).verified
    assert (known(one).sign, known(one).encrypt) == (new.sign, new.encrypt)
    assert known(one).follow(json.loads(one.province.key_text())) is None  # it is there already
    one.courier.import_reply(DIRECTOR, str(replies[1]))  # signed by the old one, on its way before
    assert known(one).sign == new.sign

    one.patient(2)
    back = one.round_trip()
    assert (back.waiting, back.verified, one.count(UnitState.QUARANTINED)) == (0, True, 0)


def test_who_was_away_for_several_keys_follows_them_all(one: CourierMachine) -> None:
    one.patient(1)
    path = one.write()
    replaced(one.province)
    new = replaced(one.province)
    one.courier.import_reply(DIRECTOR, str(one.province.answer(path)[0]))
    assert known(one).encrypt == new.encrypt
    assert len(known(one).before) == 2


def test_forgotten_keys_open_nothing_and_their_word_stays(one: CourierMachine) -> None:
    one.patient(1)
    path = one.write()
    old = known(one)
    replaced(one.province)
    with one.province.database.write() as session:
        assert province_keys.forget_replaced(session) == 1
        assert province_keys.forget_replaced(session) == 0
    with pytest.raises(RefusedThere) as refusal:
        one.province.answer(path)
    assert refusal.value.code == "wrong-key"
    new = old.follow(json.loads(one.province.key_text()))
    assert new is not None
    one.put(PROVINCE_KEY, new.keep())
    assert one.round_trip().verified


def test_a_leaked_key_gives_no_word(one: CourierMachine, tmp_path: Path) -> None:
    one.patient(1)
    path = one.write()
    old = known(one)
    new = replaced(one.province, leaked=True)
    assert old.follow(json.loads(one.province.key_text())) is None
    reply, _ = one.province.answer(path)  # what the station wrote is not lost
    with pytest.raises(CourierRefused) as refusal:
        one.courier.import_reply(DIRECTOR, str(reply))
    assert refusal.value.code == "unknown-sender"

    file = tmp_path / "khoa.json"
    file.write_text(one.province.key_text(), encoding="ascii")
    one.courier.trust(DIRECTOR, str(file), compared=one.courier.read_province_key(str(file)))
    assert (known(one).encrypt, known(one).before) == (new.encrypt, ())
    assert one.courier.import_reply(DIRECTOR, str(reply)).verified


@pytest.mark.parametrize("spoil", ["signature", "next_encrypt", "encrypt", "gone", "before"])
def test_a_word_that_does_not_hold_leads_nowhere(one: CourierMachine, spoil: str) -> None:
    old = known(one)
    replaced(one.province)
    said = json.loads(one.province.key_text())
    stranger = Province(one.folder / "khac") if (one.folder / "khac").mkdir() is None else None
    assert stranger is not None
    other = json.loads(stranger.key_text())
    stranger.close()
    word = said["succession"][0]
    if spoil == "signature":
        word["signature"] = word["signature"][:-8] + "AAAAAAA="
    elif spoil == "next_encrypt":
        word["next_encrypt"] = said["encrypt"] = other["encrypt"]
    elif spoil == "encrypt":
        said["encrypt"] = other["encrypt"]
    elif spoil == "gone":
        del said["succession"]
    else:  # a key file that names the known key as one of its own
        said = other | {"before": [json.loads(old.keep())["sign"]]}
        assert ProvinceKey.parse(json.dumps(said)).before == ()  # type: ignore[union-attr]
    assert old.follow(said) is None


def test_a_line_tells_of_the_new_key_with_the_lists(one: CourierMachine) -> None:
    with one.province.database.write() as session:
        announce(session, version="9.9", available=one.clock.now().date(), note="", now=1)
    new = replaced(one.province)
    with one.province.database.read() as session:
        said = json.loads(index(session))
        assert json.loads(index(session)) == said  # the same words each time, so it is fetched once
        assert first_fault(session) is None

    class Line:
        def offer(self, _known: str) -> Offer:
            words = said["program"]
            program = SignedWords(words["manifest"], _bytes(words["signature"]))
            return Offer("tag", (), program, said["key"])

    fetcher = CatalogFetcher(one.store, one.clock, Line(), None)  # type: ignore[arg-type]
    fetcher._look()
    assert known(one).encrypt == new.encrypt
    assert not one.setting("catalogs.problem")
    with one.store.read() as work:
        newest = next(row for row in work.audit.rows(5) if row.action == "setting.update")
        assert work.audit.verify() is None
    assert PROVINCE_KEY in newest.detail


def _bytes(text: str) -> bytes:
    return base64.b64decode(text)


def test_the_operator_replaces_the_key(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shared = ["--database", database_url(tmp_path / "province.db")]
    database = open_database(tmp_path / "province.db")
    assert main(["courier", "key", *shared]) == 0
    before = capsys.readouterr().out
    out = tmp_path / "khoa.json"
    assert main(["courier", "new-key", "--out", str(out), *shared]) == 0
    said = capsys.readouterr().out
    new = json.loads(out.read_text(encoding="ascii"))
    assert new["fingerprint"] in said.replace(" ", "")
    assert new["fingerprint"] not in before.replace(" ", "")
    old = ProvinceKey.parse(before[before.index("{") :])
    assert old is not None
    assert old.follow(new) is not None
    assert main(["courier", "new-key", "--leaked", *shared]) == 0
    assert "đã lộ" in capsys.readouterr().out
    assert main(["courier", "forget-old-keys", *shared]) == 0
    assert "2 khóa cũ" in capsys.readouterr().out
    database.close()
