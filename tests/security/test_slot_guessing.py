"""Guessing at a stolen slot file: it works where a guess is cheap, and no guess here is cheap."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from station_emr.domain.errors import DatabaseDamaged, WrongPassword
from station_emr.security import key_wrap, slot_file
from station_emr.security.key_wrap import DEFAULT_COST, MINIMUM_COST, KdfCost
from station_emr.security.keyslots import FILE_NAME, KeySlots
from tests.security.slot_attacks import guessed
from tests.security.stations import CHEAP, NOW, OTHER, make, reload, rewrite

COMMON = ("123456", "matkhau", "tramyte", "giamdoc1", "abc123", "sai")


def test_a_common_password_behind_a_cheap_derivation_is_found(path) -> None:
    slots, data_key, _ = make(path)
    slots.reset_password("ha", "giamdoc1", data_key)
    assert guessed(path, COMMON) == "giamdoc1"


def test_what_a_release_asks_of_a_guess(path) -> None:
    """The same attack has to pay at least OWASP's least for each word, and the default is dearer."""
    assert DEFAULT_COST.memory_kib >= 3 * MINIMUM_COST.memory_kib
    assert DEFAULT_COST.iterations > MINIMUM_COST.iterations
    assert DEFAULT_COST.lanes >= MINIMUM_COST.lanes
    assert KeySlots.create.__kwdefaults__["cost"] == DEFAULT_COST


def test_a_cheaper_figure_in_the_file_opens_nothing(path) -> None:
    """The figures go into the key itself: a lower one is a wrong password for everybody."""
    slots, data_key, _ = make(path)
    dear = KdfCost(memory_kib=64, iterations=2, lanes=1)
    content = slot_file.parse(path.read_bytes())
    box = key_wrap.lock(OTHER, data_key, key_wrap.context("db-1", "ha"), dear, slots._rng)
    changed = replace(content, slots=(replace(content.slots[0], box=box),))
    slots._write(changed)
    assert slots.unlock("ha", OTHER) == data_key
    rewrite(path, lambda body: body["slots"][0]["kdf"].update(memory_kib=8, iterations=1))
    with pytest.raises(WrongPassword):
        reload(path).unlock("ha", OTHER)


@pytest.mark.parametrize("figure", [{"memory_kib": 16}, {"iterations": 1}, {"lanes": 1}])
def test_nobody_lowers_what_the_next_password_will_cost(tmp_path, figure) -> None:
    """An editor of the file makes the code's figures cheap and waits for somebody new to join."""
    path = tmp_path / FILE_NAME
    slots, data_key, _ = KeySlots.create(
        path,
        station_name="Trạm Y tế mẫu",
        database_id="db-1",
        username="ha",
        display_name="BS. Hà Mẫu",
        password="mẫu",
        clock=lambda: NOW,
        cost=KdfCost(memory_kib=64, iterations=2, lanes=2),
    )
    rewrite(path, lambda body: body["recovery"]["kdf"].update(figure))
    before = path.read_bytes()
    for change in (
        lambda: slots.add("nga", "Nga", OTHER, data_key),
        lambda: slots.reset_password("ha", OTHER, data_key),
        lambda: slots.new_recovery_code(data_key),
        lambda: slots.replace_all(data_key, bytes(32)),
    ):
        with pytest.raises(DatabaseDamaged):
            change()
    assert path.read_bytes() == before


def test_a_file_of_the_first_release_is_taken_for_the_usual_cost(path) -> None:
    """Its boxes prove no figure, so what is made anew asks for the usual one at least."""
    slots, data_key, _ = make(path)
    content = slot_file.parse(path.read_bytes())
    where = key_wrap.context("db-1", "recovery code")
    old = replace(content.recovery, binding=key_wrap.bind(data_key, content.recovery.public, where))
    slots._write(replace(content, recovery=old))
    slots.add("nga", "Nga", OTHER, data_key)
    found = json.loads(path.read_bytes())["body"]["slots"][1]["kdf"]
    assert found["memory_kib"] == DEFAULT_COST.memory_kib
    assert content.recovery.cost == CHEAP
    slots.replace_all(data_key, bytes(32))
    assert slots.unlock("nga", OTHER) == bytes(32)
