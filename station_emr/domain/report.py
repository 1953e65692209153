"""Reports as templates: rows and columns are filters over visits, and each cell counts what both hold.

The official heads of the 14 forms of TT 23/2025/TT-BYT annex IV were not obtained, so nothing of them is
code: a template is a file that the station may change.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Final

from .icd_range import IcdChapter, IcdRange, chapter_of, covered
from .period import Period
from .record import Sex
from .register import RegisterLine
from .text import fold

MOST_ROWS: Final = 500
_NO_CODE: Final = "Chưa có mã"


class Measure(StrEnum):
    """What a cell counts."""

    VISITS = "visits"
    PEOPLE = "people"
    QUANTITY = "quantity"

    @property
    def label(self) -> str:
        return {"visits": "lượt", "people": "người", "quantity": "số lượng"}[self.value]


class RowsBy(StrEnum):
    """Rows that the visits themselves name, instead of rows that the template lists."""

    CHAPTER = "chapter"
    DISEASE = "disease"
    DRUG = "drug"
    PROCEDURE = "procedure"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    PRACTITIONER = "practitioner"


class ChartKind(StrEnum):
    NONE = "none"
    BARS = "bars"
    LINE = "line"


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which visits are meant; what is left empty does not matter. Ages are completed years, both
    ends included. ``main_only``: of the codes only the main one is asked.
    """

    icd: tuple[IcdRange, ...] = ()
    chapters: tuple[str, ...] = ()
    main_only: bool = True
    sex: Sex | None = None
    age_from: int | None = None
    age_to: int | None = None
    insured: bool | None = None
    referred: bool | None = None
    referral_reasons: tuple[str, ...] = ()
    results: tuple[str, ...] = ()
    procedure: bool | None = None
    test: bool | None = None
    procedures: tuple[str, ...] = ()
    drugs: tuple[str, ...] = ()
    care_kinds: tuple[str, ...] = ()

    def matches(self, line: RegisterLine, chapters: Sequence[IcdChapter] = ()) -> bool:
        return (
            self._person(line)
            and self._illness(line, chapters)
            and self._care(line)
            and (self.insured is None or line.insured is self.insured)
        )

    def _person(self, line: RegisterLine) -> bool:
        return (
            (self.sex is None or line.sex is self.sex)
            and (self.age_from is None or line.age >= self.age_from)
            and (self.age_to is None or line.age <= self.age_to)
        )

    def _illness(self, line: RegisterLine, chapters: Sequence[IcdChapter]) -> bool:
        asked = line.codes[:1] if self.main_only else line.codes
        if self.icd and not any(covered(code, self.icd) for code in asked):
            return False
        if self.chapters:
            held = (chapter_of(code, chapters) for code in asked)
            return any(one is not None and one.number in self.chapters for one in held)
        return True

    def _care(self, line: RegisterLine) -> bool:
        if self.referred is not None and bool(line.referred_to) is not self.referred:
            return False
        if self.referral_reasons and line.referral_reason not in self.referral_reasons:
            return False
        if self.results and line.result not in self.results:
            return False
        if self.care_kinds and line.care_kind not in self.care_kinds:
            return False
        done = line.procedures
        if (
            self.procedure is not None
            and any(not one.is_test for one in done) is not self.procedure
        ):
            return False
        if self.test is not None and any(one.is_test for one in done) is not self.test:
            return False
        if self.procedures and not any(one.code.startswith(self.procedures) for one in done):
            return False
        return not self.drugs or any(_is_drug(one.code, one.name, self.drugs) for one in line.drugs)


def _is_drug(code: str, name: str, wanted: Iterable[str]) -> bool:
    folded = fold(name)
    return any(code == one or (len(one) > 2 and fold(one) in folded) for one in wanted)


NOTHING: Final = Filter()


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportRow:
    title: str
    filter: Filter = NOTHING
    measure: Measure | None = None  # of the template unless named here


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportColumn:
    title: str
    filter: Filter = NOTHING
    measure: Measure | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportTemplate:
    """``number`` is that of the official form, where there is one; ``known`` tells whether its heads
    were taken from the text itself. ``own``: written or changed by the station.
    """

    key: str
    title: str
    number: str = ""
    known: bool = True
    own: bool = False
    remark: str = ""
    row_head: str = "Nội dung"
    rows: tuple[ReportRow, ...] = ()
    rows_by: RowsBy | None = None
    columns: tuple[ReportColumn, ...] = ()
    filter: Filter = NOTHING
    measure: Measure = Measure.VISITS
    most: int = MOST_ROWS
    total: bool = True
    chart: ChartKind = ChartKind.BARS

    @property
    def label(self) -> str:
        return f"{self.number} – {self.title}" if self.number else self.title


@dataclass(frozen=True, slots=True, kw_only=True)
class CountedRow:
    title: str
    values: tuple[Decimal, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CountedTable:
    """A report of one period. ``total`` counts every visit of the report once, whatever rows hold."""

    template: ReportTemplate
    rows: tuple[CountedRow, ...]
    total: tuple[Decimal, ...]
    visits: int
    left_out: int = 0


@dataclass(frozen=True, slots=True)
class _Named:
    """A row that the visits gave: how it sorts, what it is called, and what it takes of a visit."""

    order: tuple[str, ...]
    title: str
    quantity: Decimal = Decimal(1)


def count(
    template: ReportTemplate,
    lines: Iterable[RegisterLine],
    chapters: Sequence[IcdChapter] = (),
) -> CountedTable:
    """Every cell of the template over these visits."""
    meant = [line for line in lines if template.filter.matches(line, chapters)]
    columns = [
        [column.filter.matches(line, chapters) for line in meant] for column in template.columns
    ]
    measures = [column.measure or template.measure for column in template.columns]
    if template.rows_by is not None:
        rows, left_out = _named_rows(template, meant, columns, measures, chapters)
    else:
        rows, left_out = _listed_rows(template, meant, columns, measures, chapters), 0
    everything = [_quantity(line, template.filter.drugs) for line in meant]
    total = tuple(
        _measured(measure, meant, [*range(len(meant))], inside, everything)
        for measure, inside in zip(measures, columns, strict=True)
    )
    return CountedTable(
        template=template, rows=tuple(rows), total=total, visits=len(meant), left_out=left_out
    )


def _listed_rows(
    template: ReportTemplate,
    meant: Sequence[RegisterLine],
    columns: Sequence[Sequence[bool]],
    measures: Sequence[Measure],
    chapters: Sequence[IcdChapter],
) -> list[CountedRow]:
    rows = []
    for row in template.rows:
        places = [place for place, line in enumerate(meant) if row.filter.matches(line, chapters)]
        amounts = [_quantity(line, row.filter.drugs or template.filter.drugs) for line in meant]
        values = tuple(
            _measured(row.measure or measure, meant, places, inside, amounts)
            for measure, inside in zip(measures, columns, strict=True)
        )
        rows.append(CountedRow(title=row.title, values=values))
    return rows


def _named_rows(
    template: ReportTemplate,
    meant: Sequence[RegisterLine],
    columns: Sequence[Sequence[bool]],
    measures: Sequence[Measure],
    chapters: Sequence[IcdChapter],
) -> tuple[list[CountedRow], int]:
    held: dict[tuple[str, ...], tuple[str, dict[int, Decimal]]] = {}
    for place, line in enumerate(meant):
        for one in _names_of(template, line, chapters):
            title, amounts = held.setdefault(one.order, (one.title, {}))
            amounts[place] = amounts.get(place, Decimal(0)) + one.quantity
    rows = []
    for order, (title, amounts) in held.items():
        values = tuple(
            _measured(measure, meant, [*amounts], inside, amounts)
            for measure, inside in zip(measures, columns, strict=True)
        )
        rows.append((order, len(amounts), CountedRow(title=title, values=values)))
    by_size = template.rows_by in {RowsBy.DISEASE, RowsBy.DRUG, RowsBy.PROCEDURE}
    rows.sort(key=lambda row: (-row[1], row[0]) if by_size else (0, row[0]))
    return [row for _order, _size, row in rows[: template.most]], max(0, len(rows) - template.most)


def _names_of(
    template: ReportTemplate,
    line: RegisterLine,
    chapters: Sequence[IcdChapter],
) -> Iterable[_Named]:
    match template.rows_by:
        case RowsBy.CHAPTER:
            found = chapter_of(line.main_code, chapters)
            place = -1 if found is None else list(chapters).index(found)
            yield _Named((f"{place % 1000:03d}",), found.label if found else _NO_CODE)
        case RowsBy.DISEASE:
            code = line.main_code
            yield _Named((code,), f"{code} {line.main_title}".strip() if code else _NO_CODE)
        case RowsBy.DRUG:
            for drug in line.drugs:
                if not template.filter.drugs or _is_drug(
                    drug.code, drug.name, template.filter.drugs
                ):
                    yield _Named(
                        (drug.name, drug.unit), f"{drug.name} ({drug.unit})", drug.quantity
                    )
        case RowsBy.PROCEDURE:
            for done in line.procedures:
                yield _Named((done.code, done.name), done.name)
        case RowsBy.DAY:
            yield _Named((line.day.isoformat(),), f"{line.day:%d/%m/%Y}")
        case RowsBy.WEEK:
            monday = line.day - timedelta(days=line.day.weekday())
            sunday = monday + timedelta(days=6)
            yield _Named((monday.isoformat(),), f"{monday:%d/%m} – {sunday:%d/%m/%Y}")
        case RowsBy.MONTH:
            month = Period.of(line.day)
            yield _Named((month.key,), month.label)
        case _:
            yield _Named((line.practitioner,), line.practitioner or "Chưa ghi")


def _quantity(line: RegisterLine, wanted: tuple[str, ...]) -> Decimal:
    return sum(
        (
            drug.quantity
            for drug in line.drugs
            if not wanted or _is_drug(drug.code, drug.name, wanted)
        ),
        Decimal(0),
    )


def _measured(
    measure: Measure,
    meant: Sequence[RegisterLine],
    places: Sequence[int],
    inside: Sequence[bool],
    amounts: Sequence[Decimal] | dict[int, Decimal],
) -> Decimal:
    held = [place for place in places if inside[place]]
    if measure is Measure.PEOPLE:
        return Decimal(len({meant[place].patient_id for place in held}))
    if measure is Measure.QUANTITY:
        return sum((amounts[place] for place in held), Decimal(0))
    return Decimal(len(held))


def number_text(value: Decimal) -> str:
    """``1.234`` or ``0,5`` as Vietnamese forms write numbers."""
    whole = value == value.to_integral_value()
    text = f"{value:,.0f}" if whole else f"{value.normalize():,f}"
    return text.replace(",", "\0").replace(".", ",").replace("\0", ".")
