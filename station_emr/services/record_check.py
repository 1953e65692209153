"""Hold every version against what was written beside it, and name the first that is not the same.

A version has up to four witnesses: its own hash, the line that it travelled as (whose id is its hash,
known to the province), the confirmation it was signed with, and the row that lists show. Whoever edits
one of them with raw SQL, triggers gone, has to edit them all; the ids of lines are at the province.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from station_emr.domain.merge import differing
from station_emr.domain.operation import MERGE_AUTHOR_ID, Operation
from station_emr.domain.permissions import Action
from station_emr.domain.record import RecordKind
from station_emr.domain.user import Actor

from .guards import allow
from .ports import Clock, Store
from .record_stores import MERGED_KINDS
from .version_ports import HeadFault, KeptVersion, ReadLine

_PORTION: Final = 500
_NAMED: Final = 50
Tell = Callable[[int, int], None]


class Breach(StrEnum):
    """What does not fit."""

    UNREADABLE = "unreadable"
    HASH = "hash"
    LINE_ID = "line_id"
    LINE = "line"
    EVIDENCE = "evidence"
    MISSING = "missing"
    SHOWN = "shown"
    ACCOUNT = "account"

    @property
    def label(self) -> str:
        return {
            "unreadable": "nội dung không đọc được",
            "hash": "nội dung không khớp mã băm ghi lúc ký",
            "line_id": "dòng đã gửi không khớp mã của chính nó",
            "line": "nội dung không khớp dòng đã gửi cho tỉnh và máy khác",
            "evidence": "nội dung không khớp bằng chứng xác nhận lúc ký",
            "missing": "thiếu phiên bản, hoặc dòng hiện hành chỉ vào bản không có",
            "shown": "dòng hiện trong danh sách không khớp nội dung đã ký",
            "account": "dòng tài khoản không khớp những gì đã ghi về người này",
        }[self.value]


Found = tuple[Breach | None, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One version that is not what was written. ``detail`` names fields, never their content."""

    kind: str
    record_id: str
    version: int
    breach: Breach
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordReport:
    """``sealed`` versions were held against a line, ``confirmed`` against a confirmation."""

    versions: int
    sealed: int
    confirmed: int
    faults: tuple[Fault, ...]

    @property
    def is_whole(self) -> bool:
        return not self.faults


class RecordCheck:
    """The use case of the administrator and of the director before an inspection."""

    def __init__(self, store: Store, clock: Clock, read_line: ReadLine) -> None:
        self._store = store
        self._clock = clock
        self._read_line = read_line

    def run(self, actor: Actor, tell: Tell | None = None) -> RecordReport:
        """Read every version. The result is logged; nothing is changed."""
        allow(actor, Action.AUDIT_VIEW)
        faults: list[Fault] = []
        versions = sealed = confirmed = after = 0
        with self._store.read() as work:
            total = work.versions.count()
            while portion := work.versions.walk(after, _PORTION):
                for one in portion:
                    fault = self._fault_of(one)
                    if fault is not None and len(faults) < _NAMED:
                        faults.append(fault)
                    sealed += bool(one.line)
                    confirmed += bool(one.signed)
                versions += len(portion)
                after = portion[-1].seq
                if tell is not None:
                    tell(versions, total)
            rows = work.versions.head_faults(_NAMED)
            # Nobody logs in as a colleague of another PC, who is known by what came from there.
            people = [
                (one.id, work.versions.person_fault(one.id))
                for one in work.users.all()
                if one.active
            ]
        faults += [_of_head(row) for row in rows]
        faults += [_of_person(user_id, said) for user_id, said in people if said]
        report = RecordReport(
            versions=versions, sealed=sealed, confirmed=confirmed, faults=tuple(faults)
        )
        with self._store.write() as work:
            first = report.faults[0] if report.faults else None
            work.audit.append(
                actor,
                "record.verify" if report.is_whole else "record.fault",
                self._clock.now(),
                kind=first.kind if first else "",
                record_id=first.record_id if first else "",
                detail={"count": str(report.versions), "result": str(len(report.faults))},
            )
        return report

    def _fault_of(self, one: KeptVersion) -> Fault | None:
        """What is wrong with one version; None when every witness agrees."""
        breach, detail = self._breach(one)
        if breach is None:
            return None
        return Fault(
            kind=one.kind,
            record_id=one.record_id,
            version=one.version,
            breach=breach,
            detail=detail,
        )

    def _breach(self, one: KeptVersion) -> Found:
        """What the first witness says that disagrees."""
        own = hashlib.sha256(one.content.encode()).hexdigest()
        for witness in _WITNESSES:
            breach, detail = witness(one, own, self._read_line)
            if breach is not None:
                return breach, detail
        return None, ""


def _own_hash(one: KeptVersion, own: str, _read_line: ReadLine) -> Found:
    return (Breach.HASH if own != one.content_sha256 else None), ""


def _content(one: KeptVersion, _own: str, _read_line: ReadLine) -> Found:
    return (Breach.UNREADABLE if one.record is None else None), ""


def _confirmations(one: KeptVersion, own: str, _read_line: ReadLine) -> Found:
    return (Breach.EVIDENCE if any(sha256 != own for sha256 in one.signed) else None), ""


def _sent_line(one: KeptVersion, _own: str, read_line: ReadLine) -> Found:
    if not one.line:
        return None, ""
    name, operation = read_line(one.line)
    if name != one.op_id:
        return Breach.LINE_ID, ""
    if operation is None:
        return None, ""  # of another program; its id holds, and that is all that can be said
    wrong = _unlike(one, operation)
    return (Breach.LINE, ", ".join(wrong)) if wrong else (None, "")


_WITNESSES: tuple[Callable[[KeptVersion, str, ReadLine], Found], ...] = (
    _own_hash,
    _content,
    _confirmations,
    _sent_line,
)
"""What is held against every version, in this order."""


def _unlike(one: KeptVersion, operation: Operation) -> list[str]:
    envelope = operation.envelope
    pairs: dict[str, tuple[Any, Any]] = {
        "kind": (one.kind, envelope.kind.value),
        "record_id": (one.record_id, envelope.record_id),
        "status": (one.status, envelope.status.value),
        "at": (one.at, envelope.at),
        "reason": (one.reason, envelope.reason),
        "device": (one.device, envelope.device),
        "open_fields": (sorted(one.open_fields), sorted(envelope.open_fields)),
        "author": (
            one.author_id,
            MERGE_AUTHOR_ID if envelope.by_rule else envelope.author_id,
        ),
    }
    wrong = [name for name, (here, there) in pairs.items() if here != there]
    kind = RecordKind(one.kind)
    if kind in MERGED_KINDS and not wrong:
        wrong += differing(kind, one.record, operation.record)
    return wrong


def _of_head(row: HeadFault) -> Fault:
    return Fault(
        kind=row.kind,
        record_id=row.record_id,
        version=row.version,
        breach=Breach.SHOWN if row.fields else Breach.MISSING,
        detail=", ".join(row.fields),
    )


def _of_person(user_id: str, said: str) -> Fault:
    return Fault(
        kind=RecordKind.PRACTITIONER,
        record_id=user_id,
        version=0,
        breach=Breach.ACCOUNT,
        detail=said,
    )
