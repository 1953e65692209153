"""Answers to what is typed into a letter: hospitals, diagnoses, transport, the one-year list."""

from __future__ import annotations

from PySide6.QtCore import QObject

from station_emr.domain.catalog import CatalogHit, CatalogKind
from station_emr.domain.text import fold
from station_emr.services.i18n import _
from station_emr.ui.kit import TypeaheadField
from station_emr.ui.models.session import Session
from station_emr.ui.screens.referrals.letter_form import LetterForm


class LetterLookups(QObject):
    """Asks the lists off the GUI thread and gives the answers to the form."""

    def __init__(self, session: Session, form: LetterForm) -> None:
        super().__init__(form)
        self._session = session
        self._services = session.services
        self._form = form
        form.facility_wanted.connect(self._find_facility)
        form.icd_wanted.connect(self._find_icd)
        form.transport.wanted.connect(self._find_transport)
        form.main_changed.connect(self.propose_one_year)

    def _find_facility(self, text: str) -> None:
        catalogs, form = self._services.catalogs, self._form
        self._session.ask(
            lambda: catalogs.search(CatalogKind.FACILITY, text, 8),
            lambda hits: form.set_facilities(hits, text),
            owner=self,
            latest="referrals.facility",
        )

    def _find_icd(self, field: object, text: str) -> None:
        if not isinstance(field, TypeaheadField):
            return
        catalogs, form = self._services.catalogs, self._form

        def answer(hits: tuple[CatalogHit, ...]) -> None:
            form.set_icd(field, hits, text)

        self._session.ask(
            lambda: catalogs.search(CatalogKind.ICD10, text, 10),
            answer,
            owner=self,
            latest="referrals.icd",
        )

    def _find_transport(self, text: str) -> None:
        catalogs, form = self._services.catalogs, self._form

        def names() -> list[str]:
            rows = catalogs.rows(CatalogKind.TRANSPORT)
            return [row.name for row in rows if fold(text) in fold(row.name)]

        self._session.ask(
            names,
            lambda found: form.set_transports(found, text),
            owner=self,
            latest="referrals.transport",
        )

    def propose_one_year(self) -> None:
        """Say what annex III of TT 01/2025 holds for the main diagnosis."""
        form, referrals = self._form, self._services.referrals
        found = form.diagnoses
        code = found[0].icd_code if found else ""

        def answer(condition: str | None) -> None:
            if condition is None:
                hint = _("{code} không thuộc danh mục được cấp 01 năm") if code else ""
            elif condition:
                hint = _("{code} được cấp 01 năm khi: {condition}")
            else:
                hint = _("{code} thuộc danh mục được cấp 01 năm")
            form.one_year.set_hint(hint.format(code=code, condition=condition))

        self._session.ask(
            lambda: referrals.one_year_condition(code) if code else None,
            answer,
            owner=self,
            latest="referrals.one_year",
        )
