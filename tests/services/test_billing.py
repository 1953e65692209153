"""Bills of visits: drafted from what was done, held to the lists and rules, closed once, kept."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest

from station_emr.domain.billing import Help, ItemKind, Sources
from station_emr.domain.encounter import Procedure
from station_emr.domain.errors import InvalidRecord, PermissionDenied, StateError, UserError
from station_emr.domain.patient import Coverage
from station_emr.domain.record import RecordKind, RecordStatus
from station_emr.domain.signature import SignatureState
from station_emr.domain.user import Role

from .signing_desk import Desk
from .visit_samples import prescription, sign, visit

D = Decimal
CARD = Coverage(number="DN4520000000001", valid_from=date(2026, 1, 1), valid_to=date(2026, 12, 31))
LATER = replace(CARD, number="GD4520000000002", valid_from=date(2026, 12, 1), valid_to=None)


def treated(station, *, signed=True, card=CARD, procedures=True, **changes):
    """A visit with an examination, a test, a procedure and a drug."""
    person = station.register(coverages=(card,) if card else ())
    encounter = visit(station, person)
    at = encounter.started_at
    if procedures:
        encounter = replace(
            encounter,
            procedures=(
                Procedure(
                    code="glucose-mao-mach",
                    name="Đường huyết mao mạch",
                    is_test=True,
                    result="5,6",
                    ordered_at=at,
                    started_at=at + timedelta(minutes=2),
                    ended_at=at + timedelta(minutes=4),
                    performer_licence="000009/XX-CCHN",
                ),
                Procedure(code="thay-bang", name="Thay băng vết thương", started_at=at),
                Procedure(code="do-huyet-ap", name="Đo huyết áp", started_at=at),
            ),
        )
    encounter = replace(encounter, **changes)
    station.services.encounters.save_draft(station.doctor, encounter)
    drugs = prescription(station, encounter)
    station.services.prescriptions.save_draft(station.doctor, drugs)
    if signed:
        sign(station, encounter, prescription=drugs)
    return encounter


def problems(station, bill) -> set[str]:
    with pytest.raises(InvalidRecord) as refused:
        station.services.billing.sign(station.nurse, bill)
    return {f"{one.field}:{one.code}" for one in refused.value.problems}


def closed(station, **changes):
    billing = station.services.billing
    bill = billing.prepare(station.nurse, treated(station, **changes).id)
    bill_id = billing.sign(station.nurse, bill).id_of(RecordKind.BILL)
    return billing.get(station.nurse, bill_id)


def test_the_draft_holds_what_was_done_and_prescribed(station) -> None:
    encounter = treated(station, signed=False)

    bill = station.services.billing.prepare(station.nurse, encounter.id)

    assert [(item.kind, item.group) for item in bill.items] == [
        (ItemKind.SERVICE, "13"),
        (ItemKind.SERVICE, "1"),
        (ItemKind.SERVICE, "18"),
        (ItemKind.DRUG, "4"),
    ]
    exam, test, dressing, drug = bill.items
    assert all(item.benefit == 100 for item in bill.items)  # care at a commune station
    assert (test.done_by, test.result_at) == (
        "000009/XX-CCHN",
        encounter.started_at + timedelta(minutes=4),
    )
    assert dressing.done_at is not None
    assert drug.dosage == "1 viên/lần * 1 lần/ngày * 3 ngày [1 viên/ngày]"
    assert drug.quantity == 3
    assert (drug.code, drug.registration[:3], drug.tender) == (
        "40.48",
        "VD-",
        "0/QĐ-DEMO;G1;N4;2026",
    )
    assert exam.price == D(30000)
    assert bill.totals.t_bhtt == bill.totals.t_tongchi_bv
    assert bill.coverage == CARD


def test_somebody_without_a_card_pays_alone(station) -> None:
    bill = station.services.billing.prepare(station.nurse, treated(station, card=None).id)

    assert {(item.scope, item.insured_ratio, item.benefit) for item in bill.items} == {("2", 0, 0)}
    assert bill.totals.patient_pays == bill.totals.t_tongchi_bv > 0


def test_a_drug_without_an_approved_row_says_what_is_missing(station) -> None:
    encounter = visit(station, station.register(coverages=(CARD,)))
    drugs = prescription(station, encounter, "acarbose 50")  # prescribed, but in no approved list
    sign(station, encounter, prescription=drugs)

    bill = station.services.billing.prepare(station.nurse, encounter.id)

    row = bill.items[-1]
    assert (row.name, row.price) == ("Acarbose 50 mg", 0)
    assert {"items.1.code:not-listed", "items.1.price:price-missing"} <= problems(station, bill)


def test_values_of_one_test_are_charged_once(station) -> None:
    at = station.clock.now()
    value = Procedure(
        code="nuoc-tieu-10", name="Nước tiểu", is_test=True, ordered_at=at, started_at=at
    )
    several = tuple(replace(value, indicator=name) for name in ("GLU", "PRO", "LEU"))
    person = station.register(coverages=(CARD,))
    draft = replace(visit(station, person), procedures=several)
    station.services.encounters.save_draft(station.doctor, draft)

    bill = station.services.billing.prepare(station.nurse, draft.id)

    assert [item.code for item in bill.items] == ["VD.KHAM-BENH", "VD.NUOC-TIEU-10"]


def test_closing_numbers_freezes_and_queues(station) -> None:
    stored = closed(station)

    bill = stored.record
    assert stored.status is RecordStatus.SIGNED
    assert bill.number.endswith("0001/2026/BK")
    assert bill.closed_at == bill.signature.at
    assert bill.patient.full_name
    assert bill.practitioner == station.nurse.user.snapshot
    assert bill.visit_number
    with station.store.read() as work:
        queued = {(each.kind, each.record_id) for each in work.outbox.waiting(50)}
    assert (RecordKind.BILL, bill.id) in queued
    sums = station.services.billing.sums(station.nurse, date(2026, 1, 1), date(2026, 12, 31))
    assert (sums.count, sums.amount, sums.fund) == (
        1,
        bill.totals.t_tongchi_bv,
        bill.totals.t_bhtt,
    )


def test_a_bill_is_closed_after_its_visit_and_once(station) -> None:
    billing = station.services.billing
    bill = billing.prepare(station.nurse, treated(station, signed=False).id)
    with pytest.raises(StateError, match="chưa ký"):
        billing.sign(station.nurse, bill)
    one = closed(station).record
    again = billing.prepare(station.nurse, one.encounter_id)
    with pytest.raises(StateError, match="bảng kê"):
        billing.sign(station.nurse, again)


def test_amending_keeps_number_and_day_and_wants_a_reason(station) -> None:
    stored = closed(station)
    billing = station.services.billing
    changed = replace(stored.record, items=stored.record.items[:-1], closed_at=None, number="X")
    with pytest.raises(InvalidRecord):
        billing.amend(station.nurse, changed, stored.version, " ")

    billing.amend(station.nurse, changed, stored.version, "Người bệnh trả lại thuốc")

    now = billing.get(station.nurse, stored.record.id)
    assert now.status is RecordStatus.AMENDED
    assert (now.record.number, now.record.closed_at) == (
        stored.record.number,
        stored.record.closed_at,
    )
    assert len(now.record.items) == len(stored.record.items) - 1


def test_a_visit_that_is_voided_takes_its_bill_along(station) -> None:
    bill = closed(station).record

    station.services.encounters.void(station.doctor, bill.encounter_id, "Nhầm người")

    assert station.services.billing.get(station.nurse, bill.id).status is RecordStatus.VOIDED
    sums = station.services.billing.sums(station.nurse, date(2026, 1, 1), date(2026, 12, 31))
    assert sums.count == 0


def test_refilling_adds_what_is_new_and_leaves_what_was_set(station) -> None:
    encounter = treated(station, signed=False)
    billing = station.services.billing
    bill = billing.prepare(station.nurse, encounter.id)
    mine = replace(bill.items[0], price=D(20000), insured_price=D(20000))
    bill = replace(bill, items=(mine, *bill.items[1:3]))  # the drug was taken out

    filled = billing.refill(station.nurse, bill)

    assert filled.items[:3] == bill.items
    assert [item.kind for item in filled.items[3:]] == [ItemKind.DRUG]
    assert billing.refill(station.nurse, filled) == filled


def test_rows_are_found_and_added_from_the_lists(station) -> None:
    billing = station.services.billing
    bill = billing.prepare(station.nurse, treated(station).id)
    gauze = billing.search(ItemKind.MATERIAL, "gac phau thuat")[0]
    exam = billing.search(ItemKind.SERVICE, "kham benh")[0]

    bill = billing.add(station.nurse, billing.add(station.nurse, bill, gauze), exam)

    material, second = bill.items[-2:]
    assert (material.kind, material.group, material.benefit) == (ItemKind.MATERIAL, "10", 100)
    assert second.service_ratio == 30  # the second examination of the visit
    assert material.ordered_by == station.doctor.user.licence_no


def test_drugs_for_an_upper_level_follow_the_card_unless_the_whole_is_small(station) -> None:
    billing = station.services.billing
    encounter = treated(station, care_kind="07", visit_object="10", procedures=False)
    bill = billing.prepare(station.nurse, encounter.id)
    assert [item.kind for item in bill.items] == [ItemKind.DRUG]  # nobody was examined
    assert bill.items[0].benefit == 100

    big = replace(bill, items=(replace(bill.items[0], quantity=D(5000)),))
    counted = billing.recount(station.nurse, big)

    assert counted.items[0].benefit == 80
    assert "items.0.benefit:benefit-other" in problems(station, big)


def test_the_base_salary_of_the_day_decides_what_is_small(station) -> None:
    billing = station.services.billing
    assert billing.base_salary(date(2026, 11, 22)) == D(2340000)
    with pytest.raises(UserError):
        billing.set_base_salary(station.director, date(2026, 7, 1), D(0))
    with pytest.raises(PermissionDenied):
        billing.set_base_salary(station.nurse, date(2026, 7, 1), D(2600000))

    billing.set_base_salary(station.director, date(2026, 7, 1), D(2600000))

    assert billing.base_salary(date(2026, 6, 30)) == D(2340000)
    assert billing.base_salary(date(2026, 7, 1)) == D(2600000)


def test_a_card_that_came_meanwhile_pays_for_its_own_days(station) -> None:
    old = replace(CARD, valid_to=date(2026, 11, 30))
    person = station.register(coverages=(old, LATER))
    encounter = visit(station, person)
    kept = replace(
        encounter,
        care_kind="06",
        coverage_number=old.number,
        ended_at=encounter.arrived_at + timedelta(days=14),
        procedures=(
            Procedure(code="thay-bang", name="Thay băng", started_at=encounter.started_at),
            Procedure(
                code="thay-bang",
                name="Thay băng",
                ordered_at=encounter.arrived_at + timedelta(days=13),
                started_at=encounter.arrived_at + timedelta(days=13),
            ),
        ),
    )
    station.services.encounters.save_draft(station.doctor, kept)

    bill = station.services.billing.prepare(station.nurse, kept.id)

    assert bill.more_coverages == (LATER,)
    assert [item.card for item in bill.items] == ["", "", LATER.number]
    assert [part.card for part in bill.parts()] == [old.number, LATER.number]


def test_example_prices_are_for_the_demonstration_alone(station) -> None:
    billing = station.services.billing
    bill = billing.prepare(station.nurse, treated(station).id)
    with station.store.write() as work:
        profile = replace(work.settings.station(), demo=False, code="52999")
        work.settings.save_station(profile, station.clock.now())

    assert "items.0.price:example-price" in problems(station, bill)


def test_a_price_above_the_list_and_help_are_asked_about(station) -> None:
    billing = station.services.billing
    bill = billing.prepare(station.nurse, treated(station).id)
    dear = replace(bill.items[0], price=D(31000))
    helped = replace(bill.items[1], sources=Sources(nsnn=D(1000)), help=Help.PERSON)
    bill = replace(bill, items=(dear, helped, *bill.items[2:]))

    found = problems(station, bill)

    assert {"items.0.price:price-over-list", "items:fund-formula"} == found
    billing.sign(station.nurse, bill, found)


def test_who_may(station) -> None:
    billing = station.services.billing
    encounter = treated(station)
    bill = billing.prepare(station.actor(Role.PHARMACIST), encounter.id)
    billing.save_draft(station.actor(Role.PHARMACIST), bill)
    for role in (Role.INSPECTOR, Role.ADMINISTRATOR):
        with pytest.raises(PermissionDenied):
            billing.prepare(station.actor(role), encounter.id)
        with pytest.raises(PermissionDenied):
            billing.sign(station.actor(role), bill)
    assert billing.of_encounter(station.actor(Role.INSPECTOR), encounter.id).record == bill
    with pytest.raises(PermissionDenied):
        billing.rows(station.actor(Role.ADMINISTRATOR), date(2026, 1, 1), date(2026, 12, 31))


def test_the_list_shows_visits_with_and_without_a_bill(station) -> None:
    one = closed(station).record
    other = treated(station)

    rows = station.services.billing.rows(station.nurse, date(2026, 1, 1), date(2026, 12, 31))

    by_visit = {row.encounter_id: row for row in rows}
    assert by_visit[one.encounter_id].number == one.number
    assert by_visit[one.encounter_id].amount == one.totals.t_tongchi_bv
    assert by_visit[other.id].bill_id == ""
    assert by_visit[other.id].status is None


def test_the_printed_bill_is_logged_with_its_copy(station) -> None:
    bill = closed(station).record

    printed = station.services.prints.print(station.nurse, RecordKind.BILL, bill.id)

    assert printed.pdf.startswith(b"%PDF")
    assert printed.file_name == f"bang-ke-{bill.number.replace('/', '-')}.pdf"
    history = station.services.versions.history(station.doctor, RecordKind.BILL, bill.id)
    assert len(history.rows) == 1
    view = station.services.versions.view(station.doctor, RecordKind.BILL, bill.id, 1)
    print(view.lines)
    assert any("Khám bệnh" in line for _name, line in view.lines)


def test_a_closed_bill_is_signed_like_a_letter(station, tmp_path) -> None:
    desk = Desk(station, tmp_path)
    desk.use_file()
    billing = station.services.billing
    bill = billing.prepare(station.doctor, treated(station).id)
    bill_id = billing.sign(station.doctor, bill).id_of(RecordKind.BILL)
    waiting = [one for one in desk.signing.waiting(station.doctor) if one.kind is RecordKind.BILL]
    assert [one.record_id for one in waiting] == [bill_id]

    report = desk.batch(names=[(RecordKind.BILL, bill_id, 1)])

    assert [one.record_id for one in report.signed] == [bill_id]
    (view,) = desk.signatures.of(station.doctor, RecordKind.BILL, bill_id).signatures
    assert view.state is SignatureState.UNCHECKED  # content and seal hold; nobody to ask is near
    with station.store.read() as work:
        (made,) = work.signatures.of(RecordKind.BILL, bill_id)
    assert made.media_type == "application/pdf"


def test_what_the_visit_has_and_the_bill_lacks_is_told_but_stops_nobody(station) -> None:
    billing = station.services.billing
    bill = billing.prepare(station.nurse, treated(station).id)
    patient = station.services.patients.get(station.nurse, bill.patient_id).record
    assert billing.check(bill, patient) == ()
    fewer = replace(bill.items[3], quantity=D(2))
    less = replace(bill, items=(bill.items[0], bill.items[2], fewer))

    told = {(one.field, one.code, one.severity) for one in billing.check(less, patient)}

    assert told == {
        ("items", "visit-row-missing", "info"),
        ("items.2.quantity", "quantity-prescribed", "info"),
    }
    billing.sign(station.nurse, less)


def test_a_drug_of_a_prescription_that_is_gone_is_asked_about(station) -> None:
    billing = station.services.billing
    encounter = treated(station, signed=False)
    bill = billing.prepare(station.nurse, encounter.id)
    draft = station.services.prescriptions.of_encounter(station.doctor, encounter.id).record
    station.services.prescriptions.discard(station.doctor, draft.id)
    sign(station, encounter)

    assert problems(station, bill) == {"items.3.code:prescription-gone"}
