"""Ends of a log that was cut, rewritten or rolled back, twice: the province refuses them and says so, and takes
each where exactly its judgement is gone.
"""

from __future__ import annotations

import pytest

from provincial_server.anchors import keeping
from tests.server.test_audit_anchors import after, end, said, show

__all__ = ["said"]

ENDS = {
    "shorter than before": end(12),
    "another line at the same place": end(20, "other"),
    "longer on other lines": end(30, **after(20, "other")),
    "longer without a word of the lines before": end(30),
}


@pytest.mark.parametrize("told", ENDS)
def test_an_end_of_a_changed_log_is_taken_where_it_is_not_judged(
    station, said, told: str, monkeypatch
) -> None:
    def taken() -> bool:
        return show(station, ENDS[told]).json().get("accepted") is True

    assert show(station, end(20)).json()["accepted"] is True
    with pytest.MonkeyPatch.context() as weak:
        weak.setattr(keeping, "_judge", lambda _last, _shown: "")
        assert taken()
        assert said() == ""
    assert show(station, end(20, life="b2")).json()["accepted"] is True
    assert show(station, {**ENDS[told], "incarnation": "b2"}).json().get("accepted") is not True
