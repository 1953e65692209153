"""Whatever stands in a foreign file, the rules answer and nothing is raised."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from station_emr.domain.claim import ClaimFile
from station_emr.interop.bhyt.checks import check_all
from tests.interop.checks.clean_claims import CLEAN, LISTS, with_rows

TEXTS = st.one_of(
    st.text(max_size=20),
    st.text("0123456789.;,- ", max_size=16),
    st.sampled_from(
        [
            "9" * 5000,
            "0",
            "-1",
            "1e9",
            "²",
            "٣",
            "٢٠٢٦١٠٠٥",
            "202613400000",
            "20260231",
            ";;",
            "NaN",
        ]
    ),
)


@st.composite
def spoilt(draw: st.DrawFn) -> ClaimFile:
    """A claim with some of its elements replaced, gone, or rows taken away and put in twice."""
    claim = CLEAN[draw(st.sampled_from(sorted(CLEAN)))]
    for _time in range(draw(st.integers(1, 12))):
        if not claim.tables:
            break
        table = draw(st.sampled_from(sorted(claim.tables)))
        rows: list[Any] = [dict(row) for row in claim.rows(table)]
        place = draw(st.integers(0, len(rows) - 1))
        match draw(st.integers(0, 9)):
            case 0:
                del rows[place]
            case 1:
                rows.append(dict(rows[place]))
            case 2 if rows[place]:
                del rows[place][draw(st.sampled_from(sorted(rows[place])))]
            case _ if rows[place]:
                rows[place][draw(st.sampled_from(sorted(rows[place])))] = draw(TEXTS)
        claim = with_rows(claim, table, rows)
    return claim


@given(st.lists(spoilt(), min_size=1, max_size=2))
def test_the_rules_answer_to_anything(claims: list[ClaimFile]) -> None:
    for claim, found in zip(claims, check_all(claims, LISTS), strict=True):
        for finding in found:
            rows = claim.rows(finding.table)
            assert 0 <= finding.row < max(len(rows), 1)
            assert finding.message
            assert "{" not in finding.remedy
