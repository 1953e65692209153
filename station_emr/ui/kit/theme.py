"""The one theme: every colour, size and margin of the program is a token of this module.

:func:`apply_theme` gives the application Fusion, a palette, the bundled Noto Sans and one style
sheet made from the tokens. The sheet belongs to windows (:func:`dress`), not to the application: a
page is built before it stands in a window, and a sheet of the application would dress each of its
widgets anew for every box around it. Widgets that paint themselves read :func:`tokens` while
painting, so a change of theme reaches them with the next repaint.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, TypeVar

from PySide6.QtCore import QRect, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontDatabase, QPainter, QPalette, QPen
from PySide6.QtWidgets import QApplication, QStyleFactory, QWidget

from station_emr.services.resources import resource_path
from station_emr.ui.kit.qss import style_sheet
from station_emr.ui.kit.severity import Severity

ThemeName = Literal["light", "dark"]
W = TypeVar("W", bound=QWidget)

FONT_FAMILY: Final = "Noto Sans"
BODY_PT: Final = 10.5
DENSE_PT: Final = 9.5
CAPTION_PT: Final = 8.5
TITLE_PT: Final = 13.0
PAGE_TITLE_PT: Final = 14.0

GAP_XS: Final = 4
GAP_S: Final = 8
GAP_M: Final = 12
GAP_L: Final = 16
GAP_XL: Final = 24
RADIUS: Final = 6
SCAN_LIGHT: Final = "#FFFFFF"  # what a camera reads is black on white in either theme
SCAN_DARK: Final = "#000000"
CONTROL_HEIGHT: Final = 34
DENSE_HEIGHT: Final = 28
ICON_SIZE: Final = 18
FOCUS_WIDTH: Final = 2
NAV_WIDTH: Final = 188
TOP_HEIGHT: Final = 52
STATUS_HEIGHT: Final = 34


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """The colours of one theme, as ``#RRGGBB``; ``*_soft`` and ``*_line`` fill and edge a chip."""

    name: ThemeName
    surface: str
    raised: str
    sunken: str
    text: str
    muted: str
    disabled: str
    primary: str
    primary_hover: str
    primary_pressed: str
    primary_soft: str
    primary_text: str
    on_primary: str
    on_primary_muted: str
    line: str
    line_strong: str
    hover: str
    info: str
    info_soft: str
    info_line: str
    success: str
    success_soft: str
    success_line: str
    warning: str
    warning_soft: str
    warning_line: str
    danger: str
    danger_soft: str
    danger_line: str
    scroll: str

    def of(self, severity: Severity) -> tuple[str, str, str]:
        """Text, fill and edge colours of a severity."""
        table = {
            Severity.INFO: (self.info, self.info_soft, self.info_line),
            Severity.SUCCESS: (self.success, self.success_soft, self.success_line),
            Severity.WARNING: (self.warning, self.warning_soft, self.warning_line),
            Severity.DANGER: (self.danger, self.danger_soft, self.danger_line),
            Severity.NEUTRAL: (self.muted, self.surface, self.line),
        }
        return table[severity]


LIGHT: Final = Tokens(
    name="light",
    surface="#F6F8F9",
    raised="#FFFFFF",
    sunken="#ECF0F2",
    text="#15232B",
    muted="#51646F",
    disabled="#9AA8B0",
    primary="#0B6E6E",
    primary_hover="#095F5F",
    primary_pressed="#074F4F",
    primary_soft="#E0EFEE",
    primary_text="#0B6E6E",
    on_primary="#FFFFFF",
    on_primary_muted="#D3E9E8",
    line="#D5DDE1",
    line_strong="#BCC7CD",
    hover="#F0F4F5",
    info="#1A5F99",
    info_soft="#E9F2FB",
    info_line="#B3D1EC",
    success="#286C2B",
    success_soft="#EAF5EB",
    success_line="#B1D6B3",
    warning="#855400",
    warning_soft="#FFF4DE",
    warning_line="#EBCB90",
    danger="#B3261E",
    danger_soft="#FDECEA",
    danger_line="#F0B7B2",
    scroll="#C3CDD3",
)

DARK: Final = Tokens(
    name="dark",
    surface="#12181B",
    raised="#1A2226",
    sunken="#0D1214",
    text="#E8EEF1",
    muted="#A3B3BC",
    disabled="#5F6E76",
    primary="#3FB8AF",
    primary_hover="#55C6BE",
    primary_pressed="#35A199",
    primary_soft="#1D3A3A",
    primary_text="#5CCBC3",
    on_primary="#0A1F1E",
    on_primary_muted="#0B2826",
    line="#2B363C",
    line_strong="#43525A",
    hover="#222C31",
    info="#7DB9EA",
    info_soft="#16293A",
    info_line="#2B4A66",
    success="#84CB87",
    success_soft="#16301A",
    success_line="#2C5431",
    warning="#E7B257",
    warning_soft="#332609",
    warning_line="#5F4A1C",
    danger="#F59089",
    danger_soft="#3B1A18",
    danger_line="#6E312D",
    scroll="#3C4A52",
)

_THEMES: Final[dict[ThemeName, Tokens]] = {"light": LIGHT, "dark": DARK}
_current = LIGHT
_fonts_loaded = False


def tokens() -> Tokens:
    """The tokens of the theme in use."""
    return _current


def colour(name: str) -> QColor:
    """A token as a colour, such as ``colour("danger")``."""
    return QColor(str(getattr(_current, name)))


def font(size: float = BODY_PT, weight: int = 400) -> QFont:
    """The program's font; ``weight`` is 400, 600 or 700. Its figures are tabular by design."""
    made = QFont(FONT_FAMILY)
    made.setPointSizeF(size)
    made.setWeight(QFont.Weight(weight))
    return made


def load_fonts() -> None:
    """Register the bundled Noto Sans once; the machine's own fonts are not relied upon."""
    global _fonts_loaded  # noqa: PLW0603 - fonts belong to the process
    if _fonts_loaded:
        return
    _fonts_loaded = True
    for style in ("Regular", "SemiBold", "Bold"):
        QFontDatabase.addApplicationFont(
            str(resource_path("fonts", "noto-sans", f"NotoSans-{style}.ttf"))
        )


def apply_theme(app: QApplication, name: ThemeName) -> Tokens:
    """Dress every open window; safe to call again to switch themes while the program runs."""
    global _current  # noqa: PLW0603 - one application wears one theme
    _current = _THEMES[name]
    load_fonts()
    style = QStyleFactory.create("Fusion")
    if app.style().name().lower() != "fusion":
        app.setStyle(style)
    app.setFont(font())
    app.setPalette(_palette(_current))
    for window in app.topLevelWidgets():
        if window.styleSheet():
            dress(window)
    return _current


def dress(window: W) -> W:
    """Give the sheet to a window that has no parent; what is put into it, and its dialogs, follow."""
    sheet = style_sheet(_current)
    if window.styleSheet() != sheet:  # the same again would dress every widget anew for nothing
        window.setStyleSheet(sheet)
    return window


def _palette(t: Tokens) -> QPalette:
    palette = QPalette()
    role = QPalette.ColorRole
    for target, value in (
        (role.Window, t.surface),
        (role.WindowText, t.text),
        (role.Base, t.raised),
        (role.AlternateBase, t.surface),
        (role.Text, t.text),
        (role.Button, t.raised),
        (role.ButtonText, t.text),
        (role.BrightText, t.danger),
        (role.PlaceholderText, t.muted),
        (role.Highlight, t.primary),
        (role.HighlightedText, t.on_primary),
        (role.Accent, t.primary),
        (role.ToolTipBase, t.raised),
        (role.ToolTipText, t.text),
        (role.Link, t.primary_text),
        (role.LinkVisited, t.primary_text),
        (role.Mid, t.line),
        (role.Midlight, t.line),
        (role.Light, t.raised),
        (role.Dark, t.line_strong),
        (role.Shadow, t.line_strong),
    ):
        palette.setColor(target, QColor(value))
    for target in (role.WindowText, role.Text, role.ButtonText):
        palette.setColor(QPalette.ColorGroup.Disabled, target, QColor(t.disabled))
    palette.setColor(QPalette.ColorGroup.Disabled, role.Base, QColor(t.sunken))
    return palette


def contrast(first: str, second: str) -> float:
    """The contrast ratio of two colours by WCAG 2 (1 to 21)."""
    lighter, darker = sorted((_luminance(first), _luminance(second)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(value: str) -> float:
    red, green, blue = (
        c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4
        for c in (int(value[i : i + 2], 16) / 255 for i in (1, 3, 5))
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def paint_box(painter: QPainter, rect: QRect, fill: str, edge: str, width: float = 1.0) -> None:
    """A rounded box; an empty colour leaves that part out."""
    half = width / 2
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setBrush(QColor(fill) if fill else Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(QColor(edge), width) if edge else Qt.PenStyle.NoPen)
    painter.drawRoundedRect(QRectF(rect).adjusted(half, half, -half, -half), RADIUS, RADIUS)
    painter.restore()


def paint_focus(painter: QPainter, rect: QRect, *, inset: bool = False) -> None:
    """The focus ring; ``inset`` moves it inside a filled control, in the colour of its words."""
    if inset:
        paint_box(painter, rect.adjusted(2, 2, -2, -2), "", _current.on_primary, 1.5)
    else:
        paint_box(painter, rect, "", _current.primary, FOCUS_WIDTH)
