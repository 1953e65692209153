import pytest

from station_emr.domain.ids import is_record_id, uuid7


def test_version_variant_and_time_order():
    first, second = uuid7(1_000, bytes(10)), uuid7(1_001, bytes(10))
    assert first < second
    assert first[14] == "7"
    assert first[19] in "89ab"
    assert is_record_id(first)
    assert not is_record_id(first.upper())


def test_random_bits_survive():
    assert uuid7(5, b"\xff" * 10).endswith("ffffffffffff")
    assert uuid7(5, b"\xff" * 10) != uuid7(5, b"\xfe" + b"\xff" * 9)


@pytest.mark.parametrize(("ms", "randomness"), [(-1, bytes(10)), (1 << 48, bytes(10)), (1, b"")])
def test_bad_parts_are_refused(ms, randomness):
    with pytest.raises(ValueError):
        uuid7(ms, randomness)
