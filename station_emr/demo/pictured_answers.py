"""What other places said to the pictured station: a hospital's answer, and looks of other stations."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from station_emr.domain.operation import Origin
from station_emr.domain.record import RecordStatus
from station_emr.domain.referral_feedback import FeedbackState, ReferralFeedback
from station_emr.services.elsewhere import Basis
from station_emr.services.sharing import GivenConsent, OtherLook, keep_looks, note_consent
from station_emr.station import OpenStation

from .seed import HOSPITAL

_LETTERS: Final = 20
_PEOPLE: Final = 3
_NEIGHBOUR: Final = "Trạm Y tế xã Mẫu Hai"
_OTHER_HOSPITAL: Final = "Bệnh viện đa khoa tỉnh (mẫu)"


def answer_a_letter(station: OpenStation, at: datetime) -> None:
    """The newest signed letter comes back with its reply slip filled, not read by anybody yet."""
    services, director = station.services, station.actor
    letters = services.referrals.rows(director, _LETTERS)
    letter = next(row for row in letters if row.status is RecordStatus.SIGNED)
    referral = services.referrals.get(director, letter.id).record
    answer = ReferralFeedback(
        id=services.clock.new_id(),
        referral_id=referral.id,
        patient_id=referral.patient_id,
        state=FeedbackState.COMPLETED,
        answered_at=at,
        answered_by="BS. Phạm Thị Mẫu",
        receiver_code=HOSPITAL[0],
        receiver_name=HOSPITAL[1],
        admitted_on=at.date() - timedelta(days=6),
        discharged_on=at.date() - timedelta(days=1),
        diagnosis_code="I10",
        diagnosis="Tăng huyết áp vô căn, đã ổn định",
        treatment="Chỉnh thuốc hạ áp, theo dõi 24 giờ",
        outcome="Đỡ",
        medicines="Amlodipin 5 mg, sáng 1 viên, 30 ngày",
        advice="Đo huyết áp mỗi tuần tại trạm, ăn nhạt.",
        follow_up_on=at.date() + timedelta(days=27),
        follow_up_at=HOSPITAL[1],
        doctor="BS. Phạm Thị Mẫu",
    )
    with station.store.write() as work:
        work.feedback.add_replica(
            answer,
            RecordStatus.SIGNED,
            author=("far", answer.answered_by),
            at=at,
            parents=(),
            origin=Origin.REPLICA,
        )


def note_sharing(station: OpenStation, at: datetime) -> None:
    """Three looks as the province told them, and two consents that were written down here."""
    with station.store.write() as work:
        found = [row.id for row in work.patients.search("nguyen", _PEOPLE)]
        plans = (
            (3, _NEIGHBOUR, "YS. Người Xem Mẫu", False, "Khám và điều trị; đồng ý bằng giấy đã ký"),
            (1, _OTHER_HOSPITAL, "BS. Trực Mẫu", True, "Người bệnh bất tỉnh, cần tiền sử dị ứng"),
            (0, _NEIGHBOUR, "YS. Người Xem Mẫu", False, "Khám và điều trị; đồng ý bằng lời nói"),
        )
        keep_looks(
            work,
            [
                OtherLook(
                    number=number,
                    at=at - timedelta(days=days, minutes=12 * number),
                    patient_id=found[number % len(found)],
                    facility=facility,
                    user=user,
                    emergency=emergency,
                    reason=reason,
                    resources=30 + number,
                )
                for number, (days, facility, user, emergency, reason) in enumerate(plans, 1)
            ],
            at,
        )
        for number, basis in enumerate((Basis.SIGNED_PAPER, Basis.VERBAL)):
            given = at - timedelta(days=1 - number, hours=2)
            note_consent(
                work,
                GivenConsent(
                    id=f"dong-y-mau-{number + 1}",
                    patient_id=found[number],
                    how=basis.value,
                    given_by="Người bệnh",
                    recorded_by=station.actor.user.snapshot.printed_name,
                    at=given,
                ),
            )
