"""Hands out the lines to the gateways; an account that stays the same keeps its token."""

from __future__ import annotations

import threading

from station_emr.services.gateway_ports import InsuranceAccount, PrescriberAccount
from station_emr.services.ports import Clock
from station_emr.sync.peer import Traffic

from .insurance import InsuranceOverHttp
from .line import GatewayPatience, GatewayWire
from .prescriptions import PrescriptionsOverHttp

_KEPT = 32  # prescribers of one station


class GatewaysOverHttp:
    """Implements :class:`station_emr.services.gateway_ports.GatewayLines`. Safe for several threads:
    what two of them can do to one line at once is log in twice.
    """

    def __init__(self, clock: Clock, patience: GatewayPatience | None = None) -> None:
        self.traffic = Traffic()
        self._clock = clock
        self._patience = patience or GatewayPatience()
        self._guard = threading.Lock()
        self._wires: dict[object, GatewayWire] = {}
        self._insurance: dict[InsuranceAccount, InsuranceOverHttp] = {}
        self._prescribers: dict[PrescriberAccount, PrescriptionsOverHttp] = {}
        self._stopped = False
        self._told = (0, 0)

    def insurance(self, account: InsuranceAccount) -> InsuranceOverHttp:
        with self._guard:
            line = self._insurance.get(account)
            if line is None:
                self._insurance.clear()  # a changed account leaves no token of the one before
                line = InsuranceOverHttp(
                    self._wire(account, account.base_url), account, self._clock
                )
                self._insurance[account] = line
            return line

    def prescriptions(self, account: PrescriberAccount) -> PrescriptionsOverHttp:
        with self._guard:
            line = self._prescribers.get(account)
            if line is None:
                if len(self._prescribers) >= _KEPT:
                    self._prescribers.clear()
                line = PrescriptionsOverHttp(
                    self._wire(account, account.base_url), account, self._clock
                )
                self._prescribers[account] = line
            return line

    def _wire(self, account: object, base_url: str) -> GatewayWire:
        wire = GatewayWire(base_url, self._patience, self.traffic)
        self._wires[account] = wire
        if self._stopped:
            wire.abort()
        return wire

    def forgive(self) -> None:
        """A person asked to send now: passwords that were refused may be tried once more."""
        with self._guard:
            for insurance in self._insurance.values():
                insurance.forgive()
            for prescriber in self._prescribers.values():
                prescriber.forgive()

    def bytes_carried(self) -> tuple[int, int]:
        """Up and down, since the last time this was asked."""
        now = (self.traffic.up, self.traffic.down)
        before, self._told = self._told, now
        return now[0] - before[0], now[1] - before[1]

    def stop(self) -> None:
        with self._guard:
            self._stopped = True
            for wire in self._wires.values():
                wire.abort()
