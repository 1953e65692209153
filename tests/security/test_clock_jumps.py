"""A clock that is set back or ahead keeps nobody out and lets nobody in."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from station_emr.domain.errors import AccountLocked
from station_emr.security.keyslots import MAX_ATTEMPTS, KeySlots
from tests.security.stations import PASSWORD, attempts_left, fail, make

TIMES = [datetime(year, 1, 1, tzinfo=UTC) for year in (1980, 2000, 2026, 2029, 2090)]


def at(path, moment: datetime) -> KeySlots:
    return KeySlots.load(path, clock=lambda: moment)


@pytest.mark.parametrize("later", TIMES)
@pytest.mark.parametrize("earlier", TIMES)
def test_wrong_tries_lock_by_number_and_never_by_time(path, earlier, later) -> None:
    _, data_key, _ = make(path)

    fail(at(path, earlier), MAX_ATTEMPTS - 1)
    assert at(path, later).unlock("ha", PASSWORD) == data_key  # nobody waits for 26 years
    assert attempts_left(at(path, later)) == MAX_ATTEMPTS

    fail(at(path, earlier), MAX_ATTEMPTS)
    with pytest.raises(AccountLocked):  # and no jump opens what a person has to unlock
        at(path, later).unlock("ha", PASSWORD)
    at(path, later).unlock_account("ha")
    assert at(path, earlier).unlock("ha", PASSWORD) == data_key
