"""A database of every release opens for ever. ``data/golden-VERSION.db`` is never written again.

The file of a coming release is made once, when its schema is final::

    python -m tests.db.test_golden 0.2
"""

from __future__ import annotations

import hashlib
import shutil
import sys
from pathlib import Path

import pytest

from station_emr.db.store import EncryptedStore
from station_emr.domain.operation import Origin, Tally
from station_emr.domain.patient_link import PatientLink
from station_emr.domain.record import RecordKind, RecordStatus
from station_emr.domain.referral_feedback import FeedbackState, ReferralFeedback
from station_emr.services.sync_ports import KeptOperation

from . import records

DATA = Path(__file__).parent / "data"
GOLDEN = sorted(DATA.glob("golden-*.db"))


def fill(store: EncryptedStore) -> None:
    """What every golden database holds."""
    with store.write() as work:
        work.settings.save_station(records.STATION, records.NOW)
        work.users.save(records.DOCTOR, author=None, at=records.NOW)
        records.sign(work.patients, records.patient())
        work.encounters.save_draft(records.encounter(109), records.NOW)
        records.sign(work.encounters, records.encounter(reason="bản đầu"))
        records.sign(
            work.encounters,
            records.encounter(),
            version=1,
            status=RecordStatus.AMENDED,
            reason="Ghi lại lý do",
            at=records.LATER,
        )
        records.sign(work.prescriptions, records.prescription())
        records.sign(work.referrals, records.referral())
        records.sign(work.appointments, records.appointment())
        work.counters.next("encounter", "A", 2026)
        work.prints.add("referral", records.record_id(301), 1, records.NOW, records.DOCTOR, "00")
        work.audit.append(records.ACTOR, "encounter.sign", records.NOW, kind="encounter")


def fill_two_way(store: EncryptedStore) -> None:
    """What a database holds besides since records arrive from other machines."""
    with store.write() as work:
        for record in (records.patient(), OTHER):
            if record is OTHER:
                work.patients.add_replica(
                    record,
                    RecordStatus.SIGNED,
                    author=FAR_AWAY,
                    at=records.LATER,
                    parents=(),
                    origin=Origin.REPLICA,
                    device="Máy 2",
                    skew=-4,
                )
            work.operations.keep(kept(record.id, held=record is OTHER))
        work.links.add_replica(
            LINK,
            RecordStatus.SIGNED,
            author=FAR_AWAY,
            at=records.LATER,
            parents=(),
            origin=Origin.REPLICA,
        )
        work.feedback.add_replica(
            FEEDBACK,
            RecordStatus.SIGNED,
            author=FAR_AWAY,
            at=records.LATER,
            parents=(),
            origin=Origin.REPLICA,
        )
        work.operations.keep(kept("parked", version=0))
        work.operations.park(op_id("parked"), ["patient/nobody"])
        work.operations.want([op_id("wanted")])
        work.links.dismiss("one", "other")
        work.attachments.queue(RecordKind.REFERRAL, records.record_id(301), 1, records.NOW)
        work.outbox.add_traffic(records.TODAY, 5, 7)


FAR_AWAY = ("00000000-0000-7000-8000-000000000b0b", "Y sĩ Mẫu")
OTHER = records.patient(2)
LINK = PatientLink(
    id=records.record_id(501),
    survivor_id=records.record_id(1),
    duplicate_id=records.record_id(2),
)
FEEDBACK = ReferralFeedback(
    id=records.record_id(601),
    referral_id=records.record_id(301),
    patient_id=records.record_id(1),
    state=FeedbackState.REJECTED,
    receiver_name="Bệnh viện Mẫu",
    reason="Hết giường",
)


def op_id(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()[:32]


def kept(record_id: str, *, version: int = 1, held: bool = False) -> KeptOperation:
    return KeptOperation(
        op_id=op_id(record_id),
        kind="patient",
        record_id=record_id,
        version=version,
        line=f'{{"id":"{record_id}","name":"Rơ Châm H\'Bĕ̆"}}'.encode(),
        held=held,
    )


def test_there_is_a_golden_database() -> None:
    assert {DATA / "golden-0.1.db", DATA / "golden-0.2.db"} <= set(GOLDEN)


@pytest.mark.parametrize(
    "file", [file for file in GOLDEN if file.stem != "golden-0.1"], ids=lambda file: file.stem
)
def test_lines_of_an_old_release_are_still_lines(file: Path, tmp_path: Path) -> None:
    store = EncryptedStore.open(shutil.copy(file, tmp_path), records.KEY)
    with store.read() as work:
        assert work.operations.all_lines("", 9) == tuple(
            (one.op_id, one.line)
            for one in (kept(records.record_id(1)), kept(OTHER.id), kept("parked"))
        )
        assert work.operations.tally() == Tally().plus(op_id(OTHER.id))
        assert work.operations.parked() == 1
        assert work.operations.wanted(9) == (op_id("wanted"),)
        assert work.links.active() == (LINK,)
        assert work.links.survivor_of(OTHER.id) == records.record_id(1)
        assert work.links.dismissed() == {("one", "other")}
        answer = work.feedback.of_referral(records.record_id(301))
        assert answer is not None
        assert answer.record == FEEDBACK
        assert work.feedback.unread() == 1
        (node,) = work.patients.lineage(OTHER.id)
        assert (node.author_id, node.device, node.skew) == (FAR_AWAY[0], "Máy 2", -4)
        assert [one.record_id for one in work.attachments.due(9)] == [records.record_id(301)]
        assert work.outbox.traffic_on(records.TODAY) == (5, 7)
    store.close()


@pytest.mark.parametrize("file", GOLDEN, ids=lambda file: file.stem)
def test_a_database_of_an_old_release_still_works(file: Path, tmp_path: Path) -> None:
    store = EncryptedStore.open(shutil.copy(file, tmp_path), records.KEY)
    store.check()
    with store.read() as work:
        assert work.settings.station() == records.STATION
        assert work.users.all() == (records.DOCTOR,)
        assert work.patients.get(records.record_id(1)).record == records.patient()
        visit = work.encounters.get(records.record_id(101))
        assert (visit.record, visit.version) == (records.encounter(), 2)
        assert work.encounters.at_version(visit.record.id, 1).reason == "bản đầu"
        assert work.encounters.get(records.record_id(109)).status is RecordStatus.DRAFT
        paper = work.prescriptions.of_encounter(records.record_id(101))
        assert paper is not None
        assert paper.record == records.prescription()
        assert work.referrals.get(records.record_id(301)).record == records.referral()
        assert work.appointments.get(records.record_id(401)).record == records.appointment()
        assert len(work.encounters.queue(records.TODAY)) == 2
        assert [row.full_name for row in work.patients.search("h'be", 5)] == ["Rơ Châm H'Bĕ̆"]
        assert work.audit.verify() is None
        assert len(work.outbox.waiting(99)) == 7
        assert work.counters.peek("encounter", "A", 2026) == 2
        assert work.prints.copies("referral", records.record_id(301), 1) == 1
    with store.write() as work:
        changed = records.sign(work.encounters, records.encounter(109))
        assert (changed.kind, changed.version) == (RecordKind.ENCOUNTER, 1)
    store.close()


def make(version: str) -> None:
    """Write the golden database of a release; refuses to touch one that exists."""
    DATA.mkdir(exist_ok=True)
    store = EncryptedStore.create(DATA / f"golden-{version}.db", records.KEY)
    fill(store)
    fill_two_way(store)
    store.backup(str(DATA / "compact.db"))
    store.close()
    (DATA / "compact.db").replace(store.path)


if __name__ == "__main__":
    make(sys.argv[1])
