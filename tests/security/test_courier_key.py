"""The derived age pair: usable by age, the same every time, another one on another machine."""

from __future__ import annotations

import io

import pyrage
import pytest

from station_emr.security.courier_key import courier_identity

KEYS = [bytes([fill]) * 32 for fill in (0, 1, 7, 128, 255)]


@pytest.mark.parametrize("data_key", KEYS)
def test_age_takes_the_pair(data_key: bytes) -> None:
    pair = courier_identity(data_key, "may-mau")
    opened = pyrage.x25519.Identity.from_str(pair.secret)
    assert str(opened.to_public()) == pair.public
    sealed = pyrage.encrypt(b"mau", [pyrage.x25519.Recipient.from_str(pair.public)])
    out = io.BytesIO()
    pyrage.decrypt_io(io.BytesIO(sealed), out, [opened])
    assert out.getvalue() == b"mau"


def test_it_belongs_to_one_station_on_one_machine() -> None:
    made = {courier_identity(key, machine).public for key in KEYS for machine in ("a", "b")}
    assert len(made) == 2 * len(KEYS)
    assert courier_identity(KEYS[1], "a") == courier_identity(KEYS[1], "a")


def test_the_secret_is_not_shown() -> None:
    pair = courier_identity(KEYS[1], "a")
    assert pair.secret not in repr(pair)
