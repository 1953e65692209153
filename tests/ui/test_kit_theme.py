"""The theme: contrast measured, one place for colours, fonts that ship with the program."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
from PySide6.QtCore import QRect
from PySide6.QtGui import QColor, QFontInfo, QFontMetrics, QImage, QPainter
from PySide6.QtWidgets import QApplication

from station_emr.services.resources import resource_path
from station_emr.ui.kit import Severity, apply_theme, contrast, paint_icon
from station_emr.ui.kit.icons import icon_names
from station_emr.ui.kit.theme import DARK, LIGHT, Tokens, font

THEMES = pytest.mark.parametrize("t", [LIGHT, DARK], ids=["light", "dark"])


def test_contrast_is_the_ratio_of_wcag() -> None:
    assert contrast("#000000", "#FFFFFF") == pytest.approx(21)
    assert contrast("#777777", "#FFFFFF") == pytest.approx(4.48, abs=0.01)


@THEMES
@pytest.mark.parametrize("ground", ["surface", "raised", "sunken", "hover", "primary_soft"])
def test_text_can_be_read_on_every_ground(t: Tokens, ground: str) -> None:
    for words in ("text", "muted", "primary_text"):
        assert contrast(getattr(t, words), getattr(t, ground)) >= 4.5, words


@THEMES
@pytest.mark.parametrize("severity", list(Severity))
def test_severity_can_be_read_on_cards_chips_and_pages(t: Tokens, severity: Severity) -> None:
    words, fill, _edge = t.of(severity)
    for ground in (fill, t.raised, t.surface):
        assert contrast(words, ground) >= 4.5


@THEMES
def test_primary_button_can_be_read_in_every_state(t: Tokens) -> None:
    for fill in (t.primary, t.primary_hover, t.primary_pressed):
        assert contrast(t.on_primary, fill) >= 4.5
        assert contrast(t.on_primary_muted, fill) >= 4.5


@THEMES
def test_focus_ring_stands_out_from_what_it_surrounds(t: Tokens) -> None:
    for ground in (t.surface, t.raised, t.sunken):
        assert contrast(t.primary, ground) >= 3


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="they are immortal there")
@pytest.mark.parametrize("constant", [True, False, None], ids=str)
def test_constants_outlive_any_number_of_signals_and_paintings(constant: bool | None) -> None:
    assert sys.getrefcount(constant) > 1 << 39


def test_every_severity_but_neutral_has_an_icon() -> None:
    known = icon_names()
    for severity in Severity:
        assert bool(severity.icon) is (severity is not Severity.NEUTRAL)
        assert not severity.icon or severity.icon in known


@pytest.mark.parametrize("weight", [400, 600, 700])
def test_bundled_font_serves_every_weight(qapp: QApplication, weight: int) -> None:
    info = QFontInfo(font(10.5, weight))
    assert info.family() == "Noto Sans"
    assert info.weight() == weight


def test_figures_are_tabular_and_highland_names_have_glyphs(qapp: QApplication) -> None:
    metrics = QFontMetrics(font())
    assert len({metrics.horizontalAdvance(digit) for digit in "0123456789"}) == 1
    for letter in "ĕ\u0306ơưđƀĐẰ₂≥–•½":
        assert metrics.inFontUcs4(ord(letter)), letter


def test_licences_stand_beside_the_fonts() -> None:
    assert "SIL Open Font License" in resource_path("fonts", "noto-sans", "OFL.txt").read_text(
        encoding="utf-8"
    )
    assert "MIT" in resource_path("icons", "phosphor", "LICENSE.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["house", "stethoscope", "warning"])
def test_icon_leaves_ink(qapp: QApplication, name: str) -> None:
    image = QImage(18, 18, QImage.Format.Format_ARGB32)
    image.fill(QColor("white"))
    blank = QImage(image)
    painter = QPainter(image)
    paint_icon(painter, QRect(0, 0, 18, 18), name, QColor("black"))
    painter.end()
    assert image != blank


def test_switching_themes_changes_the_palette(qapp: QApplication) -> None:
    try:
        apply_theme(qapp, "dark")
        assert qapp.palette().window().color() == QColor(DARK.surface)
        apply_theme(qapp, "light")
        assert qapp.palette().window().color() == QColor(LIGHT.surface)
    finally:
        apply_theme(qapp, "light")


COLOUR = re.compile(
    r"[\"']#[0-9A-Fa-f]{3,8}[\"']|setStyleSheet|QColor\(\d|GlobalColor\.(?!transparent)"
)


def test_only_the_theme_sets_colours(checkout: Path) -> None:
    folder = checkout / "station_emr" / "ui"
    offenders = [
        f"{path.relative_to(checkout)}:{number}"
        for path in folder.rglob("*.py")
        if path.name != "theme.py"
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if COLOUR.search(line)
    ]
    assert offenders == []


def test_only_the_dialogs_module_stops_the_program(checkout: Path) -> None:
    modal = re.compile(r"\.exec\(|QMessageBox|QInputDialog|QFileDialog")
    folder = checkout / "station_emr" / "ui"
    offenders = [
        f"{path.relative_to(checkout)}:{number}"
        for path in folder.rglob("*.py")
        if path != folder / "kit" / "dialogs.py"
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if modal.search(line)
    ]
    assert offenders == []
