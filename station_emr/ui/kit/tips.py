"""What a tooltip says is words, whatever stands in them.

Qt draws a tooltip that looks like markup as markup: a name read from a code could then have a picture
fetched from a machine of somebody else.
"""

from __future__ import annotations

import html

from PySide6.QtGui import Qt


def plain_tip(text: str) -> str:
    """``text`` as a tooltip that shows it letter by letter."""
    if not Qt.mightBeRichText(text):
        return text
    return f"<qt>{html.escape(text)}</qt>".replace("\n", "<br>")
