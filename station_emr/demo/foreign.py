"""For the demo: one visit at another facility, as it came in a file of the insurance."""

from __future__ import annotations

from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final

from station_emr.domain.birth import BirthDate
from station_emr.domain.claim import DRUGS, SUMMARY, ClaimFile
from station_emr.domain.patient import Patient
from station_emr.domain.record import Sex
from station_emr.domain.user import Actor
from station_emr.interop.bhyt.insurance_format import InsuranceFormat
from station_emr.interop.bhyt.schema import schema, version_on
from station_emr.interop.bhyt.values import birth_text, minute_text
from station_emr.services.station_services import StationServices

FACILITY: Final = "MAU09"  # visibly nobody's
_SEX: Final = {Sex.MALE: "1", Sex.FEMALE: "2", Sex.UNKNOWN: "3"}
_WEEKS_AGO: Final = timedelta(weeks=5)


def take_from_elsewhere(services: StationServices, actor: Actor) -> None:
    """The first person of today who has an insurance card was at a hospital five weeks ago."""
    now = services.clock.now()
    for row in services.encounters.queue(actor, now.date()):
        person = services.patients.get(actor, row.patient_id).record
        if person.coverages and row.encounter_id:
            claim = foreign_claim(person, now - _WEEKS_AGO)
            data = InsuranceFormat().write(claim)
            services.foreign_visits.take(actor, data, [claim.link_code])
            return


def foreign_claim(person: Patient, came: datetime) -> ClaimFile:
    """What a made-up hospital would have exported of the person."""
    version = version_on(came.date())
    tables = schema(version)
    link = {"MA_LK": f"{FACILITY}-2026-0451", "STT": "1"}
    birth: BirthDate = person.birth
    summary = {
        "MA_BN": "MAU-7781",
        "HO_TEN": person.full_name,
        "SO_CCCD": person.national_id,
        "NGAY_SINH": birth_text(birth),
        "GIOI_TINH": _SEX[person.sex],
        "MA_THE_BHYT": person.coverages[-1].number,
        "LY_DO_VV": "Đau tức ngực, khó thở khi gắng sức",
        "CHAN_DOAN_RV": "Tăng huyết áp vô căn",
        "MA_BENH_CHINH": "I10",
        "NGAY_VAO": minute_text(came),
        "NGAY_RA": minute_text(came + timedelta(hours=3)),
        "PP_DIEU_TRI": "Điều trị nội khoa, hẹn theo dõi tại trạm y tế",
        "KET_QUA_DTRI": "2",
        "MA_LOAI_RV": "1",
        "MA_LOAI_KCB": "01",
        "MA_CSKCB": FACILITY,
    }
    drug = {"TEN_THUOC": "Amlodipin 5 mg (ví dụ)", "DON_VI_TINH": "Viên", "SO_LUONG": "28"}
    return ClaimFile(
        facility_code=FACILITY,
        made_on=came.date(),
        version=version,
        tables=MappingProxyType(
            {
                SUMMARY: (tables.table(SUMMARY).row(link | summary),),
                DRUGS: (tables.table(DRUGS).row(link | drug),),
            }
        ),
    )
