"""The recovery code as people copy it from paper."""

from __future__ import annotations

import pytest

from station_emr.security.recovery_code import make_recovery_code, read_recovery_code


def test_recovery_code_is_read_as_people_write_it():
    code = make_recovery_code(bytes(range(15)))
    plain = code.replace("-", "")
    assert len(plain) == 24
    assert code.count("-") == 5
    assert read_recovery_code(code) == plain
    assert read_recovery_code(f" {code.lower().replace('-', ' ')} ") == plain
    assert read_recovery_code(plain.replace("0", "O").replace("1", "l")) == plain


def test_every_single_slip_in_a_recovery_code_is_noticed():
    plain = make_recovery_code(bytes(range(15))).replace("-", "")
    alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
    for at, right in enumerate(plain):
        for wrong in alphabet:
            if wrong != right:
                assert read_recovery_code(plain[:at] + wrong + plain[at + 1 :]) is None
    for wrong in ("", plain[:-1], plain + "0", plain[:-1] + "U", "ữ" * 24):
        assert read_recovery_code(wrong) is None


def test_recovery_codes_use_all_their_randomness():
    codes = {make_recovery_code(bytes([n]) + bytes(13) + bytes([n << 5 & 255])) for n in range(256)}
    assert len(codes) == 256
    with pytest.raises(ValueError):
        make_recovery_code(bytes(14))
