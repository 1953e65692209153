"""Reports that list cases one by one: referral letters with their answers, infectious diseases."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from statistics import median

from .notification import NotificationRules, notification_rules_on
from .referral import ReferralReason
from .register import RegisterLine
from .sensitive import RESTRICTED


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferralTrack:
    """One signed letter and what came back. ``accepted_at`` is the first word of the hospital,
    ``completed_at`` its reply slip.
    """

    referral_id: str
    encounter_id: str
    patient_id: str
    number: str
    full_name: str
    signed_at: datetime
    to_facility: str
    reason: ReferralReason | None
    diagnosis: str
    codes: tuple[str, ...] = ()
    emergency: bool = False
    accepted_at: datetime | None = None
    rejected_at: datetime | None = None
    completed_at: datetime | None = None

    @property
    def first_answer_at(self) -> datetime | None:
        told = [at for at in (self.accepted_at, self.rejected_at, self.completed_at) if at]
        return min(told, default=None)

    @property
    def answer_after(self) -> timedelta | None:
        """From the signature to the first word of the hospital."""
        first = self.first_answer_at
        return None if first is None else max(timedelta(), first - self.signed_at)

    @property
    def completed_after(self) -> timedelta | None:
        if self.completed_at is None:
            return None
        return max(timedelta(), self.completed_at - self.signed_at)


def veiled_track(track: ReferralTrack) -> ReferralTrack:
    """A letter of a restricted visit for those who may not read it."""
    return replace(track, diagnosis=RESTRICTED, to_facility=RESTRICTED, codes=(), reason=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferralSummary:
    """Letters of one reason. The times are medians over those that were answered."""

    title: str
    letters: int
    answered: int
    rejected: int
    completed: int
    answer_after: timedelta | None
    completed_after: timedelta | None


def summarise(tracks: Sequence[ReferralTrack]) -> tuple[ReferralSummary, ...]:
    """By reason, in the order of the form, and all of them last."""
    groups: list[tuple[str, list[ReferralTrack]]] = [
        (reason.label, [one for one in tracks if one.reason is reason]) for reason in ReferralReason
    ]
    unknown = [one for one in tracks if one.reason is None]
    if unknown:
        groups.append(("Không ghi hoặc không được xem lý do", unknown))
    groups.append(("Tất cả", list(tracks)))
    return tuple(_summary(title, held) for title, held in groups)


def _summary(title: str, held: Sequence[ReferralTrack]) -> ReferralSummary:
    return ReferralSummary(
        title=title,
        letters=len(held),
        answered=sum(one.first_answer_at is not None for one in held),
        rejected=sum(one.rejected_at is not None for one in held),
        completed=sum(one.completed_at is not None for one in held),
        answer_after=_middle(one.answer_after for one in held),
        completed_after=_middle(one.completed_after for one in held),
    )


def _middle(times: Iterable[timedelta | None]) -> timedelta | None:
    known = [time.total_seconds() for time in times if time is not None]
    return timedelta(seconds=median(known)) if known else None


@dataclass(frozen=True, slots=True, kw_only=True)
class InfectiousCase:
    """A visit with a disease that must be told of, and its clock. ``reported_at`` stops it."""

    line: RegisterLine
    disease_code: str
    disease: str
    icd_code: str
    detected_at: datetime
    hours: int
    reported_at: datetime | None = None

    @property
    def due_at(self) -> datetime:
        return self.detected_at + timedelta(hours=self.hours)

    @property
    def was_late(self) -> bool:
        return self.reported_at is not None and self.reported_at > self.due_at

    def left(self, now: datetime) -> timedelta | None:
        """Negative when late; None once it was told."""
        return None if self.reported_at is not None else self.due_at - now


def infectious_cases(
    lines: Iterable[RegisterLine], rules: Sequence[NotificationRules]
) -> tuple[InfectiousCase, ...]:
    """Each disease of each visit once, oldest first; the clock starts with the signature."""
    if not rules:
        return ()
    found = []
    for line in lines:
        table = notification_rules_on(rules, line.day)
        seen: set[str] = set()
        for code in line.codes:
            disease = table.disease_of(code)
            if disease is None or disease.code in seen:
                continue
            seen.add(disease.code)
            found.append(
                InfectiousCase(
                    line=line,
                    disease_code=disease.code,
                    disease=disease.name,
                    icd_code=code,
                    detected_at=line.signed_at or line.arrived_at,
                    hours=disease.hours,
                )
            )
    return tuple(found)


def hours_text(time: timedelta | None) -> str:
    """``3 ngày 4 giờ``, ``5 giờ``, ``20 phút``; nothing when unknown."""
    if time is None:
        return ""
    minutes = int(abs(time.total_seconds()) // 60)
    days, rest = divmod(minutes, 1440)
    hours, left = divmod(rest, 60)
    if days:
        return f"{days} ngày {hours} giờ" if hours else f"{days} ngày"
    if hours:
        return f"{hours} giờ {left:02d} phút" if left and hours < 3 else f"{hours} giờ"
    return f"{left} phút"
