"""New records of a page are laid in together: whatever a page holds, the database is the same as when
each line is laid in by itself.
"""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from station_emr.db.store import EncryptedStore
from station_emr.domain.encounter import Stage
from station_emr.domain.operation import Envelope
from station_emr.domain.patient_link import PatientLink
from station_emr.domain.record import RecordKind, RecordStatus, Sex
from station_emr.interop.fhir.carry import carry_over
from station_emr.interop.fhir.read_units import read_unit
from station_emr.interop.fhir.units import build_unit
from station_emr.services.replication import apply_operation
from station_emr.sync.applying import CANNOT_APPLY, Applier, CannotApply, Outcome
from station_emr.sync.operation_line import op_id, seal
from station_emr.sync.sealing import Sealer, StoredIncarnation
from tests.interop import fhir_records as sample
from tests.interop.fhir_records import made_id

KEY = os.urandom(32)
PATIENT, ENCOUNTER = RecordKind.PATIENT, RecordKind.ENCOUNTER
SIGNED, AMENDED, VOIDED = RecordStatus.SIGNED, RecordStatus.AMENDED, RecordStatus.VOIDED
_WHERE_ROWS_STAND = {"record_version": {"seq"}}
_KINDS = {
    "Patient": PATIENT,
    "Encounter": ENCOUNTER,
    "Prescription": RecordKind.PRESCRIPTION,
    "Referral": RecordKind.REFERRAL,
    "Appointment": RecordKind.APPOINTMENT,
    "PatientLink": RecordKind.LINK,
    "User": RecordKind.PRACTITIONER,
}


def line(
    record: Any, *base: bytes, status: RecordStatus = SIGNED, number: int = 1, **more: Any
) -> bytes:
    """As another PC sealed it."""
    kind = _KINDS[type(record).__name__]
    envelope = Envelope(
        kind=kind,
        record_id=record.id,
        status=status,
        base=tuple(sorted(map(op_id, base))),
        at=sample.AT,
        author_id=sample.DOCTOR.user_id,
        author_name=sample.DOCTOR.full_name,
        incarnation="0123456789abcdef",
        number=number,
        device="Máy 2",
        **more,
    )
    return seal(envelope, build_unit(kind, record, status))


class Pc:
    """A station that takes pages in. ``together`` False: every line by itself, as it always can."""

    def __init__(self, path: Path, *, together: bool) -> None:
        self.store = EncryptedStore.open(path, KEY)
        self.sizes: list[int] = []
        self.failed = 0
        sealer = Sealer(build_unit, carry_over, StoredIncarnation(lambda size: b"\1" * size))
        self.applier = Applier(read_unit, apply_operation, sealer, lambda: sample.AT)
        whole = self.applier._apply_firsts

        def counted(work: Any, operations: Any, *, held: bool) -> Any:
            self.sizes.append(len(operations))
            self.failed += 1
            changed = whole(work, operations, held=held)
            if not together:
                raise LookupError("one by one, as if nothing of it had been written")
            self.failed -= 1
            return changed

        self.applier._apply_firsts = counted

    def take(self, lines: Sequence[bytes], *, held: bool = True) -> tuple[Any, ...]:
        """As the engine does: what trips the program is set aside, and the page taken in anew."""
        aside: frozenset[str] = frozenset()
        found: Outcome | None = None
        while found is None:
            try:
                with self.store.write() as work:
                    found = self.applier.page(work, lines, held=held, aside=aside)
            except CannotApply as fault:
                if fault.name in aside:
                    raise
                aside |= {fault.name}
        changed = sorted({(one.kind, one.record_id, one.version) for one in found.changes.items})
        counts = (found.received, found.conflicts, found.parked, found.unreadable)
        return counts, dict(found.kinds), changed

    def rows(self) -> dict[str, list[Any]]:
        """Everything that lies in the database, but for what only numbers rows."""
        with self.store.read() as work:
            run = work._connection.exec_driver_sql
            names = run("SELECT name FROM sqlite_master WHERE type = 'table'").scalars().all()
            found: dict[str, list[Any]] = {}
            for name in names:
                if not name.startswith(("patient_search", "sqlite_")):
                    result = run(f'SELECT * FROM "{name}"')
                    wanted = [
                        place
                        for place, column in enumerate(result.keys())
                        if column not in _WHERE_ROWS_STAND.get(name, ())
                    ]
                    found[name] = sorted(
                        (tuple(row[place] for place in wanted) for row in result), key=repr
                    )
            for typed in ("Một", "Hai", "mau", "0912", "2312"):
                found[f"found {typed}"] = list(work.patients.search(typed, 9))
            return found

    def close(self) -> None:
        self.store.close()


Both = tuple[Pc, Pc]


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("empty") / "station.db"
    EncryptedStore.create(path, KEY).close()
    return path


@pytest.fixture
def pcs(empty: Path, tmp_path: Path) -> Any:
    made: list[Pc] = []

    def both() -> Both:
        number = len(made)
        found = []
        for together in (True, False):
            path = tmp_path / f"{number}-{together}.db"
            shutil.copyfile(empty, path)
            found.append(Pc(path, together=together))
        made.extend(found)
        return found[0], found[1]

    yield both
    for one in made:
        one.close()


def same(both: Both, *pages: Sequence[bytes], held: bool = True) -> Pc:
    one, other = both
    for page in pages:
        assert one.take(page, held=held) == other.take(page, held=held)
    assert one.rows() == other.rows()
    assert not one.failed
    with one.store.read() as work:
        assert work.operations.parked() == 0
    return one


def shown(pc: Pc, record: Any) -> Any:
    with pc.store.read() as work:
        stores: dict[str, Any] = {
            "Patient": work.patients,
            "Encounter": work.encounters,
            "Prescription": work.prescriptions,
        }
        return stores[type(record).__name__].find(record.id)


ONE = replace(sample.PATIENT, full_name="Người Mẫu Một")
TWO = replace(
    sample.PATIENT,
    id=made_id(901),
    full_name="Người Mẫu Hai",
    national_id="",
    coverages=(),
    phone="0912000002",
)
VISIT = sample.ENCOUNTER
LATER = replace(
    VISIT,
    id=made_id(902),
    arrived_at=VISIT.arrived_at + timedelta(days=40),
    started_at=None,
    ended_at=None,
)
WITH_TWO = replace(VISIT, id=made_id(903), patient_id=TWO.id)
PAPERS = (sample.PRESCRIPTION, sample.REFERRAL, sample.APPOINTMENT)
FAMILY = tuple(line(record) for record in (ONE, VISIT, *PAPERS))


def test_a_page_of_new_records_goes_in_at_once(pcs: Callable[[], Both]) -> None:
    both = pcs()
    pc = same(both, FAMILY)
    assert pc.sizes == [5]
    assert shown(pc, ONE).record == ONE
    assert shown(pc, VISIT).record == replace(VISIT, stage=Stage.FINISHED)
    assert shown(pc, sample.PRESCRIPTION).record == sample.PRESCRIPTION
    with pc.store.read() as work:
        assert work.patients.row(ONE.id).last_visit_on == VISIT.arrived_at.date()
        assert [row.id for row in work.patients.search("Người Mẫu Một", 5)] == [ONE.id]
        assert [row.id for row in work.patients.by_number(ONE.phone)] == [ONE.id]
        assert work.encounters.timeline(ONE.id, 5)[0].encounter_id == VISIT.id
        assert work.operations.tally().count == 5
        (logged,) = [row for row in work.audit.rows(9) if row.action == "sync.received"]
        assert logged.detail == (
            "appointment: 1, encounter: 1, patient: 1, prescription: 1, referral: 1"
        )
        order = [name for name, _ in work.operations.all_lines("", 9)]
        assert sorted(order) == sorted(map(op_id, FAMILY))
        assert (order[0], order[1]) == (op_id(FAMILY[0]), op_id(FAMILY[1]))
        assert work.outbox.operations(9, sample.AT.date()) == ()


def test_children_before_their_parents_are_released_in_the_same_page(
    pcs: Callable[[], Both],
) -> None:
    pc = same(pcs(), FAMILY[::-1])
    assert shown(pc, sample.PRESCRIPTION).record == sample.PRESCRIPTION


def test_a_second_version_right_behind_the_first(pcs: Callable[[], Both]) -> None:
    first = line(ONE)
    second = line(replace(ONE, phone="0912000009"), first, status=AMENDED, number=2)
    for page in ([first, second], [second, first], [first, line(TWO), second, line(VISIT)]):
        pc = same(pcs(), page)
        assert (shown(pc, ONE).version, shown(pc, ONE).record.phone) == (2, "0912000009")


def test_two_first_versions_of_one_record(pcs: Callable[[], Both]) -> None:
    first = line(ONE)
    twin, rival = line(ONE, number=7), line(replace(ONE, sex=Sex.UNKNOWN), number=8)
    pc = same(pcs(), [first, twin])
    with pc.store.read() as work:
        assert len(work.patients.lineage(ONE.id)) == 2
        assert work.operations.conflicts() == ()
    pc = same(pcs(), [first, rival, line(VISIT)])
    with pc.store.read() as work:
        assert work.operations.conflicts() == ((PATIENT, ONE.id),)
    same(pcs(), [first, line(TWO), twin, rival], [rival, twin, first])


def test_what_was_written_on_a_merge_that_is_made_here_too_is_released(
    pcs: Callable[[], Both],
) -> None:
    """Another machine made the same merge and went on from it; both came before what it joins."""
    first = line(ONE)
    phone = line(replace(ONE, phone="0912000009"), first, status=AMENDED, number=2)
    note = line(replace(ONE, workplace="Xưởng mẫu"), first, status=AMENDED, number=3)
    pc = same(pcs(), [first, phone, note])
    with pc.store.read() as work:
        merge = work.operations.line(work.operations.op_id_of(PATIENT, ONE.id, 4))
    joined = replace(ONE, phone="0912000009", workplace="Xưởng mẫu")
    on_it = line(replace(joined, full_name="Người Mẫu Đổi Tên"), merge, status=AMENDED, number=4)
    for pages in ([[merge, on_it], [first, phone, note]], [[on_it], [note, phone, first]]):
        pc = same(pcs(), *pages)
        assert shown(pc, ONE).record.full_name == "Người Mẫu Đổi Tên"


def test_the_same_line_twice(pcs: Callable[[], Both]) -> None:
    pc = same(pcs(), [FAMILY[0], FAMILY[0], FAMILY[1], FAMILY[0]], FAMILY, FAMILY)
    assert shown(pc, ONE).version == 1


def test_voided_from_the_start(pcs: Callable[[], Both]) -> None:
    pc = same(pcs(), [line(ONE), line(LATER, status=VOIDED), line(VISIT)])
    assert shown(pc, LATER).status is VOIDED
    with pc.store.read() as work:
        assert work.patients.row(ONE.id).last_visit_on == VISIT.arrived_at.date()


def test_a_voided_and_an_amended_one_behind_their_firsts(pcs: Callable[[], Both]) -> None:
    visit, later = line(VISIT), line(LATER)
    gone = line(LATER, later, status=VOIDED, number=2, reason="Nhầm người")
    pc = same(pcs(), [line(ONE), visit, later, gone])
    assert shown(pc, LATER).status is VOIDED


def test_a_draft_of_the_same_id_gives_way_and_is_kept(pcs: Callable[[], Both]) -> None:
    both = pcs()
    for pc in both:
        with pc.store.write() as work:
            work.patients.save_draft(replace(ONE, note="Chưa ký"), sample.AT)
    pc = same(both, FAMILY)
    assert shown(pc, ONE).record == ONE
    with pc.store.read() as work:
        (form,) = work.drafts.displaced()
        assert form.record_id == ONE.id


def test_a_draft_is_no_parent(pcs: Callable[[], Both]) -> None:
    both = pcs()
    for pc in both:
        with pc.store.write() as work:
            work.patients.save_draft(ONE, sample.AT)
        pc.take([line(VISIT)])
        with pc.store.read() as work:
            assert work.operations.parked() == 1
    same(both, [line(ONE)])


def test_what_a_known_line_waits_for_comes_in_a_later_page(pcs: Callable[[], Both]) -> None:
    pc = same(pcs(), FAMILY[:0:-1], [line(TWO), *FAMILY])
    assert shown(pc, sample.PRESCRIPTION).record == sample.PRESCRIPTION


def test_a_record_that_was_released_meanwhile_is_new_no_more(pcs: Callable[[], Both]) -> None:
    pc = same(pcs(), [FAMILY[1]], [FAMILY[0], line(VISIT, number=7)])
    with pc.store.read() as work:
        assert len(work.encounters.lineage(VISIT.id)) == 2
    first = line(ONE)
    second = line(replace(ONE, note="Nhà xa"), first, status=AMENDED, number=2)
    pc = same(pcs(), [second], [first, line(ONE, number=7)])
    with pc.store.read() as work:
        assert len(work.patients.lineage(ONE.id)) == 3


def test_a_wanted_line_is_wanted_no_more_and_held_is_the_provinces_word(
    pcs: Callable[[], Both],
) -> None:
    both = pcs()
    for pc in both:
        with pc.store.write() as work:
            work.operations.want(map(op_id, FAMILY))
    pc = same(both, FAMILY, held=False)
    with pc.store.read() as work:
        assert work.operations.wanted(9) == ()
        assert work.operations.tally().count == 0
    pc = same(both, FAMILY)
    with pc.store.read() as work:
        assert work.operations.tally().count == 5


def test_joined_charts_and_what_arrives_around_them(pcs: Callable[[], Both]) -> None:
    link = PatientLink(id=made_id(910), survivor_id=ONE.id, duplicate_id=TWO.id)
    pc = same(pcs(), [*FAMILY, line(TWO), line(link), line(replace(LATER, patient_id=TWO.id))])
    with pc.store.read() as work:
        assert work.patients.row(ONE.id).last_visit_on == LATER.arrived_at.date()


def test_lines_that_nobody_can_read_stop_no_other(pcs: Callable[[], Both]) -> None:
    strange = (b"{}", b"[", b'{"kind":"dream","id":"x"}', line(ONE).replace(b"Patient", b"Dream"))
    pc = same(pcs(), [FAMILY[0], *strange, *FAMILY[1:]])
    with pc.store.read() as work:
        assert len(work.operations.unreadables(9)) == 4


def test_one_that_the_database_refuses_is_found_and_alone_set_aside(
    pcs: Callable[[], Both],
) -> None:
    """No clock is wrong by so many seconds that no column can hold them."""
    both = pcs()
    page = [*FAMILY, line(TWO), line(WITH_TWO, skew=1 << 63), line(LATER)]
    for pc in both:
        counts, kinds, _ = pc.take(page)
        assert counts == (8, 0, 0, 1)
        assert (kinds[PATIENT], kinds[ENCOUNTER]) == (2, 2)
        assert shown(pc, WITH_TWO) is None
        with pc.store.read() as work:
            ((name, kind, reason),) = work.operations.unreadables(9)
        assert (name, kind, reason) == (op_id(page[6]), "encounter", CANNOT_APPLY)
    assert both[0].rows() == both[1].rows()
    assert both[0].failed == 1
    assert both[0].sizes == [8, 6, 1]  # all; then what comes before it, and what comes behind


@pytest.mark.parametrize("seed", range(12))
def test_any_page_in_any_order(pcs: Callable[[], Both], seed: int) -> None:
    chance = random.Random(seed)
    first, visit = FAMILY[0], FAMILY[1]
    amended = line(replace(ONE, note="Nhà xa"), first, status=AMENDED, number=2)
    other = line(replace(ONE, phone="0912000003"), first, status=AMENDED, number=3)
    pool = [
        *FAMILY,
        line(TWO),
        line(LATER),
        line(WITH_TWO),
        amended,
        other,
        line(replace(ONE, note="Sau"), amended, other, status=AMENDED, number=5),
        line(TWO, number=12),
        line(VISIT, visit, status=VOIDED, number=6, reason="Nhầm"),
        line(
            replace(VISIT, advice="Uống nhiều nước"),
            visit,
            status=AMENDED,
            number=7,
            reason="Bổ sung",
        ),
        line(PatientLink(id=made_id(910), survivor_id=ONE.id, duplicate_id=TWO.id)),
        line(sample.USER),
        b"nothing",
    ]
    pool += chance.sample(pool, 4)
    chance.shuffle(pool)
    pages: list[list[bytes]] = [[]]
    for one in pool:
        if chance.random() < 0.15:
            pages.append([])
        pages[-1].append(one)
    same(pcs(), *pages)
