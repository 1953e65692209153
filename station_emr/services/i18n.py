"""The one place that turns a source string into the language of the person.

Vietnamese is the source language, so without a catalogue every string is returned as written.
Usage: ``from station_emr.services.i18n import _`` and ``_("Lưu nháp")``; a sentence with values is
``_("Còn {count} mục chờ gửi").format(count=count)``, never an f-string, so that it can be extracted.
"""

from __future__ import annotations

import gettext
from pathlib import Path

_DOMAIN = "station_emr"
_catalogue: gettext.NullTranslations = gettext.NullTranslations()


def use_language(code: str, folder: Path) -> None:
    """Switch to ``code`` (``vi``, ``en``); an absent catalogue falls back to Vietnamese."""
    global _catalogue  # noqa: PLW0603 - one process speaks one language
    _catalogue = gettext.translation(_DOMAIN, folder, languages=[code], fallback=True)


def translate(text: str) -> str:
    """The text in the chosen language."""
    return _catalogue.gettext(text)


def _(text: str) -> str:
    return translate(text)
