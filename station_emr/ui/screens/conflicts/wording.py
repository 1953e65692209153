"""What the desk says, worked out from what it was given. No widgets."""

from __future__ import annotations

import difflib
import html
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Final

from station_emr.domain.record import RecordStatus
from station_emr.services.desk_views import (
    FURTHER,
    ChartSummary,
    Choice,
    ConflictRow,
    ConflictView,
    DuplicateProposal,
    FieldDifference,
    Side,
)
from station_emr.services.i18n import _
from station_emr.ui.kit import PHONE_GROUPS, grouped
from station_emr.ui.models.moments import show_when

_MOST_FIELDS: Final = 3
_PAPERS_STAY: Final = (
    "Giấy tờ đã hủy cùng lượt khám thì vẫn hủy; hãy lập giấy mới nếu người bệnh còn cần."
)
ONE_IS_HERE: Final = (
    "Tỉnh không nhận bản kia nên bản đó chỉ còn ở máy đã viết. Chọn để xác nhận giá trị này."
)
NOTHING: Final = "Không ghi gì"
_STATES: Final = {
    RecordStatus.SIGNED: "Đã ký",
    RecordStatus.AMENDED: "Sửa đổi sau khi ký",
    RecordStatus.VOIDED: "Đã hủy",
    RecordStatus.DRAFT: "Nháp",
}

_UNSIGNED: Final = {**_STATES, RecordStatus.SIGNED: "Lập hồ sơ", RecordStatus.AMENDED: "Sửa hồ sơ"}


def fields_words(fields: tuple[str, ...]) -> str:
    """``Dị ứng, Ngày sinh``; the rest of a long list is counted."""
    shown = ", ".join(fields[:_MOST_FIELDS])
    more = len(fields) - _MOST_FIELDS
    return _("{shown} và {count} mục nữa").format(shown=shown, count=more) if more > 0 else shown


def row_detail(row: ConflictRow) -> str:
    return f"{row.title}: {fields_words(row.fields)}"


def since_words(row: ConflictRow, now: datetime) -> str:
    return _("Từ {when}").format(when=show_when(row.since, now))


def ordered(rows: tuple[ConflictRow, ...]) -> tuple[ConflictRow, ...]:
    """What may harm somebody first, then the oldest."""
    return tuple(sorted(rows, key=lambda row: (not row.safety, row.since)))


def who_words(side: Side) -> str:
    return _("{name}, {device}").format(name=side.author_name, device=side.device)


def clocks(side: Side) -> str:
    """Both clocks: the machine's own and, where the difference was known, the server's."""
    own = _("{at:%H:%M %d/%m/%Y} theo máy đó").format(at=side.at)
    if side.corrected_at is None:
        return _("{own}; chưa so được với giờ máy chủ").format(own=own)
    if side.corrected_at.date() == side.at.date():
        return _("{own}; {at:%H:%M} theo giờ máy chủ").format(own=own, at=side.corrected_at)
    return _("{own}; {at:%H:%M %d/%m/%Y} theo giờ máy chủ").format(own=own, at=side.corrected_at)


def state_words(side: Side, *, signed: bool = True) -> str:
    """How this version came to be, with the reason that was given for it."""
    state = _((_STATES if signed else _UNSIGNED)[side.status])
    if not side.reason:
        return state
    return _("{state}, lý do: {reason}").format(state=state, reason=side.reason.rstrip("."))


def as_read(difference: FieldDifference) -> FieldDifference:
    """With numbers grouped for reading, as on the chart."""
    if difference.path.partition(FURTHER)[0] != "phone":
        return difference
    base, one, other = (
        grouped(text, PHONE_GROUPS) for text in (difference.base, difference.one, difference.other)
    )
    return replace(difference, base=base, one=one, other=other)


def value_words(text: str) -> str:
    return text or _(NOTHING)


def marked(text: str, against: str) -> str:
    """``text`` as safe rich text with the words that ``against`` does not have set bold.

    When nearly everything differs nothing is marked: two sentences in bold tell nobody anything.
    """
    if not text:
        return f"<i>{html.escape(_(NOTHING))}</i>"
    mine, theirs = text.split(" "), against.split(" ")
    matcher = difflib.SequenceMatcher(a=mine, b=theirs, autojunk=False)
    if not against or matcher.ratio() < 0.25:
        return html.escape(text).replace("\n", "<br>")
    parts = []
    for tag, start, end, _b1, _b2 in matcher.get_opcodes():
        words = html.escape(" ".join(mine[start:end])).replace("\n", "<br>")
        if words:
            parts.append(words if tag == "equal" else f"<b><u>{words}</u></b>")
    return " ".join(parts)


def decided_words(view: ConflictView, choices: Mapping[str, Choice]) -> str:
    """What was decided just now, and how much of the record still waits."""
    labels: dict[str, str] = {}
    given: dict[str, list[Choice | None]] = {}
    for line in view.differences:  # several lines are one field where three wrote differently
        field = line.path.partition(FURTHER)[0]
        labels.setdefault(field, line.label)
        given.setdefault(field, []).append(choices.get(line.path))
    done = [
        labels[field]
        for field, found in given.items()
        if None not in found or {Choice.OTHER, Choice.BOTH} & set(found)
    ]
    left = len(given) - len(done)
    parts = []
    if done:
        told = _("Đã ghi quyết định cho {name}: {fields}.")
        parts.append(told.format(name=view.row.patient_name, fields=fields_words(tuple(done))))
    if left:
        parts.append(_("Còn {count} mục để ngỏ.").format(count=left))
    return " ".join(parts)


def pair_progress_words(
    differences: tuple[FieldDifference, ...], choices: Mapping[str, Choice]
) -> str:
    """A merge leaves nothing open: it waits until every difference is answered."""
    if not choices:
        return _("Chưa chọn mục nào. Bấm 1 hoặc 2 để chọn hồ sơ, mũi tên để đi giữa các mục.")
    return _("Đã chọn {count} trên {all} mục. Chọn đủ rồi mới gộp được.").format(
        count=len(choices), all=len(differences)
    )


def progress_words(differences: tuple[FieldDifference, ...], choices: Mapping[str, Choice]) -> str:
    count = len(choices)
    if not count:
        return _("Chưa chọn mục nào. Bấm 1 hoặc 2 để chọn bản, mũi tên để đi giữa các mục.")
    if count < len(differences):
        return _("Đã chọn {count} trên {all} mục. Mục chưa chọn vẫn để ngỏ.").format(
            count=count, all=len(differences)
        )
    return _("Đã chọn đủ {count} mục.").format(count=count)


def option_words(choice: Choice, *, pair: bool = False) -> str:
    if pair:
        return {
            Choice.ONE: _("Hồ sơ giữ lại"),
            Choice.OTHER: _("Hồ sơ gộp vào"),
            Choice.BOTH: _("Giữ cả hai"),
        }[choice]
    return {
        Choice.ONE: _("Bản 1"),
        Choice.OTHER: _("Bản 2"),
        Choice.BOTH: _("Giữ cả hai"),
    }[choice]


# -- people registered twice -------------------------------------------------------------------


def pair_title(proposal: DuplicateProposal) -> str:
    one, other = proposal.one.full_name, proposal.other.full_name
    return one if one == other else f"{one} / {other}"


def chart_facts(chart: ChartSummary, now: datetime) -> tuple[tuple[str, str], ...]:
    """Caption and text of each known fact, in the order of a citizen card."""
    visits = _("Chưa khám lần nào")
    if chart.visits:
        visits = _("{count} lượt").format(count=chart.visits)
        if chart.last_visit_at is not None:
            last = show_when(chart.last_visit_at, now)
            visits = _("{visits}, gần nhất {when}").format(visits=visits, when=last)
    registered = _("{by}, {on}").format(by=chart.registered_by, on=chart.registered_on)
    facts = (
        (_("Mã người bệnh"), chart.chart_number),
        (_("Giới, ngày sinh"), " · ".join(t for t in (chart.sex, chart.birth) if t)),
        (_("Nơi ở"), chart.address),
        (_("Số định danh"), chart.national_id),
        (_("Thẻ BHYT"), chart.insurance_number),
        (_("Điện thoại"), grouped(chart.phone, PHONE_GROUPS)),
        (_("Lượt khám"), visits),
        (_("Người lập, nơi lập"), registered.strip(", ")),
    )
    return tuple((caption, text or _("Chưa ghi")) for caption, text in facts)


def undone_words(*, papers_voided: bool) -> str:
    """With what the undoing of a decision leaves as it is."""
    told = _("Đã hoàn tác, hồ sơ lại chờ quyết định.")
    return f"{told} {_(_PAPERS_STAY)}" if papers_voided else told
