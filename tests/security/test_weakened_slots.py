"""Every attack on passwords, slots and stations twice: it gets nothing from the program, and what it came
for where exactly its guard is gone.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from station_emr.db.store import EncryptedStore
from station_emr.demo.station import demo_profile
from station_emr.domain.errors import DatabaseDamaged
from station_emr.security import key_wrap, keyslots, slot_content, slot_file
from station_emr.security.key_wrap import DEFAULT_COST
from station_emr.security.keyslots import FILE_NAME, KeySlots
from station_emr.security.passwords import DEFAULT_POLICY, PasswordPolicy, password_problems
from station_emr.station import DATABASE, KEY_SLOTS, open_store
from tests.security import slot_attacks as attacks
from tests.security.stations import CHEAP, NOW, OTHER, PASSWORD, clock, make, reload

COMMON = ("123456", "matkhau", "tramyte", "giamdoc1")
NIGHT = DEFAULT_COST.memory_kib * DEFAULT_COST.iterations
"""All the memory that the thief of these tests can fill: one guess at what a release asks for."""


@pytest.fixture
def nga(path, station):
    """Somebody else with a slot."""
    slots, data_key, _ = station
    slots.add("nga", "Nga", OTHER, data_key)


def one_context(monkeypatch) -> None:
    """A build whose boxes do not say whose they are."""
    monkeypatch.setattr(key_wrap, "context", lambda _database, _owner: b"one for all")


# Guessing --------------------------------------------------------------------------------------


def test_the_same_night_of_guessing_succeeds_where_a_guess_is_cheap(path) -> None:
    slots, data_key, _ = make(path)
    content = slot_file.parse(path.read_bytes())
    where = key_wrap.context("db-1", "ha")
    found = []
    for cost in (DEFAULT_COST, CHEAP):
        box = key_wrap.lock(COMMON[-1], data_key, where, cost, os.urandom)
        slots._write(replace(content, slots=(replace(content.slots[0], box=box),)))
        found.append(attacks.guessed(path, COMMON, NIGHT))
    assert found == [None, COMMON[-1]]


def test_a_list_of_common_words_finds_a_password_where_any_is_allowed(path) -> None:
    """The program lets nobody choose a word of the list; what is chosen instead is not on it."""
    slots, data_key, _ = make(path)
    found = []
    for rules in (DEFAULT_POLICY, PasswordPolicy(min_length=6, kinds=1)):
        wishes = (*COMMON, PASSWORD)
        chosen = next(word for word in wishes if not password_problems(word, "ha", "", rules))
        slots.reset_password("ha", chosen, data_key)
        found.append(attacks.guessed(path, COMMON))
    assert found[0] is None
    assert found[1] in COMMON


def test_the_keyboard_gives_as_many_tries_as_one_likes_where_nothing_is_counted(
    path, station, monkeypatch
) -> None:
    slots, data_key, _ = station
    words = (*(f"sai {number}" for number in range(7)), PASSWORD)
    assert attacks.tried_at_the_keyboard(slots, words) is None
    slots.reset_password("ha", PASSWORD, data_key)
    monkeypatch.setattr(keyslots, "MAX_ATTEMPTS", 10**6)
    monkeypatch.setattr(slot_content, "MAX_ATTEMPTS", 10**6)
    assert attacks.tried_at_the_keyboard(slots, words) == PASSWORD


@pytest.mark.parametrize("figure", [{"memory_kib": 16}, {"iterations": 1}, {"lanes": 1}])
def test_the_next_password_is_cheap_to_try_where_the_cost_is_not_bound(
    tmp_path, figure, monkeypatch
) -> None:
    dear = key_wrap.KdfCost(memory_kib=64, iterations=2, lanes=2)
    monkeypatch.setitem(KeySlots.create.__kwdefaults__, "cost", dear)
    path = tmp_path / FILE_NAME
    _slots, data_key, _ = KeySlots.create(
        path,
        station_name="Trạm Y tế mẫu",
        database_id="db-1",
        username="ha",
        display_name="BS. Hà Mẫu",
        password=PASSWORD,
        clock=clock,
    )
    assert attacks.lowered_cost(path, data_key, figure) is None
    monkeypatch.setattr(key_wrap, "bound_cost", lambda box, _where, _key: box.cost)
    assert attacks.lowered_cost(path, data_key, figure) == replace(dear, **figure)


# Slots that are not one's own ------------------------------------------------------------------


def test_a_slot_moved_to_another_name_opens_where_boxes_do_not_say_whose_they_are(
    path, station, nga
) -> None:
    assert not attacks.slot_under_another_name(path)
    with pytest.MonkeyPatch.context() as weak:
        one_context(weak)
        path.unlink()
        Path(f"{path}.bak").unlink(missing_ok=True)
        slots, data_key, _ = make(path)
        slots.add("nga", "Nga", OTHER, data_key)
        assert attacks.slot_under_another_name(path)


def test_slots_open_another_database_where_boxes_do_not_say_of_which_they_are(
    path, station, tmp_path
) -> None:
    assert not attacks.slot_in_another_database(path)
    with pytest.MonkeyPatch.context() as weak:
        one_context(weak)
        elsewhere = tmp_path / "weak" / FILE_NAME
        make(elsewhere)
        assert attacks.slot_in_another_database(elsewhere)


@pytest.mark.parametrize("gone", ["nothing", "context", "origin", "both"])
def test_a_slot_of_another_station_is_taken_where_both_guards_are_gone(
    tmp_path, gone, monkeypatch
) -> None:
    """Either guard is enough by itself: whose a box is, and that a key leads back to the one before."""
    if gone in {"context", "both"}:
        one_context(monkeypatch)
    if gone in {"origin", "both"}:
        monkeypatch.setattr(keyslots, "check_origin", lambda _content, _opened: None)
    ours, theirs = tmp_path / "ours" / FILE_NAME, tmp_path / "theirs" / FILE_NAME
    make(ours)
    KeySlots.create(
        theirs,
        station_name="Trạm khác",
        database_id="db-9",
        username="ke",
        display_name="Kẻ Khác Mẫu",
        password=OTHER,
        clock=clock,
        cost=CHEAP,
    )
    assert attacks.slot_of_another_station(ours, theirs) is (gone == "both")


def test_a_planted_key_is_worked_with_where_its_origin_is_not_asked(
    path, station, monkeypatch
) -> None:
    code = station[2]
    assert attacks.planted_key(path, code) == (False, False)
    monkeypatch.setattr(keyslots, "check_origin", lambda _content, _opened: None)
    assert attacks.planted_key(path, code) == (True, True)


def test_a_planted_public_half_gets_the_next_key_where_nobody_vouches(
    path, station, monkeypatch
) -> None:
    data_key = station[1]
    assert not attacks.planted_public_half(path, data_key)
    monkeypatch.setattr(key_wrap, "bound_cost", lambda box, _where, _key: box.cost)
    assert attacks.planted_public_half(path, data_key)


# Stations exchanged ----------------------------------------------------------------------------


def two_stations(folder: Path) -> tuple[Path, Path]:
    places = folder / "ours", folder / "theirs"
    for place in places:
        _slots, data_key, _code = make(place / KEY_SLOTS)
        store = EncryptedStore.create(place / DATABASE, data_key)
        with store.write() as work:
            profile = replace(demo_profile(""), name=f"Trạm mẫu {place.name}")
            work.settings.save_station(profile, NOW)
        store.close()
    return places


def exchanged(ours: Path, theirs: Path, name: str) -> str | None:
    """The station that our folder shows after one file of theirs was put in; None when it shows none."""
    shutil.copy(theirs / name, ours / name)
    slots = reload(ours / KEY_SLOTS)
    try:
        store = open_store(ours / DATABASE, slots, slots.unlock("ha", PASSWORD))
    except DatabaseDamaged:
        return None
    with store.read() as work:
        shown = work.settings.station().name
    store.close()
    return shown


@pytest.mark.parametrize(("name", "shown"), [(DATABASE, "theirs"), (KEY_SLOTS, "ours")])
def test_files_exchanged_between_two_stations_open_where_all_have_one_key(
    tmp_path, name, shown, monkeypatch
) -> None:
    """What keeps them apart is that each station draws its key: no other check is asked."""
    assert exchanged(*two_stations(tmp_path / "each its own"), name) is None
    monkeypatch.setitem(KeySlots.create.__kwdefaults__, "rng", lambda size: bytes(range(size)))
    assert exchanged(*two_stations(tmp_path / "one for all"), name) == f"Trạm mẫu {shown}"
