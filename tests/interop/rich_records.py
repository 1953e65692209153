"""One record of every kind that travels, with nearly every field filled."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

from station_emr.domain.consent import Consent, ConsentForm, ConsentGiver
from station_emr.domain.encounter import Stage
from station_emr.domain.patient_link import PatientLink
from station_emr.domain.record import RecordKind
from station_emr.domain.referral_feedback import FeedbackState, ReferralFeedback
from station_emr.domain.sensitive import SensitiveRange
from station_emr.domain.signature import CertificateStanding, DocumentSignature, SignMethod
from station_emr.domain.station_rights import GivenRight, RightCell, Standing, StationRights
from tests.interop import fhir_records as sample
from tests.interop import form_records as forms
from tests.interop import privacy_records as privacy
from tests.interop.bill_records import BILL

LINK = PatientLink(
    id=sample.made_id(8),
    survivor_id=sample.PATIENT_ID,
    duplicate_id=sample.made_id(9),
    reason="Cùng số căn cước",
    kept=2,
)
FEEDBACK = ReferralFeedback(
    id=sample.made_id(10),
    referral_id=sample.made_id(6),
    patient_id=sample.PATIENT_ID,
    state=FeedbackState.COMPLETED,
    answered_at=sample.AT,
    answered_by="Trần Thị Mẫu",
    receiver_code="DEMO9",
    receiver_name="Bệnh viện Mẫu",
    admitted_on=date(2026, 11, 20),
    discharged_on=date(2026, 11, 24),
    diagnosis_code="I20.0",
    diagnosis="Cơn đau thắt ngực đã ổn định",
    treatment="Đặt một giá đỡ mạch vành",
    outcome="Đỡ",
    medicines="Aspirin 81 mg, sáng 1 viên",
    advice="Đo huyết áp mỗi tuần",
    follow_up_on=date(2026, 12, 24),
    follow_up_at="Phòng khám tim mạch",
    doctor="BS. Mẫu",
)
SIGNATURE = DocumentSignature(
    id=sample.made_id(11),
    patient_id=sample.PATIENT_ID,
    target_kind=RecordKind.REFERRAL,
    target_id=sample.made_id(6),
    target_version=2,
    content_sha256="ab" * 32,
    method=SignMethod.DIGITAL_CERT,
    signed_at=sample.AT,
    signer_id=sample.USER.id,
    signer_name="BS. Mẫu",
    clock_skew=-3,
    device="Máy 1",
    media_type="application/pdf",
    document_sha256="cd" * 32,
    certificate="YWJj",
    certificate_subject="BS. Mẫu",
    algorithm="rsa-sha256",
    seal="c2VhbA==",
    standing=CertificateStanding.GOOD,
    standing_at=sample.AT,
    standing_source="ocsp",
)
CONSENT = Consent(
    id=sample.made_id(12),
    patient_id=sample.PATIENT_ID,
    purpose="contact-phone",
    giver=ConsentGiver.BOTH,
    form=ConsentForm.PAPER,
    given_at=sample.AT,
    recorded_by="ĐD. Mẫu",
    guardian_name="Người Mẫu",
    guardian_relationship="Mẹ",
    paper_number="ĐY-1",
    withdrawn_at=sample.AT,
    withdrawn_by="Người Mẫu",
)
RIGHTS = StationRights(
    id=sample.made_id(13),
    cells=(
        RightCell(
            role="nurse",
            action="patient_edit",
            granted=False,
            by_id=sample.USER.id,
            by_name="BS. Mẫu",
            at=sample.AT,
            device="Máy 1",
        ),
        RightCell(role="of-next-year", action="fly", granted=True),
    ),
    ranges=(SensitiveRange("B20", "B24", "HIV"), SensitiveRange("A50", "A64", "Hoa liễu")),
)
STANDING = Standing(
    id=sample.made_id(14),
    user_id=sample.USER.id,
    user_name="ĐD. Mẫu",
    shut="by_hand",
    shut_at=sample.AT,
    shut_by="BS. Mẫu",
    opens_on=sample.AT.date(),
    rights=(
        GivenRight(
            id=sample.made_id(15),
            since=sample.AT,
            until=sample.AT,
            reason="Trực thay ca",
            actions=("print", "register_view"),
            given_by="BS. Mẫu",
        ),
    ),
)
SAMPLES: dict[RecordKind, Any] = {
    RecordKind.PATIENT: sample.PATIENT,
    RecordKind.ENCOUNTER: replace(
        sample.ENCOUNTER,
        stage=Stage.FINISHED,
        care_kind="03",
        visit_object="3.1",
        discharge="2",
        procedures=(
            replace(
                sample.ENCOUNTER.procedures[0], result="sạch", abnormal=True, ended_at=sample.AT
            ),
            replace(sample.ENCOUNTER.procedures[1], performed_by="ĐD. Mẫu"),
            *sample.ENCOUNTER.procedures[2:],
        ),
    ),
    RecordKind.PRESCRIPTION: sample.PRESCRIPTION,
    RecordKind.REFERRAL: sample.REFERRAL,
    RecordKind.APPOINTMENT: sample.APPOINTMENT,
    RecordKind.LINK: LINK,
    RecordKind.FEEDBACK: FEEDBACK,
    RecordKind.SIGNATURE: SIGNATURE,
    RecordKind.CONSENT: CONSENT,
    RecordKind.CERTIFICATE: forms.CERTIFICATE,
    RecordKind.NOTIFICATION: forms.NOTIFICATION,
    RecordKind.BILL: BILL,
    RecordKind.RIGHTS: RIGHTS,
    RecordKind.STANDING: STANDING,
    RecordKind.REQUEST: privacy.REQUEST,
    RecordKind.BREACH: privacy.BREACH,
    RecordKind.PRACTITIONER: replace(sample.USER, username=""),
    RecordKind.FACILITY: sample.STATION,
}
