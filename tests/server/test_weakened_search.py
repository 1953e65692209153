"""A sign of the search language typed into the inbox of a hospital, twice: a letter like any other for the
province, and every letter of the hospital where words are not quoted.
"""

from __future__ import annotations

import pytest
from sqlalchemy.sql.operators import ColumnOperators

from tests.server.test_inbox import clerk, sender

__all__ = ["clerk", "sender"]


@pytest.mark.parametrize("typed", ["%25", "_", "a%25"])
def test_a_wildcard_lists_every_letter_where_words_are_not_quoted(
    sender, clerk, typed: str, monkeypatch
) -> None:
    letters = [sender.send(clerk.code, name=name) for name in ("Rơ Châm Mẫu", "Đinh Văn Mẫu")]

    def listed() -> list[str]:
        page = clerk.get(f"/web/inbox?q={typed}").text
        return [letter for letter in letters if letter in page]

    assert listed() == []
    real = ColumnOperators.contains
    monkeypatch.setattr(
        ColumnOperators, "contains", lambda self, word, **_quoting: real(self, word)
    )
    assert listed() == letters
