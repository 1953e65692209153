"""A database was put back, and the lines that its versions got before come to it again."""

from dataclasses import replace
from datetime import date

import pytest

from station_emr.demo.people import People
from station_emr.domain.operation import Applied, Envelope
from station_emr.domain.permissions import Role
from station_emr.domain.record import RecordKind, RecordStatus
from station_emr.services.merging import UnsealedVersion
from station_emr.services.replication import apply_operation
from tests.services.replicas import sealed

PATIENT = RecordKind.PATIENT


@pytest.fixture(scope="session")
def author(machines):
    with machines[0].store.read() as work:
        return next(u for u in work.users.all() if u.role is Role.DOCTOR).snapshot


@pytest.fixture
def patient(machines, author):
    """Two machines have the first version."""
    here, there, _ = machines
    made = People(3, date(2026, 11, 20)).next()
    made = replace(made, id=here.clock.new_id(), phone="0900000001", note="")
    here.write(PATIENT, made, author)
    there.take(*here.operations(PATIENT, made.id))
    return made


def the_third_of_before(here, patient, author):
    """The line that the third version got when the province had refused the second one."""
    with here.store.read() as work:
        first = work.operations.op_id_of(PATIENT, patient.id, 1)
        content = work.patients.at_version(patient.id, 3)
    envelope = Envelope(
        kind=PATIENT,
        record_id=patient.id,
        status=RecordStatus.AMENDED,
        base=(first,),
        at=here.clock.now(),
        author_id=author.user_id,
        author_name=author.full_name,
        incarnation="earlier",
        number=3,
    )
    line = sealed(envelope, content)
    here.lines[line.line] = line
    return line


def test_a_version_stands_where_its_line_says(machines, author, patient):
    here, there, _ = machines
    here.edit(PATIENT, patient.id, author, phone="0900000002")
    here.seal(PATIENT, patient.id)
    here.edit(PATIENT, patient.id, author, note="Nhà xa")
    line = the_third_of_before(here, patient, author)
    with here.store.write() as work:
        result = apply_operation(work, line, here.clock.now())
    assert result.applied in {Applied.MERGED, Applied.CONFLICT}
    assert not there.take(*here.operations(PATIENT, patient.id)).count(Applied.PARKED)
    state = here.state(PATIENT, patient.id)
    assert state == there.state(PATIENT, patient.id)
    assert (state["record"].phone, state["record"].note) == ("0900000002", "Nhà xa")


def test_nothing_is_written_before_the_other_side_has_its_line(machines, author, patient):
    here, _, _ = machines
    here.edit(PATIENT, patient.id, author, phone="0900000002")
    here.edit(PATIENT, patient.id, author, note="Nhà xa")
    line = the_third_of_before(here, patient, author)
    with here.store.write() as work, pytest.raises(UnsealedVersion) as needed:
        apply_operation(work, line, here.clock.now())
    assert needed.value.version == 2
    with here.store.read() as work:
        assert work.operations.op_id_of(PATIENT, patient.id, 3) == ""
        assert not work.operations.knows([line.op_id])


def test_a_line_that_says_what_stands_here_changes_nothing(machines, author, patient):
    here, _, _ = machines
    here.edit(PATIENT, patient.id, author, phone="0900000002")
    here.seal(PATIENT, patient.id)
    here.edit(PATIENT, patient.id, author, note="Nhà xa")
    with here.store.read() as work:
        second = work.operations.op_id_of(PATIENT, patient.id, 2)
    line = the_third_of_before(here, patient, author)
    line = sealed(replace(line.envelope, base=(second,)), line.record)
    with here.store.write() as work:
        assert apply_operation(work, line, here.clock.now()).applied is Applied.KNOWN
        assert work.operations.op_id_of(PATIENT, patient.id, 3) == line.op_id
        assert work.patients.get(patient.id).version == 3
