from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from station_emr.domain.catalog import CatalogKind, drug_of
from station_emr.domain.encounter import Diagnosis, DiagnosisRole, Priority, Stage
from station_emr.domain.errors import InvalidRecord, NotFound, PermissionDenied, StateError
from station_emr.domain.patient import Allergy
from station_emr.domain.permissions import Role
from station_emr.domain.prescription import is_prescription_code, line_from_drug
from station_emr.domain.record import RecordKind, RecordStatus
from station_emr.domain.referral import ReferralReason
from station_emr.domain.vitals import VitalSigns
from station_emr.services.visits import VisitPapers
from tests.printing import pdf

VITALS = VitalSigns(pulse=80, systolic=130, diastolic=80, temperature=Decimal("36.8"))


@pytest.fixture
def patient(station):
    return station.register(
        full_name="Kpă Y Blơi",
        conditions=(),
        allergies=(Allergy(substance="Penicillin", group="penicillin"),),
        coverages=(),
    )


@pytest.fixture
def encounter(station, patient):
    made = station.services.encounters.check_in(station.nurse, patient.id, "Đau ngực")
    encounter_id = made.id_of(RecordKind.ENCOUNTER)
    station.services.encounters.record_vitals(
        station.nurse, encounter_id, VITALS, ["vitals.pulse:unusual"]
    )
    station.services.encounters.start(station.doctor, encounter_id)
    return ready(station, encounter_id)


def ready(station, encounter_id):
    encounter = station.services.encounters.get(station.doctor, encounter_id).record
    return replace(
        encounter,
        vitals=(),
        diagnoses=(Diagnosis(icd_code="I10", title="Tăng huyết áp", role=DiagnosisRole.MAIN),),
        result="2",
    )


def drug(station, text, **changes):
    hit = station.services.catalogs.search(CatalogKind.DRUG, text, 1)[0]
    return replace(line_from_drug(drug_of(hit.row)), **changes)


def referral_for(station, encounter):
    station.services.encounters.save_draft(station.doctor, encounter)
    return replace(
        station.services.referrals.prepare(station.doctor, encounter.id),
        to_facility_name="Bệnh viện (mẫu)",
        reason=ReferralReason.LEVEL_APPROPRIATE,
        plan="Theo dõi",
        transport="Xe cứu thương",
        condition_on_transfer="Tỉnh",
        clinical_signs="Đau ngực trái",
    )


def test_queue_orders_by_urgency_then_arrival(station):
    a, b, c = (station.register(national_id=f"06419299000{i}") for i in range(3))
    station.services.encounters.check_in(station.nurse, a.id)
    station.services.encounters.check_in(station.nurse, b.id, priority=Priority.PRIORITY)
    station.services.encounters.check_in(station.nurse, c.id, priority=Priority.EMERGENCY)
    order = [row.patient_id for row in station.services.encounters.queue(station.nurse)]
    assert order == [c.id, b.id, a.id]
    called = station.services.encounters.call_next(station.doctor)
    first = station.services.encounters.get(station.doctor, called.items[0].record_id).record
    assert first.patient_id == c.id
    assert first.stage is Stage.IN_PROGRESS


def test_checking_in_twice_opens_the_same_visit(station, patient):
    one = station.services.encounters.check_in(station.nurse, patient.id)
    two = station.services.encounters.check_in(station.nurse, patient.id)
    assert one.items[0].record_id == two.items[0].record_id


def test_impossible_vitals_are_refused_unusual_confirmed(station, patient):
    made = station.services.encounters.check_in(station.nurse, patient.id)
    encounter_id = made.items[0].record_id
    with pytest.raises(InvalidRecord):
        station.services.encounters.record_vitals(
            station.nurse, encounter_id, VitalSigns(pulse=900)
        )
    odd = VitalSigns(systolic=250, diastolic=100)
    with pytest.raises(InvalidRecord):
        station.services.encounters.record_vitals(station.nurse, encounter_id, odd)
    assert station.services.encounters.get(station.nurse, encounter_id).record.vitals == ()
    station.services.encounters.record_vitals(
        station.nurse, encounter_id, odd, ["vitals.systolic:unusual"]
    )
    kept = station.services.encounters.get(station.nurse, encounter_id).record
    assert kept.vitals[0].systolic == 250
    assert kept.vitals[0].measured_by == station.nurse.user.full_name


def test_a_nurse_prepares_but_never_signs(station, encounter):
    station.services.encounters.save_draft(station.nurse, encounter)
    with pytest.raises(PermissionDenied):
        station.services.visits.sign(station.nurse, VisitPapers(encounter=encounter))
    assert station.services.encounters.get(station.nurse, encounter.id).status is RecordStatus.DRAFT


def test_a_prescriber_without_licence_cannot_sign(station, encounter):
    doctor = station.doctor
    unlicensed = replace(doctor, user=replace(doctor.user, licence_no=""))
    with pytest.raises(PermissionDenied):
        station.services.visits.sign(unlicensed, VisitPapers(encounter=encounter))


def test_a_physician_assistant_signs(station, encounter):
    signer = station.actor(Role.PHYSICIAN_ASSISTANT)
    station.services.visits.sign(signer, VisitPapers(encounter=encounter))
    stored = station.services.encounters.get(station.doctor, encounter.id)
    assert stored.status is RecordStatus.SIGNED
    assert stored.record.signature.by.full_name == "Y Sĩ Mẫu"


def test_everything_of_a_visit_is_signed_together(station, patient, encounter):
    prescription = replace(
        station.services.prescriptions.prepare(station.doctor, encounter.id),
        lines=(drug(station, "amlodipin 5", days=30),),
    )
    appointment = replace(
        station.services.appointments.prepare(station.doctor, encounter.id), on=date(2026, 12, 18)
    )
    referral = referral_for(station, encounter)
    changes = station.services.visits.sign(
        station.doctor,
        VisitPapers(
            encounter=encounter,
            prescription=prescription,
            appointment=appointment,
            referral=referral,
        ),
    )
    assert {item.kind for item in changes.items} == {
        RecordKind.ENCOUNTER,
        RecordKind.PRESCRIPTION,
        RecordKind.APPOINTMENT,
        RecordKind.REFERRAL,
    }
    signed = station.services.prescriptions.get(station.doctor, prescription.id).record
    assert is_prescription_code(signed.code)
    assert signed.patient.full_name == patient.full_name
    letter = station.services.referrals.get(station.doctor, referral.id).record
    assert letter.number == "A1-0001/2026/PCCKCB"
    assert letter.letter_code
    with station.store.read() as work:
        kinds = [i.kind for i in work.outbox.waiting(100) if i.patient_id == patient.id]
    assert kinds.index(RecordKind.PATIENT) < kinds.index(RecordKind.ENCOUNTER)
    assert kinds.index(RecordKind.ENCOUNTER) < kinds.index(RecordKind.REFERRAL)


def test_one_refused_paper_keeps_everything_a_draft(station, encounter):
    prescription = replace(
        station.services.prescriptions.prepare(station.doctor, encounter.id),
        lines=(drug(station, "paracetamol 500", days=120),),
    )
    appointment = replace(
        station.services.appointments.prepare(station.doctor, encounter.id), on=date(2026, 1, 1)
    )
    papers = VisitPapers(
        encounter=replace(encounter, reason=""), prescription=prescription, appointment=appointment
    )
    with pytest.raises(InvalidRecord) as refused:
        station.services.visits.sign(station.doctor, papers)
    assert {p.field for p in refused.value.problems} == {
        "reason",
        "prescription.lines.0.days",
        "appointment.on",
    }
    assert (
        station.services.encounters.get(station.doctor, encounter.id).status is RecordStatus.DRAFT
    )
    with station.store.read() as work:
        assert work.counts().encounters == 0 or work.encounters.get(encounter.id).version == 0
        assert not [i for i in work.outbox.waiting(50) if i.kind is RecordKind.ENCOUNTER]
        assert work.counters.peek("encounter", "A1", 2026) == 1


def test_allergy_needs_a_written_reason(station, encounter):
    line = drug(station, "amoxicilin 500", days=5)
    assert "penicillin" in line.groups
    prescription = replace(
        station.services.prescriptions.prepare(station.doctor, encounter.id), lines=(line,)
    )
    with pytest.raises(InvalidRecord) as refused:
        station.services.visits.sign(
            station.doctor, VisitPapers(encounter=encounter, prescription=prescription)
        )
    assert refused.value.problems[0].code == "allergy-group"
    reasoned = replace(prescription, lines=(replace(line, override_reason="Đã dùng nhiều lần"),))
    station.services.visits.sign(
        station.doctor, VisitPapers(encounter=encounter, prescription=reasoned)
    )


def test_an_icd_code_that_may_not_be_main_is_refused(station, encounter):
    not_main = next(
        row
        for row in station.services.catalogs.rows(CatalogKind.ICD10)
        if row.attributes.get("not_main")
    )
    wrong = replace(
        encounter,
        diagnoses=(
            Diagnosis(icd_code=not_main.code, title=not_main.name, role=DiagnosisRole.MAIN),
        ),
    )
    with pytest.raises(InvalidRecord) as refused:
        station.services.visits.sign(station.doctor, VisitPapers(encounter=wrong))
    assert refused.value.problems[0].field == "diagnoses.0"


def test_signed_content_only_changes_by_amendment_with_a_reason(station, encounter):
    station.services.visits.sign(station.doctor, VisitPapers(encounter=encounter))
    signed = station.services.encounters.get(station.doctor, encounter.id)
    with pytest.raises(StateError):
        station.services.encounters.save_draft(station.doctor, signed.record)
    better = replace(signed.record, advice="Ăn nhạt")
    with pytest.raises(InvalidRecord):
        station.services.encounters.amend(station.doctor, better, 1, " ")
    station.services.encounters.amend(station.doctor, better, 1, "Bổ sung lời dặn")
    now = station.services.encounters.get(station.doctor, encounter.id)
    assert (now.version, now.status, now.record.advice) == (2, RecordStatus.AMENDED, "Ăn nhạt")
    with station.store.read() as work:
        assert work.encounters.at_version(encounter.id, 1).advice == ""
        assert [v.reason for v in work.encounters.versions(encounter.id) if v.reason] == [
            "Bổ sung lời dặn"
        ]
    station.services.encounters.void(station.doctor, encounter.id, "Nhầm người")
    with pytest.raises(StateError):
        station.services.encounters.amend(station.doctor, better, 3, "x")


def test_letter_numbers_have_no_gap_and_voided_ones_stay_used(station, encounter):
    first = referral_for(station, encounter)
    station.services.visits.sign(station.doctor, VisitPapers(encounter=encounter, referral=first))
    station.services.referrals.void(station.doctor, first.id, "Người bệnh không đi")
    second = replace(first, id=station.clock.new_id())
    station.services.referrals.sign(station.doctor, second)
    numbers = [row.number for row in station.services.referrals.rows(station.doctor)]
    assert sorted(numbers) == ["A1-0001/2026/PCCKCB", "A1-0002/2026/PCCKCB"]


def test_reprint_shows_what_was_signed_and_counts_copies(station, patient, encounter):
    letter = referral_for(station, encounter)
    station.services.visits.sign(station.doctor, VisitPapers(encounter=encounter, referral=letter))
    with pytest.raises(NotFound):
        station.services.prints.print(station.nurse, RecordKind.REFERRAL, "không có")
    first = station.services.prints.print(station.nurse, RecordKind.REFERRAL, letter.id)
    renamed = replace(patient, full_name="Tên Khác Hẳn", phone="0900000077")
    station.services.patients.update(
        station.nurse,
        renamed,
        1,
        [f"{p.field}:{p.code}" for p in station.services.patients.check(renamed)],
    )
    second = station.services.prints.print(station.nurse, RecordKind.REFERRAL, letter.id)
    assert (first.copy, second.copy) == (1, 2)
    content = station.services.referrals.get(station.doctor, letter.id).record
    assert content.patient.full_name == patient.full_name
    rows = station.services.prints.log(station.director)
    assert [row.copy for row in rows] == [2, 1]


@pdf.needs_poppler
def test_first_print_of_an_amended_paper_is_no_reprint(station, encounter):
    letter = referral_for(station, encounter)
    services, kind = station.services, RecordKind.REFERRAL
    services.visits.sign(station.doctor, VisitPapers(encounter=encounter, referral=letter))
    for copy in (1, 2):
        assert services.prints.print(station.nurse, kind, letter.id).copy == copy
    signed = services.referrals.get(station.doctor, letter.id)
    better = replace(signed.record, clinical_signs="Đau ngực trái lan ra tay")
    services.referrals.amend(station.doctor, better, signed.version, "Bổ sung dấu hiệu")

    assert services.prints.copies(station.nurse, kind, letter.id, 2) == 0
    shown = pdf.text(services.prints.preview(station.nurse, kind, letter.id))
    first = services.prints.print(station.nurse, kind, letter.id)
    again = services.prints.print(station.nurse, kind, letter.id)
    assert (first.version, first.copy, again.copy) == (2, 1, 2)
    assert "Bản in lại" not in shown
    assert "Bản in lại" not in pdf.text(first.pdf)
    assert "Bản in lại (lần 2)" in pdf.text(again.pdf)
    rows = services.prints.log(station.director)
    assert [(row.version, row.copy) for row in rows] == [(2, 2), (2, 1), (1, 2), (1, 1)]


def test_autosaved_draft_survives_a_restart(station, encounter):
    half = replace(encounter, history="Đau từ sáng", diagnoses=(), reason="Đau")
    station.services.encounters.save_draft(station.doctor, half)
    station.reopen()
    again = station.services.encounters.get(station.doctor, encounter.id).record
    assert again == half


def test_inspector_reads_and_changes_nothing(station, encounter):
    inspector = station.actor(Role.INSPECTOR)
    assert station.services.encounters.get(inspector, encounter.id).record.id == encounter.id
    with pytest.raises(PermissionDenied):
        station.services.encounters.save_draft(inspector, encounter)
    with pytest.raises(PermissionDenied):
        station.services.encounters.check_in(inspector, encounter.patient_id)
