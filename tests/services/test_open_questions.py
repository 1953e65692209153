"""Every question that a record leaves open can be answered at the desk, however it came here: over a
merge that this machine never had (docs/sync.md, "Two people, one record").
"""

from dataclasses import replace

import pytest

from station_emr.domain.record import RecordKind, RecordStatus
from station_emr.services.desk_views import Choice
from tests.services.replicas import Machine, sealed

PATIENT = RecordKind.PATIENT


@pytest.fixture
def here(station):
    return Machine("may0", station.store, station.clock, {})


def arrives(here, first, number, **said):
    """A version of another machine; ``record`` and ``base`` are the first one's unless they are given."""
    record, base = said.pop("record", first.record), said.pop("base", (first.op_id,))
    envelope = replace(
        first.envelope,
        base=tuple(sorted(base)),
        incarnation="may1",
        number=number,
        status=RecordStatus.AMENDED,
        **said,
    )
    operation = sealed(envelope, record)
    here.lines[operation.line] = operation
    here.take(operation)
    return operation


def answered(station, patient_id):
    """What the desk offers for the phone; afterwards nothing is open any more."""
    desk = station.services.conflicts
    view = desk.open(station.nurse, PATIENT, patient_id)
    rows = [row for row in view.differences if row.path.startswith("phone")]
    desk.decide(
        station.nurse,
        PATIENT,
        patient_id,
        {row.path: Choice.OTHER for row in rows},
        expected_version=view.version,
    )
    assert desk.count() == 0
    return {rows[0].one, *(row.other for row in rows)}


def test_what_was_written_over_a_merge_that_never_came_here(station, here):
    """Its line stands on the sides of the merge, because only they travelled."""
    patient = station.register(phone="0900000001")
    (first,) = here.operations(PATIENT, patient.id)
    one = arrives(here, first, 1, record=replace(first.record, phone="0900000002"))
    other = arrives(here, first, 2, record=replace(first.record, phone="0900000003"))
    arrives(
        here,
        first,
        3,
        record=replace(one.record, note="ghi thêm"),
        base=(one.op_id, other.op_id),
        open_fields=("phone",),
    )

    assert answered(station, patient.id) == {"0900000002", "0900000003"}


def test_a_value_that_only_a_refused_version_had(station, here):
    """The question travelled with the correction, the version that asked it did not."""
    patient = station.register(phone="0900000001")
    (first,) = here.operations(PATIENT, patient.id)
    one = arrives(here, first, 1, record=replace(first.record, phone="0900000002"))
    arrives(
        here,
        first,
        2,
        record=replace(first.record, phone="0900000003"),
        base=(first.op_id, one.op_id),
        open_fields=("phone",),
    )

    assert answered(station, patient.id) == {"0900000002", "0900000003"}


def test_a_record_that_began_with_a_refused_version(station, here):
    """Nothing is known of what the corrected one was written on."""
    patient = station.register(phone="0900000001")
    (first,) = here.operations(PATIENT, patient.id)
    arrives(
        here,
        first,
        1,
        record=replace(first.record, phone="0900000002"),
        base=(),
        open_fields=("phone",),
    )

    assert answered(station, patient.id) == {"0900000001", "0900000002"}


def test_a_question_whose_other_value_never_came_is_confirmed(station, here):
    """Its version was refused and corrected on another machine; what is left is one value."""
    patient = station.register(phone="0900000001")
    (first,) = here.operations(PATIENT, patient.id)
    arrives(here, first, 1, record=replace(first.record, note="ghi"), open_fields=("phone",))

    desk = station.services.conflicts
    (row,) = desk.open(station.nurse, PATIENT, patient.id).differences
    assert (row.one, row.other, row.confirms) == ("0900000001", "0900000001", True)
    assert answered(station, patient.id) == {"0900000001"}
