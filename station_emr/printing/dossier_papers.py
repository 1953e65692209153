"""The station's file behind the ``DossierPapers`` port: PDF as bytes."""

from __future__ import annotations

import threading
from typing import Final

from station_emr.domain.dossier import Part
from station_emr.services.dossier_ports import Dossier

from . import dossier_pages
from .render import About, to_pdf
from .wording import value

_PAGES: Final = {
    Part.ASSESSMENT: dossier_pages.assessment,
    Part.REGULATION: dossier_pages.regulation,
    Part.LEVEL: dossier_pages.level,
    Part.STATE: dossier_pages.state,
}


class PdfDossierPapers:
    """Implements :class:`station_emr.services.dossier_ports.DossierPapers`. Safe to call from several
    threads: fonts collect the letters of one document at a time.
    """

    def __init__(self) -> None:
        self._one_at_a_time = threading.Lock()

    def paper(self, part: Part, dossier: Dossier) -> bytes:
        with self._one_at_a_time:
            made = _PAGES[part](dossier)
            about = About(
                title=part.label,
                author=value(dossier.facts.station.name),
                creator="Station EMR",
                at=dossier.facts.at,
            )
            return to_pdf(made.pages, about)
