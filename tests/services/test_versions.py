"""The history of a record: listed, shown, compared, brought back, and held against its witnesses."""

from __future__ import annotations

from dataclasses import replace

import pytest

from station_emr.domain.record import RecordKind, RecordStatus

from .visit_samples import appointment, prescription, referral, sign, visit


@pytest.fixture
def signed(station):
    """A visit with its three papers, all signed."""
    encounter = visit(station, station.register())
    papers = {
        "prescription": prescription(station, encounter),
        "appointment": appointment(station, encounter),
        "referral": referral(station, encounter),
    }
    sign(station, encounter, **papers)
    with station.store.read() as work:
        return {
            RecordKind.ENCOUNTER: work.encounters.get(encounter.id),
            RecordKind.PRESCRIPTION: work.prescriptions.get(papers["prescription"].id),
            RecordKind.APPOINTMENT: work.appointments.get(papers["appointment"].id),
            RecordKind.REFERRAL: work.referrals.get(papers["referral"].id),
        }


def test_every_kind_has_its_history(station, signed) -> None:
    for kind, stored in signed.items():
        history = station.services.versions.history(station.doctor, kind, stored.record.id)
        (row,) = history.rows
        assert (row.version, row.status, row.shown) == (1, RecordStatus.SIGNED, True)
        assert row.author_name == station.doctor.user.full_name
        assert row.device == "Máy 1"
        assert len(row.sha256) == 64
        assert row.signatures == ("Xác nhận điện tử",)
        view = station.services.versions.view(station.doctor, kind, stored.record.id, 1)
        assert view.lines
        assert view.row == row
