"""No version is written that waits for nobody: a line that was never queued would never leave."""

from __future__ import annotations

import pytest

from station_emr.db.store import EncryptedStore
from station_emr.domain.record import RecordKind
from station_emr.services.sync_ports import KeptOperation

from .records import patient, record_id, sign

KIND = RecordKind.PATIENT


def written_and_taken_off_the_list(store: EncryptedStore, *, held: bool) -> None:
    """As a merge by rule whose line, once refused, stands on the same page of the province."""
    with store.write() as work:
        sign(work.patients, patient(1))
        work.operations.keep(
            KeptOperation(
                op_id=f"{1:032x}",
                kind=KIND.value,
                record_id=record_id(1),
                version=1,
                line=b"{}",
                held=held,
            )
        )
        work.outbox.drop_versions(KIND, record_id(1), (1,))


def test_what_the_province_holds_already_need_not_wait(store: EncryptedStore) -> None:
    written_and_taken_off_the_list(store, held=True)
    with store.read() as work:
        assert work.patients.get(record_id(1)).version == 1


def test_what_it_does_not_hold_must(store: EncryptedStore) -> None:
    with pytest.raises(RuntimeError, match="was not queued"):
        written_and_taken_off_the_list(store, held=False)
    with store.read() as work:
        assert work.patients.find(record_id(1)) is None
