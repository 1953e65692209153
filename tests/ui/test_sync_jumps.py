"""From a refused line of the sync page to the field that the province would not take."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from PySide6.QtWidgets import QApplication

from station_emr.domain.permissions import Action, Role
from station_emr.domain.record import RecordKind, RecordStatus
from station_emr.domain.sync import OutboxItem
from station_emr.interop.fhir.units import build_unit
from station_emr.services.record_stores import record_store
from station_emr.services.sync_ports import KeptOperation
from station_emr.services.visits import VisitPapers
from station_emr.sync.verdicts import refusal_reason
from station_emr.ui.models import routes
from station_emr.ui.screens.encounter import EncounterScreen
from station_emr.ui.screens.referrals import ReferralsScreen
from station_emr.ui.screens.sync import SyncScreen
from station_emr.ui.screens.sync.jump import place_of
from tests.services.visit_samples import prescription, visit
from tests.ui.driver import ScreenDriver, answers
from tests.ui.visits import letter, signed_letter
from tests.ui.visits import visit as letter_visit

__all__ = ["answers", "letter", "letter_visit", "signed_letter"]


@pytest.fixture(name="visit")
def visit_of_letters(letter_visit):
    return letter_visit


@pytest.fixture
def refuse(station):
    """``refuse(kind, record_id, end, inner)``: the province would not take that element of what
    was sent; ``end`` is how the id of its resource ends.
    """

    def make(kind: RecordKind, record_id: str, end: str, inner: str) -> OutboxItem:
        with station.store.write() as work:
            items = work.outbox.operations(500, station.clock.now().date())
            item = next(i for i in items if (i.kind, i.record_id) == (kind, record_id))
            stored = record_store(work, kind).get(record_id)
            unit = json.loads(
                json.dumps(build_unit(kind, stored.record, stored.status), default=float)
            )
            line = json.dumps({"resources": unit}).encode()
            kept = KeptOperation(
                op_id="ab" * 16,
                kind=kind.value,
                record_id=record_id,
                version=stored.version,
                line=line,
                held=False,
            )
            work.operations.keep(kept)
            place = next(i for i, one in enumerate(unit) if one["id"].endswith(end))
            issue = {
                "severity": "error",
                "code": "value",
                "expression": [f"Bundle.entry[{place}].resource.{inner}"],
            }
            work.outbox.quarantine(item, refusal_reason([issue], unit), station.clock.now())
        return item

    return make


class SyncPage(ScreenDriver):
    def __init__(self, qtbot, session) -> None:
        super().__init__(qtbot, SyncScreen(session))
        self.screen.on_enter()
        self.until(lambda: self.screen.refused.rows != ())
        self.press_button("sync.tab.1")

    def jump(self) -> tuple[str, object]:
        self.press_button("sync.mend")
        return self.went[-1]


def at() -> str:
    focused = QApplication.focusWidget()
    return focused.objectName() if focused is not None else ""


def signed_visit(station, *, drugs=()) -> tuple[str, str]:
    """Ids of a signed visit and its prescription."""
    encounter = visit(station, station.register())
    paper = (
        prescription(station, encounter, *drugs, dose=Decimal(1), times_per_day=2)
        if drugs
        else None
    )
    made = station.services.visits.sign(
        station.doctor, VisitPapers(encounter=encounter, prescription=paper)
    )
    return encounter.id, made.id_of(RecordKind.PRESCRIPTION) if drugs else ""


@pytest.mark.parametrize(
    ("end", "inner", "field", "words", "focus"),
    [
        (
            "-v1-temp",
            "valueQuantity.value",
            "vitals.temperature",
            "Nhiệt độ",
            "vitals.temperature",
        ),
        ("-d1", "code.coding[0].code", "diagnoses", "Chẩn đoán", "encounter.diagnosis"),
    ],
)
def test_a_refused_visit_opens_at_the_field(
    qtbot, session_of, station, refuse, answers, end, inner, field, words, focus
) -> None:
    visit_id, _paper = signed_visit(station)
    refuse(RecordKind.ENCOUNTER, visit_id, end, inner)
    page = SyncPage(qtbot, session_of(Role.DOCTOR))

    assert page.screen.mend.text().replace("&", "") == f"Mở để sửa: {words}"
    route = routes.EncounterRoute(visit_id, field)
    assert page.jump() == (routes.ENCOUNTER, route)
    page.sweep()

    desk = ScreenDriver(qtbot, EncounterScreen(page.screen._session))
    desk.screen.on_enter(route)
    desk.until_said("Máy chủ tỉnh chưa nhận mục này. Bấm “Sửa đổi có lý do”")
    answers.next = ["Ghi nhầm"]
    desk.press_button("encounter.amend")
    desk.until(lambda: at() == focus)


def test_a_note_of_a_signed_visit_is_gone_to_at_once(qtbot, session_of, station, refuse) -> None:
    visit_id, _paper = signed_visit(station)
    screen = EncounterScreen(session_of(Role.NURSE))
    desk = ScreenDriver(qtbot, screen)

    screen.on_enter(routes.EncounterRoute(visit_id, "examination"))

    desk.until(lambda: at() == "story.examination")
    desk.until_said("Người được ký lượt khám mới sửa được.")


def test_a_refused_prescription_opens_at_the_drug(
    qtbot, session_of, station, refuse, answers
) -> None:
    visit_id, paper_id = signed_visit(station, drugs=("paracetamol 500", "oresol"))
    refuse(RecordKind.PRESCRIPTION, paper_id, "-l2", "dispenseRequest.quantity.value")
    page = SyncPage(qtbot, session_of(Role.DOCTOR))

    page.until(lambda: page.screen.mend.text().endswith("Thuốc 2: số lượng"))
    route = routes.EncounterRoute(visit_id, "prescription.lines.1.quantity")
    assert page.jump() == (routes.ENCOUNTER, route)
    page.sweep()

    desk = ScreenDriver(qtbot, EncounterScreen(page.screen._session))
    desk.screen.on_enter(route)
    row = desk.screen.form.prescription
    desk.until(lambda: len(row.rows) == 2 and row.rows[1].quantity.editor.hasFocus())


def test_a_refused_letter_opens_at_its_item(
    qtbot, session_of, station, signed_letter, refuse, answers
) -> None:
    letter_id = signed_letter()
    with station.store.read() as work:
        record = work.referrals.get(letter_id).record
    unit = build_unit(RecordKind.REFERRAL, record, work_status(station, letter_id))
    details = next(
        i for i, one in enumerate(unit[0]["extension"]) if one["url"].endswith("referral-letter")
    )
    parts = unit[0]["extension"][details]["extension"]
    plan = next(i for i, part in enumerate(parts) if part["url"] == "plan")
    refuse(
        RecordKind.REFERRAL, letter_id, letter_id, f"extension[{details}].extension[{plan}].value"
    )
    page = SyncPage(qtbot, session_of(Role.DOCTOR))

    assert page.screen.mend.text().endswith("Hướng điều trị")
    route = routes.ReferralRoute(referral_id=letter_id, field="plan")
    assert page.jump() == (routes.REFERRALS, route)

    desk = ScreenDriver(qtbot, ReferralsScreen(page.screen._session))
    desk.screen.on_enter(route)
    desk.until(lambda: at() == "referral.plan")
    desk.until_said("Bấm “Sửa đổi” để sửa và ký lại.")
    answers.next = ["Ghi nhầm"]
    desk.press_button("referral.amend")
    desk.until(lambda: at() == "referral.plan")


def work_status(station, letter_id):
    with station.store.read() as work:
        return work.referrals.get(letter_id).status


@pytest.mark.parametrize(
    ("kind", "patient_id", "tab"),
    [(RecordKind.REQUEST, "p1", "requests"), (RecordKind.BREACH, "", "breaches")],
)
def test_a_refused_request_or_leak_opens_the_page_of_privacy(kind, patient_id, tab) -> None:
    item = OutboxItem(
        seq=1,
        op_id="",
        kind=kind,
        record_id="r1",
        version=1,
        status=RecordStatus.SIGNED,
        patient_id=patient_id,
        created_at=datetime(2026, 11, 20, tzinfo=UTC),
    )
    place = place_of(item, lambda _action: True)
    assert place == (routes.PRIVACY, routes.PrivacyRoute(patient_id, tab, "r1"))
    assert place_of(item, lambda action: action is not Action.PRIVACY_HANDLE) != place
