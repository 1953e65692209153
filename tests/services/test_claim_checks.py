"""The named rules over visits of a real station: what is said when, where it is mended, what leaves."""

from __future__ import annotations

from dataclasses import replace

import pytest

from station_emr.domain.claim import Finding, Severity, blocking
from station_emr.domain.encounter import Diagnosis, DiagnosisRole
from station_emr.domain.errors import PermissionDenied
from station_emr.interop.bhyt.checks import NamedRules
from station_emr.interop.bhyt.envelope import record_file
from station_emr.interop.bhyt.insurance_format import InsuranceFormat
from station_emr.services.claim_files import ClaimFiles
from station_emr.services.claim_findings import ClaimFindings
from station_emr.services.claim_places import Origin, placed
from tests.interop.checks.clean_claims import OUTPATIENT, changed

from .claim_samples import CARD, SIGNS, billed, fill_in, seen
from .visit_samples import VITALS


@pytest.fixture
def checks(station):
    return station.services.claim_checks


def rules(check) -> set[str]:
    return {fault.finding.rule for fault in check.faults if fault.blocks}


def test_a_visit_that_is_ready_has_nothing_that_blocks(station, checks) -> None:
    check = checks.of_visit(station.doctor, billed(station).id)
    assert check.insured
    assert check.billed
    assert check.errors == 0, check.faults


def test_a_visit_without_a_card_is_no_claim(station, checks) -> None:
    from_nobody = station.register(coverages=())
    made = station.services.encounters.check_in(station.nurse, from_nobody.id)
    check = checks.of_visit(station.doctor, made.items[0].record_id)
    assert not check.insured
    assert check.faults == ()


def test_while_a_visit_is_written_only_what_is_due_is_told(station, checks) -> None:
    open_visit = seen(station, signed=False, vitals=VITALS)
    check = checks.of_visit(station.nurse, open_visit.id)
    assert not check.billed
    assert "tyt-weight" in rules(check)
    told = {fault.finding.element for fault in check.faults}
    assert not told & {"T_BHTT", "T_TONGCHI_BV", "NGAY_RA", "MA_HSBA"}


def test_a_weight_put_in_takes_the_fault_away(station, checks) -> None:
    open_visit = seen(station, signed=False, vitals=VITALS)
    services = station.services
    yes = [f"vitals.{name}:unusual" for name in ("pulse", "temperature", "weight")]
    services.encounters.record_vitals(station.nurse, open_visit.id, SIGNS, yes)
    assert "tyt-weight" not in rules(checks.of_visit(station.nurse, open_visit.id))


def test_each_fault_leads_to_its_field(station, checks) -> None:
    open_visit = seen(station, signed=False, vitals=VITALS)
    check = checks.of_visit(station.nurse, open_visit.id)
    weight = next(one.finding for one in check.faults if one.finding.element == "CAN_NANG")
    assert weight.place.screen == "visit"
    assert weight.place.field == "vitals.weight"
    assert weight.place.encounter_id == open_visit.id
    assert weight.place.patient_id == open_visit.patient_id


def test_a_row_leads_to_the_row_of_the_bill_it_came_from(station) -> None:
    encounter = billed(station)
    with station.store.read() as work:
        bill = work.bills.of_encounter(encounter.id).record
    origin = Origin(patient_id=encounter.patient_id, encounter=encounter, bill=bill)
    finding = Finding(
        rule="gdh-47", severity=Severity.BLOCKING, table="XML2", row=0, element="THANH_TIEN_BV"
    )
    place = placed(finding, origin).place
    drug = next(place_ for place_, item in enumerate(bill.items) if item.code == "40.48")
    assert (place.screen, place.field) == ("bill", f"items.{drug}.price")
    dose = placed(replace(finding, element="LIEU_DUNG"), origin).place
    assert (dose.screen, dose.field) == ("prescription", "prescription.lines.0.dose")


def test_what_is_mended_at_one_place_is_one_fault(station, checks) -> None:
    encounter = billed(station)
    fill_in(station, '{"department": "", "head_code": "000001/MAU-GPHN"}')
    check = checks.of_visit(station.doctor, encounter.id)
    departments = [one for one in check.faults if one.finding.element == "MA_KHOA"]
    assert len(departments) == len({one.finding.rule for one in departments})
    assert max(one.count for one in departments) > 1
    assert departments[0].finding.place.screen == "settings"


def test_nothing_with_a_blocking_finding_is_written_out(station, checks) -> None:
    good, bad = billed(station), billed(station, card=replace(CARD, number="ZZ4520000000001"))
    made = station.services.claims.export(station.doctor, [good.id, bad.id])
    assert [one.encounter_id for one in made.files] == [good.id]
    (held,) = made.held_back
    assert held.encounter_id == bad.id
    finding = next(one for one in blocking(held.findings) if one.rule == "gdh-8")
    assert finding.place.screen == "patient"
    assert finding.place.patient_id == bad.patient_id


def test_what_is_found_in_a_file_leads_to_the_visit_it_was_made_of(station) -> None:
    encounter = billed(station)
    claim = station.services.claims.preview(station.doctor, encounter.id).claim
    findings = findings_at(station)
    found = findings.findings_of(changed(claim, "XML2", MA_NHOM="8"))
    place = next(one for one in found if one.rule == "gdh-39").place
    assert (place.screen, place.encounter_id) == ("bill", encounter.id)
    assert place.field.startswith("items.")


def test_before_sending_two_of_one_encounter_are_told_apart(station) -> None:
    findings = findings_at(station)
    twin = changed(OUTPATIENT, "XML1", GHI_CHU="khác")
    _first, second = findings.before_sending([OUTPATIENT, twin])
    assert "batch-ma-lk" in {one.rule for one in blocking(second)}


def findings_at(station) -> ClaimFindings:
    store, clock = station.store, station.clock
    files = ClaimFiles(store, clock, InsuranceFormat())
    return ClaimFindings(store, clock, station.services.catalogs._search, NamedRules(), files)


def test_a_restricted_visit_is_not_looked_through_for_others(station, checks) -> None:
    open_visit = seen(station, signed=False)
    secret = Diagnosis(icd_code="B20", title="Bệnh mẫu", role=DiagnosisRole.MAIN)
    station.services.encounters.save_draft(station.doctor, replace(open_visit, diagnoses=(secret,)))
    with pytest.raises(PermissionDenied):
        checks.of_visit(station.nurse, open_visit.id)


def test_a_file_of_another_program_is_checked_whole(station, checks) -> None:
    found = checks.of_file(station.doctor, record_file(changed(OUTPATIENT, "XML2", MA_NHOM="8")))
    assert not found.may_be_sent
    (claim,) = found.claims
    assert "gdh-39" in {one.rule for one in claim.findings}
    with station.store.read() as work:
        assert [row for row in work.audit.rows(5) if row.action == "claim.check"]


def test_a_file_that_is_no_claim_says_so_and_checks_nothing(station, checks) -> None:
    found = checks.of_file(station.doctor, b"<khong/>")
    assert not found.may_be_sent
    assert found.claims == ()
    assert blocking(found.file.findings)
