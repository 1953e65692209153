"""Every refusal and every look leaves its line: noted where a use case is left, for all of them.

A command that is refused rolls its transaction back, and its own line with it. So the line is written
outside, afterwards, in a transaction of its own. Screens hide what a person may not do; who gets here
came by another way, or the rights changed meanwhile.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from contextvars import ContextVar
from dataclasses import fields
from typing import Any, Final

from station_emr.domain.audit import Result, Source
from station_emr.domain.errors import (
    AccountLocked,
    EnvironmentFailure,
    PermissionDenied,
    StationError,
    WrongPassword,
)
from station_emr.domain.user import Actor

from .looks import LOOKS, Looks
from .ports import Clock, Store
from .rights import for_use_case, holding
from .station_services import StationServices

ACTION: Final = "access.refused"
_REFUSALS: Final = (PermissionDenied, WrongPassword, AccountLocked)
_OURS: Final = "station_emr.services"
_inside: ContextVar[bool] = ContextVar("inside a use case", default=False)
_use_cases: Final[dict[type, tuple[str, ...]]] = {}  # to look through a class takes long


class Journal:
    """Watches the services of one open station."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._looks = Looks(store, clock)

    def watch(self, services: StationServices) -> StationServices:
        """The same services; every public method of each is watched from now on."""
        for item in fields(services):
            if item.name != "clock":
                self.watch_one(item.name, getattr(services, item.name))
        return services

    def watch_one(self, name: str, service: object) -> None:
        for method in methods_of(service):
            bound = getattr(service, method)
            takes = signature_of(getattr(type(service), method))
            setattr(service, method, self._watched(f"{name}.{method}", bound, takes))
        for part_name, part in vars(service).items():
            is_part = not part_name.startswith("_") and type(part).__module__.startswith(_OURS)
            if is_part and not callable(part):
                self.watch_one(f"{name}.{part_name}", part)

    def _watched(
        self, name: str, method: Callable[..., Any], takes: inspect.Signature
    ) -> Callable[..., Any]:
        def watched(*args: Any, **kwargs: Any) -> Any:
            if _inside.get():  # the use case that the person began tells it, and only once
                return method(*args, **kwargs)
            given = takes.bind_partial(*args, **kwargs).arguments
            token = _inside.set(True)
            try:
                with holding(for_use_case(self._store, self._clock.now(), name, given)):
                    answer = method(*args, **kwargs)
            except _REFUSALS as refusal:
                self._note(name, given, refusal)
                raise
            finally:
                _inside.reset(token)
            if name in LOOKS:
                self._looks.seen(name, given, answer)
            return answer

        # As functools.wraps does, in a tenth of the time: there are hundreds at every log-in.
        watched.__name__ = method.__name__
        watched.__wrapped__ = method  # type: ignore[attr-defined]
        return watched

    def _note(self, name: str, given: Mapping[str, Any], refusal: StationError) -> None:
        actor = next((one for one in given.values() if isinstance(one, Actor)), None)
        denied = isinstance(refusal, PermissionDenied)
        # On a full disk nothing is written any more; the refusal itself stands.
        with suppress(EnvironmentFailure), self._store.write() as work:
            work.audit.append(
                actor,
                ACTION,
                self._clock.now(),
                kind=str(given.get("kind", "")),
                record_id=_record(given),
                patient_id=_patient(given),
                detail={"what": name, "why": str(refusal)},
                result=Result.REFUSED if denied else Result.FAILED,
                source="" if actor else Source.BEFORE_OPENING,
                account="" if actor else str(given.get("username", "")),
            )


def methods_of(service: object) -> tuple[str, ...]:
    """Names of the use cases that a service offers. What works within another's transaction is a
    part: the use case around it tells what becomes of it.
    """
    kind = type(service)
    if kind not in _use_cases:
        names = [name for name in dir(kind) if not name.startswith("_")]
        _use_cases[kind] = tuple(
            name
            for name in names
            if not name.endswith("_within")
            and inspect.isfunction(inspect.getattr_static(kind, name))
        )
    return _use_cases[kind]


@functools.cache
def signature_of(method: Callable[..., Any]) -> inspect.Signature:
    """What a use case takes, without ``self``. Asked for once: to look costs as much as a query."""
    whole = inspect.signature(method)
    return whole.replace(parameters=[*whole.parameters.values()][1:])


def _record(given: Mapping[str, Any]) -> str:
    for name in ("record_id", "paper_id", "encounter_id", "referral_id", "consent_id"):
        if isinstance(given.get(name), str):
            return str(given[name])
    for value in _records(given):
        if isinstance(getattr(value, "patient_id", None), str):
            return str(getattr(value, "id", ""))
    return ""


def _patient(given: Mapping[str, Any]) -> str:
    if isinstance(given.get("patient_id"), str):
        return str(given["patient_id"])
    patient = given.get("patient")
    if patient is not None:
        return str(getattr(patient, "id", ""))
    for value in _records(given):
        found = getattr(value, "patient_id", None)
        if isinstance(found, str):
            return found
    return ""


def _records(given: Mapping[str, Any]) -> Iterator[Any]:
    """What was given, and the visit in what was given for several papers at once."""
    for value in given.values():
        if not isinstance(value, Actor):
            yield value
            yield getattr(value, "encounter", None)
