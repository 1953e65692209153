"""A decision answers the question that was asked, and no later one about the same field."""

from station_emr.domain.record import RecordKind
from tests.services.replicas import exchange
from tests.services.test_replication import author, shared  # noqa: F401 -- a fixture

PATIENT = RecordKind.PATIENT


def test_a_decision_does_not_close_what_it_never_heard_of(machines, author):  # noqa: F811
    patient = shared(machines, author)
    here, there, third = machines
    third.edit(PATIENT, patient.id, author, note="C")
    here.edit(PATIENT, patient.id, author, note="A")
    there.edit(PATIENT, patient.id, author, note="B")
    exchange(PATIENT, patient.id, here, there)
    there.edit(PATIENT, patient.id, author, phone="0900000008")
    exchange(PATIENT, patient.id, here, there)
    here.settle(PATIENT, patient.id, author)
    there.take(*third.operations(PATIENT, patient.id))
    there.edit(PATIENT, patient.id, author, phone="0900000009")
    assert "note" in there.state(PATIENT, patient.id)["open"]
    exchange(PATIENT, patient.id, here, there, third)
    assert ["note" in one.state(PATIENT, patient.id)["open"] for one in machines] == [True] * 3
