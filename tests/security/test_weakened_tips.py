"""Markup in what a code or another PC brought, shown as a tooltip, twice: words for the program, and a picture
that is fetched from elsewhere where tips go in as they are.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final, cast

import pytest
from PySide6.QtGui import Qt, QTextDocument

from station_emr.domain.errors import Problem
from station_emr.domain.scan import CitizenCardScan, parse_scan
from station_emr.ui.kit import row_model, tips
from station_emr.ui.kit.row_model import Column, RowModel
from station_emr.ui.screens.encounter import outcome
from station_emr.ui.screens.today import column
from station_emr.ui.screens.today.cards import QueueCard
from station_emr.ui.shell import news_line
from tests.security.test_attacks_inputs import _CARD

UI: Final = Path(__file__).parents[2] / "station_emr" / "ui"
_FOREIGN: Final = re.compile(r"setToolTip\((?!\s*(?:_\(|plain_tip\(|\"\"))")
PICTURE: Final = '<img src="file://192.0.2.1/chung/x.png">'


def fetches(tip: str) -> bool:
    """Whether Qt would draw a picture for this tip, and first fetch it."""
    if not Qt.mightBeRichText(tip):
        return False
    page = QTextDocument()
    page.setHtml(tip)
    return any(one.isImageFormat() for one in page.allFormats())


def name_on_a_card() -> str:
    """What a scanned card says that its holder is called."""
    found = parse_scan(_CARD.format(name=f"{PICTURE}Nguyễn Văn Mẫu"))
    assert isinstance(found, CitizenCardScan)
    return found.full_name


def of_a_card_in_the_queue(name: str) -> str:
    model = column.CardModel()
    card = QueueCard(row=cast("Any", None), name=name, time="08:00", detail="", chips=())
    model.cards = (card,)
    return str(model.data(model.index(0), Qt.ItemDataRole.ToolTipRole))


def of_a_row(name: str) -> str:
    model = RowModel([Column(title="Họ tên", text=str, tip=str)])
    model.replace([name])
    return str(model.data(model.index(0, 0), Qt.ItemDataRole.ToolTipRole))


def of_a_problem(name: str) -> str:
    problem = Problem(field="x", code="x", message=f"{name} chưa có ngày sinh.")
    return outcome.Todo("1", [problem], "x").toolTip()


def of_news(name: str) -> str:
    words = news_line._Words()
    words.say(name)
    return words.toolTip()


@pytest.mark.parametrize(
    ("module", "tip"),
    [
        (column, of_a_card_in_the_queue),
        (row_model, of_a_row),
        (outcome, of_a_problem),
        (news_line, of_news),
    ],
)
def test_a_picture_in_a_name_is_fetched_where_tips_are_not_plain(
    qapp, monkeypatch, module, tip
) -> None:
    name = name_on_a_card()
    assert PICTURE in name
    assert not fetches(tip(name))
    monkeypatch.setattr(module, "plain_tip", lambda text: text)
    assert fetches(tip(name))


def test_a_plain_tip_shows_every_letter(qapp) -> None:
    page = QTextDocument()
    page.setHtml(tips.plain_tip("<b>đậm</b>\nMạch < 60 & > 40"))
    assert page.toPlainText() == "<b>đậm</b>\nMạch < 60 & > 40"
    assert tips.plain_tip("Mạch < 60\nbình thường") == "Mạch < 60\nbình thường"


def test_no_other_module_shows_foreign_words_in_a_tip() -> None:
    """A new tip is plain, or says what the program itself says."""
    own = {
        "kit/buttons.py",
        "kit/chips.py",
        "kit/secret.py",
        "screens/encounter/vitals.py",
        "screens/patients/face.py",
        "screens/signing/screen.py",
        "screens/sync/courier_box.py",
        "shell/navigation.py",
    }
    found = {
        path.relative_to(UI).as_posix()
        for path in UI.rglob("*.py")
        for text in [path.read_text(encoding="utf-8")]
        if _FOREIGN.search(text) or ("ToolTipRole" in text and "plain_tip(" not in text)
    }
    assert found <= own
