"""Bills of visits with restricted content: nobody reads in them what the visit keeps closed."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from station_emr.domain.encounter import Diagnosis, DiagnosisRole, Procedure
from station_emr.domain.errors import PermissionDenied
from station_emr.domain.record import RecordKind

from .test_billing import CARD
from .visit_samples import sign, visit

HIV = Diagnosis(
    icd_code="Z21", title="Tình trạng nhiễm HIV không triệu chứng", role=DiagnosisRole.MAIN
)
TEST = Procedure(code="hiv", name="Xét nghiệm nhanh HIV (sàng lọc)", is_test=True, result="…")


@pytest.fixture
def restricted(station):
    """A closed bill of a restricted visit, and the visit's id."""
    encounter = replace(
        visit(station, station.register(coverages=(CARD,))), diagnoses=(HIV,), procedures=(TEST,)
    )
    station.services.encounters.save_draft(station.doctor, encounter)
    sign(station, encounter)
    billing = station.services.billing
    bill = billing.prepare(station.doctor, encounter.id)
    assert any(item.code == "VD.HIV" for item in bill.items)
    changed = billing.sign(station.doctor, bill)
    return changed.id_of(RecordKind.BILL), encounter.id


def test_the_bill_is_closed_to_who_may_not_see_the_visit(station, restricted) -> None:
    bill_id, encounter_id = restricted
    billing, nurse = station.services.billing, station.nurse
    for look in (
        lambda: billing.get(nurse, bill_id),
        lambda: billing.of_encounter(nurse, encounter_id),
        lambda: billing.by_name(nurse, bill_id),
        lambda: billing.prepare(nurse, encounter_id),
        lambda: station.services.prints.preview(nurse, RecordKind.BILL, bill_id),
    ):
        with pytest.raises(PermissionDenied, match="hạn chế"):
            look()

    assert billing.get(station.doctor, bill_id).record.diagnoses == (HIV,)


def test_the_list_says_that_there_is_a_bill_and_nothing_more(station, restricted) -> None:
    _bill_id, encounter_id = restricted
    rows = station.services.billing.rows(station.nurse, date(2026, 1, 1), date(2026, 12, 31))

    (row,) = [one for one in rows if one.encounter_id == encounter_id]
    assert "HIV" not in repr(row)
