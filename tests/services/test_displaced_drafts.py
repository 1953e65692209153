"""What was typed here before another PC's record of the same id came can be read and put away."""

from __future__ import annotations

import shutil
from dataclasses import replace

import pytest
from sqlalchemy import text

from station_emr.db.store import EncryptedStore
from station_emr.demo.clock import DemoClock
from station_emr.domain.errors import PermissionDenied
from station_emr.domain.permissions import Role
from station_emr.domain.record import RecordKind
from tests.services.conftest import KEY, MORNING
from tests.services.replicas import Machine

ENCOUNTER = RecordKind.ENCOUNTER


@pytest.fixture
def displaced(station, template, tmp_path):
    """Id of a visit that was a draft here when the other PC's version of it arrived."""
    lines: dict = {}
    shutil.copy(template, tmp_path / "other.db")
    store = EncryptedStore.open(tmp_path / "other.db", KEY)
    there = Machine("may1", store, DemoClock(MORNING, 8), lines)
    here = Machine("may0", station.store, station.clock, lines)
    person = station.register(full_name="Người Mẫu Một")
    there.take(*here.operations(RecordKind.PATIENT, person.id))
    services = station.services
    visit = services.encounters.check_in(station.nurse, person.id, "Ho").id_of(ENCOUNTER)
    draft = services.encounters.get(station.nurse, visit).record
    there.write(ENCOUNTER, replace(draft, reason="Sốt"), station.doctor.user.snapshot)
    services.encounters.save_draft(station.nurse, replace(draft, advice="Uống nhiều nước"))
    here.take(*there.operations(ENCOUNTER, visit))
    yield visit
    store.close()


def audited(station, action):
    return [
        row
        for row in station.services.accounts.audit(station.director, 500)
        if row.action == action
    ]


def test_the_typed_words_are_shown_with_whose_and_when(station, displaced) -> None:
    (draft,) = station.services.drafts.displaced(station.nurse)

    assert station.services.encounters.get(station.nurse, displaced).record.reason == "Sốt"
    assert (draft.kind, draft.record_id, draft.patient_name) == (
        ENCOUNTER,
        displaced,
        "Người Mẫu Một",
    )
    assert {"Lý do đến khám: Ho", "Lời dặn: Uống nhiều nước"} <= set(draft.lines)
    assert draft.saved_at.date() == MORNING.date()
    assert station.services.drafts.count_displaced() == 1


def test_putting_it_away_is_logged_once(station, displaced) -> None:
    drafts = station.services.drafts
    (draft,) = drafts.displaced(station.nurse)

    drafts.drop_displaced(station.nurse, draft.key)
    drafts.drop_displaced(station.nurse, draft.key)

    assert drafts.displaced(station.nurse) == ()
    (line,) = audited(station, "draft.drop_displaced")
    assert (line.record_id, line.user_name) == (displaced, station.nurse.user.full_name)


def test_an_ordinary_form_is_neither_shown_nor_dropped(station, displaced) -> None:
    drafts = station.services.drafts
    form = drafts.keep(station.nurse, "registration", "{}")

    drafts.drop_displaced(station.nurse, form.key)

    assert drafts.count_displaced() == 1
    assert drafts.find(station.nurse, "registration") is not None


def test_who_may_not_read_the_record_does_not_read_the_draft(station, displaced) -> None:
    drafts = station.services.drafts
    (draft,) = drafts.displaced(station.actor(Role.INSPECTOR))
    with pytest.raises(PermissionDenied):
        drafts.displaced(station.actor(Role.ADMINISTRATOR))
    with pytest.raises(PermissionDenied):
        drafts.drop_displaced(station.actor(Role.INSPECTOR), draft.key)
    assert drafts.count_displaced() == 1


def test_a_draft_that_cannot_be_read_is_shown_as_it_stands(station, displaced) -> None:
    with station.store._writer.begin() as raw:
        raw.execute(text('UPDATE form_draft SET content = \'{"reason": "Ho"}\''))

    (draft,) = station.services.drafts.displaced(station.nurse)

    assert draft.patient_name == "Người Mẫu Một"
    assert draft.lines == ('{"reason": "Ho"}',)


def test_reading_again_is_not_another_look(station, displaced) -> None:
    """A page that is read anew with each arrival writes one line an hour and person."""
    person = station.services.encounters.get(station.nurse, displaced).record.patient_id
    before = len(audited(station, "patient.view"))
    for _ in range(5):
        station.services.patients.card(station.doctor, person)
        station.services.drafts.displaced(station.doctor)

    assert len(audited(station, "patient.view")) == before + 1
