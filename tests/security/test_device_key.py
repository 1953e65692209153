"""The key of a machine stays on it: in the key store of the system, or sealed beside the database."""

from __future__ import annotations

import os

import jwt
import pytest
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from station_emr.domain.errors import EnvironmentFailure
from station_emr.security import device_key, durable_file
from station_emr.security.device_key import FILE_NAME, DeviceKeys, os_vault

DATA_KEY = bytes(range(32))


class Vault:
    def __init__(self) -> None:
        self.held: dict[str, str] = {}
        self.broken = False

    def get(self, name: str) -> str | None:
        if self.broken:
            raise RuntimeError("locked")
        return self.held.get(name)

    def put(self, name: str, text: str) -> None:
        if self.broken:
            raise RuntimeError("locked")
        self.held[name] = text


def keys_in(folder, *, machine="here", data_key=DATA_KEY, vault=None, database="db") -> DeviceKeys:
    return DeviceKeys(
        folder, database, data_key, machine=machine, random=os.urandom, vault=lambda: vault
    )


def test_a_key_signs_what_its_public_half_verifies(tmp_path) -> None:
    key = keys_in(tmp_path).candidate("")

    signed = key.sign({"sub": "x"})

    assert jwt.get_unverified_header(signed)["alg"] == "ES384"
    for public in (load_pem_public_key(key.public_pem.encode()), jwt.PyJWK(key.public_jwk()).key):
        assert jwt.decode(signed, public, algorithms=["ES384"]) == {"sub": "x"}


def test_a_key_is_found_again_by_its_id(tmp_path) -> None:
    key = keys_in(tmp_path).candidate("")

    found = keys_in(tmp_path).find(key.key_id)

    assert found is not None
    assert found.public_pem == key.public_pem
    assert keys_in(tmp_path).find("another") is None


@pytest.mark.parametrize("other", [{"machine": "elsewhere"}, {"data_key": bytes(32)}])
def test_it_opens_on_its_own_machine_and_for_its_own_record_only(tmp_path, other) -> None:
    key = keys_in(tmp_path).candidate("")

    assert keys_in(tmp_path, **other).find(key.key_id) is None


def test_the_file_shows_nothing_of_the_private_half(tmp_path) -> None:
    key = keys_in(tmp_path).candidate("")
    number = key._private.private_numbers().private_value
    scalar = number.to_bytes(48, "big")

    for path in tmp_path.iterdir():
        data = path.read_bytes()
        assert scalar not in data
        assert f"{number:x}".encode() not in data.lower()
    assert (tmp_path / FILE_NAME).exists()


def test_the_systems_key_store_is_used_where_there_is_one(tmp_path) -> None:
    vault = Vault()
    key = keys_in(tmp_path, vault=vault).candidate("")

    assert not (tmp_path / FILE_NAME).exists()
    assert len(vault.held) == 1
    assert keys_in(tmp_path, vault=vault).find(key.key_id) is not None
    assert keys_in(tmp_path, vault=vault, database="another").find(key.key_id) is None


def test_a_key_store_that_breaks_is_replaced_by_the_file(tmp_path) -> None:
    vault = Vault()
    vault.broken = True
    key = keys_in(tmp_path, vault=vault).candidate("")
    assert keys_in(tmp_path, vault=vault).find(key.key_id) is not None

    vault.broken = False
    keys_in(tmp_path, vault=vault).keep_only(key.key_id)  # and goes back when it works again

    assert not (tmp_path / FILE_NAME).exists()
    assert keys_in(tmp_path, vault=vault).find(key.key_id) is not None


def test_an_enrolment_without_an_answer_keeps_its_key_and_the_one_in_use(tmp_path) -> None:
    used = keys_in(tmp_path).candidate("")
    pending = keys_in(tmp_path).candidate(used.key_id)

    assert pending.key_id != used.key_id
    assert keys_in(tmp_path).candidate(used.key_id).key_id == pending.key_id
    assert keys_in(tmp_path).find(used.key_id) is not None

    keys_in(tmp_path).keep_only(pending.key_id)
    assert keys_in(tmp_path).find(used.key_id) is None
    assert keys_in(tmp_path).find(pending.key_id) is not None


def test_a_damaged_file_is_read_from_its_second_copy(tmp_path) -> None:
    key = keys_in(tmp_path).candidate("")
    (tmp_path / FILE_NAME).write_bytes(b'{"keys": ["')

    assert keys_in(tmp_path).find(key.key_id) is not None

    for path in tmp_path.iterdir():
        path.write_bytes(b"\xff\x00")
    assert keys_in(tmp_path).find(key.key_id) is None


def test_a_full_disk_gives_no_key_that_would_be_gone_later(tmp_path, monkeypatch) -> None:
    def full(*_: object) -> None:
        raise EnvironmentFailure("đầy")

    monkeypatch.setattr(durable_file, "write_twice", full)
    with pytest.raises(EnvironmentFailure):
        keys_in(tmp_path).candidate("")


def test_only_a_real_store_of_the_system_counts(monkeypatch) -> None:
    import keyring

    class Plain:
        __module__ = "keyrings.alt.file"

    class Windows:
        __module__ = "keyring.backends.Windows"

    class Chain:
        __module__ = "keyring.backends.chainer"
        backends = (Plain(), Windows())

    for backend, real in ((Plain(), False), (Windows(), True), (Chain(), True)):
        monkeypatch.setattr(keyring, "get_keyring", lambda found=backend: found)
        assert (os_vault() is not None) is real
    monkeypatch.setattr(keyring, "get_keyring", lambda: 1 / 0)
    assert device_key.os_vault() is None
