"""Fields that are answered from the code lists while typing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from typing_extensions import override

from station_emr.domain.catalog import CatalogKind, drug_of
from station_emr.domain.patient import AllergyCategory
from station_emr.domain.text import fold
from station_emr.services.i18n import _
from station_emr.ui.kit import Suggestion, TypeaheadField, match_spans
from station_emr.ui.models.session import Session

from .places import suggest_communes
from .state import AllergyEntry, Coded, ConditionEntry

Provider = Callable[[str], Sequence[Suggestion]]

# Families that share an allergy, as the drug list names them, with the words of a nurse.
DRUG_FAMILIES: Final = (
    ("penicillin", "Nhóm penicillin"),
    ("cephalosporin", "Nhóm cephalosporin"),
    ("sulfonamide", "Nhóm sulfamid"),
    ("nsaid", "Nhóm giảm đau chống viêm không steroid"),
    ("salicylate", "Nhóm aspirin (salicylat)"),
    ("macrolide", "Nhóm macrolid"),
    ("quinolone", "Nhóm quinolon"),
    ("tetracycline", "Nhóm tetracyclin"),
    ("aminoglycoside", "Nhóm aminoglycosid"),
    ("lincosamide", "Nhóm lincosamid"),
    ("nitroimidazole", "Nhóm nitroimidazol"),
    ("local_anaesthetic", "Thuốc tê"),
    ("opioid", "Nhóm opioid"),
    ("iodine", "I-ốt, thuốc cản quang"),
    ("ace_inhibitor", "Nhóm ức chế men chuyển"),
    ("insulin", "Insulin"),
)
OTHER_SUBSTANCES: Final = (
    ("Tôm, cua", AllergyCategory.FOOD),
    ("Cá biển", AllergyCategory.FOOD),
    ("Sữa bò", AllergyCategory.FOOD),
    ("Trứng", AllergyCategory.FOOD),
    ("Đậu phộng", AllergyCategory.FOOD),
    ("Nhộng tằm", AllergyCategory.FOOD),
    ("Cao su (latex)", AllergyCategory.CHEMICAL),
    ("Thuốc trừ sâu", AllergyCategory.CHEMICAL),
    ("Phấn hoa", AllergyCategory.OTHER),
    ("Nọc ong", AllergyCategory.OTHER),
    ("Bụi nhà", AllergyCategory.OTHER),
)
RELATIONSHIPS: Final = ("Mẹ", "Bố", "Bà", "Ông", "Anh, chị", "Cô, dì, chú, bác", "Người giám hộ")
_FEW: Final = 8
_MANY: Final = 24


class CodedField(TypeaheadField):
    """A field over a list whose value is :class:`Coded`; what names nothing is kept as typed."""

    def __init__(
        self,
        session: Session,
        provider: Provider,
        *,
        placeholder: str = "",
        two_lines: bool = False,
        clear_on_choice: bool = False,
        free_text: bool = False,
    ) -> None:
        super().__init__(
            placeholder=placeholder,
            two_lines=two_lines,
            clear_on_choice=clear_on_choice,
            free_text=free_text,
        )
        self._session = session
        self._provider = provider
        self.wanted.connect(self._look_up)

    def _look_up(self, text: str) -> None:
        self._session.ask(
            lambda: self._provider(text),
            lambda rows: self.set_results(rows, text),
            owner=self,
            latest=f"lookup.{self.editor.objectName()}",
        )

    def coded(self) -> Coded:
        found = TypeaheadField.value(self)
        if isinstance(found, Coded):
            return found
        return Coded(typed=self.text())

    def set_coded(self, value: Coded) -> None:
        if value.code or value.name:
            self.set_choice(value, value.name or value.code)
        else:
            self.set_choice(None, value.typed)

    @override
    def is_empty(self) -> bool:
        return self.coded() == Coded()


def communes(session: Session) -> Provider:
    catalogs = session.services.catalogs
    return lambda text: suggest_communes(text, catalogs.search, catalogs.find)


def rows_of(session: Session, kind: CatalogKind, *, with_code: bool = False) -> Provider:
    """Plain lists: ethnic groups, occupations, facilities."""

    def answer(text: str) -> list[Suggestion]:
        hits = session.services.catalogs.search(kind, text, _FEW)
        return [
            Suggestion(
                lead=hit.row.code if with_code else "",
                title=hit.row.name,
                payload=Coded(code=hit.row.code, name=hit.row.name),
                matches=match_spans(hit.row.name, text),
            )
            for hit in hits
        ]

    return answer


def conditions(session: Session) -> Provider:
    """Diagnoses for the list of lasting illnesses."""

    def answer(text: str) -> list[Suggestion]:
        hits = session.services.catalogs.search(CatalogKind.ICD10, text, _FEW)
        return [
            Suggestion(
                lead=hit.row.code,
                title=hit.row.name,
                payload=ConditionEntry(icd_code=hit.row.code, title=hit.row.name),
                matches=match_spans(hit.row.name, text),
            )
            for hit in hits
        ]

    return answer


def relationships(text: str) -> list[Suggestion]:
    typed = fold(text)
    return [
        Suggestion(title=word, payload=Coded(name=word), matches=match_spans(word, text))
        for word in RELATIONSHIPS
        if any(part.startswith(typed) for part in fold(word).split())
    ]


def substances(session: Session) -> Provider:
    """Families first, then single ingredients of the drug list, then food and other things."""

    def answer(text: str) -> list[Suggestion]:
        found = [
            _suggest(AllergyEntry(substance=words, group=family), _("nhóm thuốc"), text)
            for family, words in DRUG_FAMILIES
            if _fits(words, text)
        ]
        found += _ingredients(session, text)
        found += [
            _suggest(AllergyEntry(substance=words, category=kind.value), CATEGORY[kind], text)
            for words, kind in OTHER_SUBSTANCES
            if _fits(words, text)
        ]
        return found[: _FEW + 4]

    return answer


CATEGORY: Final = {
    AllergyCategory.DRUG: "Thuốc",
    AllergyCategory.FOOD: "Thức ăn",
    AllergyCategory.CHEMICAL: "Hóa chất",
    AllergyCategory.OTHER: "Khác",
}


def _ingredients(session: Session, text: str) -> list[Suggestion]:
    known = {family for family, _words in DRUG_FAMILIES}
    found: dict[str, Suggestion] = {}
    for hit in session.services.catalogs.search(CatalogKind.DRUG, text, _MANY):
        drug = drug_of(hit.row)
        if len(drug.ingredients) != 1 or drug.ingredients[0] in found:
            continue
        group = next((group for group in drug.groups if group in known), "")
        entry = AllergyEntry(substance=drug.inn, ingredient=drug.ingredients[0], group=group)
        detail = dict(DRUG_FAMILIES).get(group, _("thuốc"))
        found[drug.ingredients[0]] = _suggest(entry, detail, text)
    return list(found.values())[:_FEW]


def _suggest(entry: AllergyEntry, detail: str, text: str) -> Suggestion:
    return Suggestion(
        title=entry.substance,
        trailing=detail,
        payload=entry,
        matches=match_spans(entry.substance, text),
    )


def _fits(words: str, text: str) -> bool:
    plain = fold(words).split()
    typed = fold(text).split()
    return bool(typed) and all(any(word.startswith(part) for word in plain) for part in typed)
