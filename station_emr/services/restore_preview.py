"""What a restore would change: what is here and not in the copy, and the other way round."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol

from station_emr.domain.permissions import Action, may
from station_emr.domain.record import RecordKind
from station_emr.domain.sync import UnitState
from station_emr.domain.user import Actor

from .ports import Work

COMPARED: Final = (
    RecordKind.PATIENT,
    RecordKind.ENCOUNTER,
    RecordKind.PRESCRIPTION,
    RecordKind.REFERRAL,
    RecordKind.APPOINTMENT,
    RecordKind.BILL,
    RecordKind.REQUEST,
    RecordKind.BREACH,
    RecordKind.FEEDBACK,
    RecordKind.SIGNATURE,
)
_NAMES: Final = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class NewestVersion:
    """The last signed version of one record."""

    sha256: str
    at: datetime


class Comparison(Protocol):
    def newest(self, kind: RecordKind) -> Mapping[str, NewestVersion]: ...


class ComparingWork(Work, Protocol):
    @property
    def comparison(self) -> Comparison: ...


class ComparingStore(Protocol):
    def read(self) -> AbstractContextManager[ComparingWork]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class KindDifference:
    """Records of one kind. ``newer_here`` has a later version on this machine."""

    kind: RecordKind
    same: int = 0
    only_here: int = 0
    only_there: int = 0
    newer_here: int = 0
    newer_there: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class RestorePreview:
    """``compared`` is False when there is nothing here, or nothing here can be opened. ``names`` are
    people whose record is newer here; empty for those who may not see patients.
    """

    compared: bool
    differences: tuple[KindDifference, ...] = ()
    last_signed_here: datetime | None = None
    last_signed_there: datetime | None = None
    waiting_here: int = 0  # signed, and not at the province either
    drafts_here: int = 0
    names: tuple[str, ...] = ()

    @property
    def lost(self) -> int:
        """Records that the restored station would show older, or not at all."""
        return sum(one.only_here + one.newer_here for one in self.differences)

    @property
    def regained(self) -> int:
        return sum(one.only_there + one.newer_there for one in self.differences)


def preview(actor: Actor, here: ComparingStore | None, there: ComparingStore) -> RestorePreview:
    """``here`` is None when nothing can be opened in the data folder."""
    with there.read() as copy:
        if here is None:
            return RestorePreview(
                compared=False,
                differences=tuple(
                    KindDifference(kind=kind, only_there=len(copy.comparison.newest(kind)))
                    for kind in COMPARED
                ),
                last_signed_there=_last(copy),
            )
        with here.read() as own:
            return _compared(actor, own, copy)


def _compared(actor: Actor, own: ComparingWork, copy: ComparingWork) -> RestorePreview:
    people: list[str] = []
    differences = []
    for kind in COMPARED:
        mine, theirs = own.comparison.newest(kind), copy.comparison.newest(kind)
        counted = {"same": 0, "only_here": 0, "newer_here": 0, "newer_there": 0}
        for record_id, version in mine.items():
            word = _standing(version, theirs.get(record_id))
            counted[word] += 1
            if kind is RecordKind.PATIENT and word in ("only_here", "newer_here"):
                people.append(record_id)
        only_there = sum(record_id not in mine for record_id in theirs)
        differences.append(KindDifference(kind=kind, only_there=only_there, **counted))
    names: tuple[str, ...] = ()
    if may(actor.role, Action.PATIENT_VIEW):
        names = tuple(own.patients.get(one).record.full_name for one in people[:_NAMES])
    return RestorePreview(
        compared=True,
        differences=tuple(differences),
        last_signed_here=_last(own),
        last_signed_there=_last(copy),
        waiting_here=own.outbox.count(UnitState.WAITING),
        drafts_here=len(own.drafts.all()),
        names=names,
    )


def _standing(mine: NewestVersion, theirs: NewestVersion | None) -> str:
    if theirs is None:
        return "only_here"
    if mine.sha256 == theirs.sha256:
        return "same"
    return "newer_here" if mine.at >= theirs.at else "newer_there"


def _last(work: ComparingWork) -> datetime | None:
    moments = (version.at for kind in COMPARED for version in work.comparison.newest(kind).values())
    return max(moments, default=None)
