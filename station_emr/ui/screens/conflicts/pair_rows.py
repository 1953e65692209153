"""A pair of charts as a row of the list: what it says, and when two rows are one pair."""

from __future__ import annotations

from dataclasses import replace

from station_emr.services.desk_views import DuplicateProposal, LinkedCharts
from station_emr.services.i18n import _
from station_emr.ui.kit import ChipSpec, Severity
from station_emr.ui.screens.conflicts.pair_charts import Pair
from station_emr.ui.screens.conflicts.row_list import RowFace
from station_emr.ui.screens.conflicts.wording import pair_title


def first_guess(row: DuplicateProposal) -> Pair:
    """The chart with more visits stays, so that fewer papers carry the other number."""
    if row.other.visits > row.one.visits:
        return Pair(row.other, row.one)
    return Pair(row.one, row.other)


def asked_row(linked: LinkedCharts) -> DuplicateProposal:
    """The pair that was asked for, with what is the matter where it was joined."""
    if not linked.joined:
        return linked.proposal
    return replace(linked.proposal, why=(_("Đã gộp thành một người."),), certain=False)


def key_of(row: DuplicateProposal) -> frozenset[str]:
    return Pair(row.one, row.other).key


def face(row: DuplicateProposal) -> RowFace:
    mark = ChipSpec(_("Trùng số giấy tờ"), Severity.WARNING) if row.certain else None
    numbers = f"{row.one.chart_number} · {row.other.chart_number}"
    return RowFace(title=pair_title(row), detail=" ".join(row.why), foot=numbers, mark=mark)


def same(one: DuplicateProposal, other: DuplicateProposal) -> bool:
    return key_of(one) == key_of(other)
