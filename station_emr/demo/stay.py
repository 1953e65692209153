"""A person kept at the station for some hours, with notes on how it went."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Final

from station_emr.domain.encounter import Encounter, ProgressNote
from station_emr.domain.record import PractitionerSnapshot

_HOURS: Final = 4
_NOTES: Final = (
    (0.4, "Mệt, môi khô, mạch đều. Cho uống oresol từng ngụm, theo dõi số lần đi ngoài."),
    (2.0, "Đi ngoài thêm một lần, phân sệt. Uống được 500 ml oresol, không nôn."),
    (3.8, "Tỉnh táo, hết khát, tiểu được. Cho về nhà, dặn dấu hiệu phải quay lại."),
)


def kept(encounter: Encounter, by: PractitionerSnapshot) -> Encounter:
    """The same visit as a stay that ends now; one that would begin the day before stays as it is."""
    arrived = encounter.arrived_at - timedelta(hours=_HOURS)
    if arrived.date() != encounter.arrived_at.date():
        return encounter
    return replace(
        encounter,
        arrived_at=arrived,
        started_at=arrived + timedelta(minutes=6),
        care_kind="06",
        admitted_at=arrived + timedelta(minutes=15),
        admission_reason="Tiêu chảy có mất nước nhẹ, cần theo dõi và bù nước",
        preliminary_diagnosis="Tiêu chảy cấp, mất nước nhẹ",
        progress=tuple(
            ProgressNote(
                at=arrived + timedelta(hours=hours),
                text=text,
                written_by=by.printed_name,
                licence_no=by.licence_no,
            )
            for hours, text in _NOTES
        ),
    )
