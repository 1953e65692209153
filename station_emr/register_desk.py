"""Joins registers and reports with their papers."""

from __future__ import annotations

from dataclasses import dataclass

from station_emr.printing.register_papers import PdfRegisterPapers
from station_emr.services.accounts import KeyRing
from station_emr.services.form_data import notification_rules
from station_emr.services.ports import Clock, Store
from station_emr.services.registers import Registers
from station_emr.services.reports import Reports


@dataclass(frozen=True, slots=True)
class RegisterDesk:
    """Fields as in :class:`StationServices`."""

    registers: Registers
    reports: Reports


def build_registers(store: Store, clock: Clock, keys: KeyRing) -> RegisterDesk:
    papers = PdfRegisterPapers()
    return RegisterDesk(
        registers=Registers(store, clock, papers, keys),
        reports=Reports(store, clock, papers, notification_rules),
    )
