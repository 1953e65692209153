"""The demo station: who works there and how to log in."""

from __future__ import annotations

from dataclasses import dataclass

from station_emr.domain.permissions import Role
from station_emr.domain.record import StationProfile
from station_emr.domain.user import User

# Passwords of a made-up station, shown on its log-in screen; long enough for the real policy.
DEMO_PASSWORD = "Tram-Mau-2026!"  # noqa: S105


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoPerson:
    user: User
    password: str = DEMO_PASSWORD


def demo_profile(facility_id: str) -> StationProfile:
    """A letterhead nobody can take for a real station's; the code is not an official one."""
    return StationProfile(
        facility_id=facility_id,
        code="DEMO1",
        name="Trạm Y tế xã Mẫu",
        parent_authority="UBND xã Mẫu",
        commune_name="Xã Mẫu",
        province_code="52",
        province_name="Tỉnh Gia Lai",
        address="Thôn 1, xã Mẫu, tỉnh Gia Lai",
        phone="0900000000",
        series="A1",
        demo=True,
    )


def demo_people() -> tuple[DemoPerson, ...]:
    """Director, doctor, physician assistant and nurse; licence numbers are visibly made up."""
    return (
        DemoPerson(
            user=User(
                id="",
                username="giamdoc",
                full_name="Trần Văn Mẫu",
                role=Role.DIRECTOR,
                title="BS.",
                licence_no="000001/MẪU-GPHN",
            )
        ),
        DemoPerson(
            user=User(
                id="",
                username="bshoa",
                full_name="Nguyễn Thị Hoa",
                role=Role.DOCTOR,
                title="BS.",
                licence_no="000002/MẪU-GPHN",
            )
        ),
        DemoPerson(
            user=User(
                id="",
                username="ddmai",
                full_name="Trần Thị Mai",
                role=Role.NURSE,
                title="ĐD.",
            )
        ),
    )
