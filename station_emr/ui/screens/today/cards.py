"""What one card of the queue says, worked out from its row and the time of day. No widgets."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from station_emr.domain.birth import age_on, age_text
from station_emr.domain.encounter import Priority, Stage
from station_emr.domain.record import RecordStatus
from station_emr.services.i18n import _
from station_emr.services.views import QueueRow
from station_emr.ui.kit import ChipSpec, Severity

STAGES: Final = (Stage.WAITING, Stage.IN_PROGRESS, Stage.AWAITING_MEDICINE, Stage.FINISHED)
WEEKDAYS: Final = ("Thứ hai", "Thứ ba", "Thứ tư", "Thứ năm", "Thứ sáu", "Thứ bảy", "Chủ nhật")
_HIGH_SYSTOLIC, _HIGH_DIASTOLIC = 140, 90  # QĐ 5904/2019: tăng huyết áp tại cơ sở y tế
_SMALL_CHILD: Final = 6
_PRESSURE: Final = re.compile(r"(\d+)/(\d+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueCard:
    """One card, ready to paint."""

    row: QueueRow
    name: str
    time: str
    detail: str
    chips: tuple[ChipSpec, ...]

    @property
    def encounter_id(self) -> str:
        return self.row.encounter_id

    @property
    def spoken(self) -> str:
        chips = ", ".join(chip.spoken for chip in self.chips)
        return ", ".join(part for part in (self.name, self.detail, self.time, chips) if part)


def card_of(row: QueueRow, now: datetime, unsent: Collection[str] = ()) -> QueueCard:
    """``unsent`` holds the visits whose referral letter the province does not have yet."""
    return QueueCard(
        row=row,
        name=row.full_name,
        time=_time_words(row, now),
        detail=" · ".join(part for part in (_person(row, now.date()), _what(row)) if part),
        chips=tuple(_chips(row, now.date(), unsent)),
    )


def _time_words(row: QueueRow, now: datetime) -> str:
    since = {
        Stage.WAITING: row.arrived_at,
        Stage.IN_PROGRESS: row.started_at or row.arrived_at,
        Stage.AWAITING_MEDICINE: row.ended_at or row.arrived_at,
        Stage.FINISHED: row.ended_at or row.arrived_at,
    }[row.stage]
    if since.date() != now.date():
        return _("từ {day:%d/%m}").format(day=since)
    if row.stage is Stage.FINISHED:
        return f"{since:%H:%M}"
    if row.stage is Stage.IN_PROGRESS:
        return _("từ {time:%H:%M}").format(time=since)
    return minutes_words(max(0, int((now - since).total_seconds() // 60)))


def minutes_words(minutes: int) -> str:
    """``9 phút``, ``1 giờ 05``: a queue counts in whole minutes."""
    if minutes < 60:
        return _("{minutes} phút").format(minutes=minutes)
    return _("{hours} giờ {minutes:02d}").format(hours=minutes // 60, minutes=minutes % 60)


def _person(row: QueueRow, today: date) -> str:
    words = f"{row.sex.label}, {age_text(row.birth, today)}"
    if row.weight and age_on(row.birth, today) < _SMALL_CHILD:
        words += f" ({row.weight} kg)"
    return words


def _what(row: QueueRow) -> str:
    if row.stage is Stage.WAITING:
        return " · ".join(part for part in (row.address_line, _small_start(row.reason)) if part)
    if row.stage is Stage.IN_PROGRESS:
        return short_name(row.practitioner) or _small_start(row.reason)
    if row.stage is Stage.AWAITING_MEDICINE:
        if row.drug_count:
            return _("{count} thuốc").format(count=row.drug_count)
        return _("chưa có đơn thuốc")
    if row.referred_to:
        return _("chuyển {place}").format(place=row.referred_to)
    return short_name(row.practitioner)


def short_name(name: str) -> str:
    """``BS. Nguyễn Thị Hoa`` → ``BS. Hoa``: how colleagues call one another."""
    words = name.split()
    if len(words) < 2:
        return name
    title = words[0] if words[0].endswith(".") else ""
    return f"{title} {words[-1]}".strip()


def _small_start(text: str) -> str:
    return text[:1].lower() + text[1:]


def _chips(row: QueueRow, today: date, unsent: Collection[str]) -> list[ChipSpec]:
    chips: list[ChipSpec] = []
    if row.status is RecordStatus.VOIDED:
        return [ChipSpec(_("Đã hủy"), Severity.NEUTRAL)]
    working = row.stage in (Stage.WAITING, Stage.IN_PROGRESS)
    if working and row.priority is Priority.EMERGENCY:
        chips.append(ChipSpec(_("Cấp cứu"), Severity.DANGER))
    if row.allergies and row.stage is not Stage.FINISHED:
        chips.append(
            ChipSpec(_("Dị ứng {what}").format(what=_small_start(row.allergies)), Severity.DANGER)
        )
    if working:
        chips += _facts(row, today)
    if row.stage is Stage.AWAITING_MEDICINE:
        chips += _medicine(row)
    if row.stage is Stage.FINISHED:
        chips += _endings(row, unsent)
    return chips


def _facts(row: QueueRow, today: date) -> list[ChipSpec]:
    chips: list[ChipSpec] = []
    small = age_on(row.birth, today) < _SMALL_CHILD
    if small:
        chips.append(ChipSpec(_("Trẻ < 6 tuổi"), Severity.WARNING, icon=""))
    elif row.priority is Priority.PRIORITY:
        chips.append(ChipSpec(_("Ưu tiên"), Severity.WARNING, icon=""))
    if is_high(row.last_blood_pressure):
        words = _("HA {value}") if row.has_vitals else _("HA lần trước {value}")
        chips.append(
            ChipSpec(words.format(value=row.last_blood_pressure), Severity.WARNING, icon="")
        )
    if row.chronic:
        chips.append(ChipSpec(_("Mạn tính"), Severity.INFO, icon=""))
    if row.has_vitals:
        chips.append(ChipSpec(_("Đã có sinh hiệu"), Severity.SUCCESS, icon=""))
    return chips


def _medicine(row: QueueRow) -> list[ChipSpec]:
    if row.prescription_status is None or row.prescription_status is RecordStatus.VOIDED:
        return [ChipSpec(_("Không có đơn"), Severity.NEUTRAL)]
    if row.prescription_status is RecordStatus.DRAFT:
        return [ChipSpec(_("Đơn chưa ký"), Severity.WARNING, icon="")]
    return [ChipSpec(_("Đã ký đơn"), Severity.SUCCESS, icon="")]


def _endings(row: QueueRow, unsent: Collection[str]) -> list[ChipSpec]:
    chips: list[ChipSpec] = []
    if row.referred_to:
        waits = row.encounter_id in unsent
        words = _("Chuyển tuyến · chờ gửi") if waits else _("Chuyển tuyến · đã gửi")
        chips.append(ChipSpec(words, Severity.INFO, icon=""))
    if row.follow_up_on is not None:
        chips.append(ChipSpec(_("Hẹn {day:%d/%m}").format(day=row.follow_up_on)))
    return chips or [ChipSpec(_("Hết lượt"))]


def is_high(pressure: str) -> bool:
    found = _PRESSURE.fullmatch(pressure)
    return found is not None and (
        int(found[1]) >= _HIGH_SYSTOLIC or int(found[2]) >= _HIGH_DIASTOLIC
    )


def day_line(rows: Sequence[QueueRow], now: datetime) -> str:
    """``Chủ nhật, 22/11/2026 · 31 lượt · chờ trung bình 14 phút``."""
    parts = [f"{WEEKDAYS[now.weekday()]}, {now:%d/%m/%Y}"]
    if rows:
        parts.append(_("{count} lượt").format(count=len(rows)))
    waits = [
        max(0.0, (now - row.arrived_at).total_seconds() / 60)
        for row in rows
        if row.stage is Stage.WAITING and row.arrived_at.date() == now.date()
    ]
    if waits:
        average = minutes_words(round(sum(waits) / len(waits)))
        parts.append(_("chờ trung bình {time}").format(time=average))
    return " · ".join(parts)


def in_order(rows: Sequence[QueueRow], stage: Stage) -> list[QueueRow]:
    """The rows of one column. People wait in order of calling; the done show the latest first."""
    mine = [row for row in rows if row.stage is stage]
    if stage is Stage.IN_PROGRESS:
        return sorted(mine, key=lambda row: row.started_at or row.arrived_at)
    if stage is Stage.AWAITING_MEDICINE:
        return sorted(mine, key=lambda row: row.ended_at or row.arrived_at)
    if stage is Stage.FINISHED:
        return sorted(mine, key=lambda row: row.ended_at or row.arrived_at, reverse=True)
    return mine
