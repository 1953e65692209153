"""Both national gateways of the demo: imitations on loopback, and a station that knows them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from station_emr.services.claim_settings import ClaimSettings
from station_emr.services.clock import SystemClock
from station_emr.services.secret import Secret
from station_emr.station import OpenStation, open_station

from .claims import send_claims
from .gateways_bhxh import InsuranceImitation
from .gateways_donthuoc import PrescriptionImitation
from .scripted import DIRECTOR, DOCTOR, NURSE, actor_named
from .station import DEMO_PASSWORD, demo_profile

# Accounts of two imitations that run on this machine alone.
_PASSWORD: Final = "mat-khau-mau"  # noqa: S105
_FACILITY: Final = "CS-MAU-1"
_DOCTORS: Final = {DOCTOR: "BS-MAU-1", DIRECTOR: "BS-MAU-2"}
_CLERK_ID: Final = "000000000001"


class DemoGateways:
    """Run while the context lasts, in threads of this program."""

    def __init__(self, now: Callable[[], datetime] | None = None) -> None:
        code = demo_profile("").code
        self.bhxh = InsuranceImitation(code, f"{code}_BV", _PASSWORD, _CLERK_ID, now)
        started = (now or SystemClock().now)()
        self.bhxh.series = f"{int(started.timestamp()) // 60 % 1_000_000:06d}"
        self.donthuoc = PrescriptionImitation(
            _FACILITY, _PASSWORD, dict.fromkeys(_DOCTORS.values(), _PASSWORD)
        )

    def start(self) -> None:
        self.bhxh.start()
        self.donthuoc.start()

    def stop(self) -> None:
        self.bhxh.stop()
        self.donthuoc.stop()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def configure(self, folder: Path) -> None:
        """Tell the demo station where they are, and send the claims of earlier days, as its director
        would.
        """
        station = open_station(folder, DIRECTOR, DEMO_PASSWORD)
        try:
            self.fill_in(station)
            send_claims(station)
        finally:
            station.close()

    def fill_in(self, station: OpenStation) -> None:
        desk, director = station.services.gateways.settings, actor_named(station, DIRECTOR)
        doctors = {actor_named(station, name).user.id: code for name, code in _DOCTORS.items()}
        desk.save(
            director,
            ClaimSettings(
                department="K01",
                head_code="000001/MẪU-GPHN",
                insurance_on=True,
                insurance_host=self.bhxh.url,
                insurance_account=self.bhxh.username,
                clerk_name=actor_named(station, NURSE).user.full_name,
                clerk_id=_CLERK_ID,
                prescriptions_on=True,
                prescription_host=self.donthuoc.url,
                prescription_facility=_FACILITY,
                prescribers=doctors,
            ),
        )
        desk.set_insurance_password(director, Secret(_PASSWORD))
        desk.set_facility_password(director, Secret(_PASSWORD))
        for user_id in doctors:
            desk.set_prescriber_password(director, user_id, Secret(_PASSWORD))
