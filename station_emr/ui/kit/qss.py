"""The one style sheet, made from the tokens; nothing else writes one.

The margin and the edge of a table are two pixels together, so that the ring of the focus finds its
place beside the rows and the header and moves neither.
"""

from __future__ import annotations

from string import Template
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from station_emr.ui.kit.theme import Tokens

_SHEET = Template(
    """
QMainWindow, QDialog { background: $surface; }
QToolTip { background: $raised; color: $text; border: 1px solid $line_strong; padding: 4px 6px; }

QLabel { background: transparent; color: $text; }
QLabel:disabled { color: $disabled; }
QLabel[role="page-title"] { font-size: 14pt; font-weight: 600; }
QLabel[role="title"] { font-size: 13pt; font-weight: 600; }
QLabel[role="heading"] { font-size: 10.5pt; font-weight: 600; }
QLabel[role="strong"] { font-weight: 600; }
QLabel[role="label"] { color: $muted; font-size: 9.5pt; }
QLabel[role="muted"] { color: $muted; font-size: 9.5pt; }
QLabel[role="caption"] { color: $muted; font-size: 8.5pt; }
QLabel[role="dense"] { font-size: 9.5pt; }
QLabel[role="brand"] { color: $primary_text; font-size: 9.5pt; font-weight: 700; }
QLabel[role="danger"] { color: $danger; font-size: 9.5pt; }
QLabel[role="warning"] { color: $warning; font-size: 9.5pt; }
QLabel[role="success"] { color: $success; font-size: 9.5pt; }
QLabel[role="info"] { color: $info; font-size: 9.5pt; }
QLabel[role="key"] { color: $muted; font-size: 8.5pt; background: $raised;
    border: 1px solid $line; border-radius: 4px; padding: 1px 5px; }

QFrame[role="card"] { background: $raised; border: 1px solid $line; border-radius: 8px; }
QFrame[role="well"] { background: $sunken; border: 1px solid $line; border-radius: 8px; }
QFrame[role="bar"] { background: $raised; border: none; }
QFrame[role="top-bar"] { background: $raised; border: none; border-bottom: 1px solid $line; }
QFrame[role="status-bar"] { background: $raised; border: none; border-top: 1px solid $line; }
QFrame[role="nav"] { background: $raised; border: none; border-right: 1px solid $line; }
QFrame[role="popup"] { background: $raised; border: 1px solid $line_strong; border-radius: 6px; }
QFrame[role="rule"] { background: $line; border: none; max-height: 1px; min-height: 1px; }

QLineEdit[bare="true"], QPlainTextEdit[bare="true"] {
    background: transparent; border: none; padding: 0; color: $text;
    selection-background-color: $primary; selection-color: $on_primary;
    placeholder-text-color: $muted; }
QLineEdit[bare="true"]:disabled, QPlainTextEdit[bare="true"]:disabled { color: $disabled; }
QLineEdit[bare="true"][figures="true"] { font-weight: 600; }

QAbstractItemView { background: $raised; color: $text; border: 1px solid $line;
    selection-background-color: $primary_soft; selection-color: $text; outline: none; }
QListView[role="plain"], QTreeView[role="plain"] { border: none; }
QListView[role="cards"] { background: transparent; border: none; }
QTableView { gridline-color: $line; alternate-background-color: $surface; border-radius: 6px;
    margin: 1px; }
QTableView[role="plain"] { border: none; margin: 2px; }
QTableView::item { padding: 0 8px; border: none; border-bottom: 1px solid $line; }
QTableView::item:selected { background: $primary_soft; color: $text; }
QTableView::item:focus { background: $primary_soft; color: $text; }
QTableView:focus { border: 2px solid $primary; margin: 0; }
QHeaderView { background: $raised; border: none; }
QHeaderView::section { background: $raised; color: $muted; font-size: 9.5pt; border: none;
    border-bottom: 1px solid $line; padding: 6px 8px; text-align: left; }
QHeaderView::section:hover { color: $text; }
QTableCornerButton::section { background: $raised; border: none; }

QComboBox QAbstractItemView { border: 1px solid $line_strong; padding: 4px; }
QComboBox QAbstractItemView::item { min-height: 28px; padding: 0 8px; color: $text; }
QComboBox QAbstractItemView::item:selected { background: $primary_soft; color: $text; }

QScrollArea { background: transparent; border: none; }
QScrollArea > QWidget > QWidget[role="scrolled"] { background: transparent; }
QScrollBar:vertical { background: transparent; width: 12px; margin: 2px; }
QScrollBar:horizontal { background: transparent; height: 12px; margin: 2px; }
QScrollBar::handle { background: $scroll; border-radius: 4px; min-height: 28px; min-width: 28px; }
QScrollBar::handle:hover { background: $disabled; }
QScrollBar::add-line, QScrollBar::sub-line { width: 0; height: 0; }
QScrollBar::add-page, QScrollBar::sub-page { background: transparent; }

QMenu { background: $raised; color: $text; border: 1px solid $line_strong; padding: 4px; }
QMenu::item { padding: 6px 24px 6px 12px; border-radius: 4px; }
QMenu::item:selected { background: $primary_soft; color: $text; }
QMenu::item:disabled { color: $disabled; }
QMenu::separator { height: 1px; background: $line; margin: 4px 8px; }

QProgressBar { background: $sunken; border: none; border-radius: 4px; text-align: center;
    color: $text; min-height: 8px; max-height: 8px; }
QProgressBar::chunk { background: $primary; border-radius: 4px; }

QSplitter::handle { background: transparent; }
"""
)


def style_sheet(tokens: Tokens) -> str:
    """The application's style sheet for one theme."""
    values = {name: getattr(tokens, name) for name in tokens.__slots__}
    return _SHEET.substitute(values)
