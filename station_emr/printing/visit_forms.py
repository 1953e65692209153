"""Forms about a visit, laid out from their template: labels and order are data, values the record's."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime
from typing import Final

from reportlab.lib.units import mm

from station_emr.domain.birth import age_text
from station_emr.domain.encounter import DiagnosisRole
from station_emr.domain.record import Sex
from station_emr.services.form_data import FormRow, FormTemplate
from station_emr.services.form_ports import VisitDossier
from station_emr.services.ports import PrintMark

from . import letterhead
from .fonts import BOLD, ITALIC
from .footer import Footer, page_format, watermark
from .render import About, to_pdf
from .sheet import A4, A5, Sheet
from .typeset import Box, Fill, Inline, Tab, Text
from .wording import (
    confirmation,
    day_inlines,
    diagnoses_text,
    diagnosis_text,
    labelled,
    signer,
    spelled,
    strong,
    value,
    values,
)

_PAPERS: Final = {"A4": (A4, 11.4, 15.6), "A5": (A5, 10.2, 13.8)}
_SMALLER: Final = (0.96, 0.92, 0.88, 0.84)
_TICK: Final = re.compile(r"(\[ \])")


class PdfTemplateForms:
    """Implements :class:`station_emr.services.form_ports.TemplateForms`. One document at a time."""

    def __init__(self) -> None:
        self._one_at_a_time = threading.Lock()

    def visit_form(self, template: FormTemplate, dossier: VisitDossier, mark: PrintMark) -> bytes:
        with self._one_at_a_time:
            sheet = compose(template, dossier, mark)
            about = About(
                title=value(f"{template.title} {template.code} {dossier.encounter.number}"),
                author=value(dossier.station.name),
                creator=value(mark.system),
                at=mark.printed_at,
                watermark=watermark(mark),
            )
            return to_pdf(sheet.pages, about)


def compose(template: FormTemplate, dossier: VisitDossier, mark: PrintMark) -> Sheet:
    """One page when slightly smaller letters make it one; else as many as it takes."""
    sheet = _at(template, dossier, mark, 1.0)
    if len(sheet.pages) == 1:
        return sheet
    for scale in _SMALLER:
        smaller = _at(template, dossier, mark, scale)
        if len(smaller.pages) == 1:
            return smaller
    return sheet


def _at(template: FormTemplate, dossier: VisitDossier, mark: PrintMark, scale: float) -> Sheet:
    paper, size, leading = _PAPERS[template.paper]
    size, leading = size * scale, leading * scale
    visit = dossier.encounter
    look_up = f"{visit.number} ({visit.id})" if visit.number else visit.id
    large = template.paper == "A4"
    sides = (25 * mm, 15 * mm) if large else (15 * mm, 11 * mm)
    footer = Footer(paper, sides, mark, dossier.station, look_up)
    form = page_format(paper, footer, top=12 * mm, least_bottom=19 * mm)
    sheet = Sheet(form, size=size, leading=leading)
    _head(sheet, template, dossier)
    for section in template.sections:
        sheet.flow([sheet.block([strong(section.title)], before=4, with_next=True)])
        for row in _lines(sheet, section.rows, dossier):
            sheet.flow([sheet.block(row, rest=4 * mm if len(row) > 1 else 0.0)])
    for said in template.statements:
        sheet.flow([sheet.block(_ticks(said), before=4)])
    for label in template.fill:
        sheet.flow([sheet.block([Text(label), Fill()], before=2)])
    _signatures(sheet, template, dossier)
    if not template.checked:
        sheet.flow([sheet.block([Text(f"{template.note}.", ITALIC)], size=size - 2.4, before=4)])
    footer.paint(sheet)
    return sheet


def _head(sheet: Sheet, template: FormTemplate, dossier: VisitDossier) -> None:
    large = template.paper == "A4"
    left = sheet.width * (0.42 if large else 0.5)
    size = sheet.size - 1
    top = sheet.y
    low = letterhead.issuer(sheet, dossier.station, left, size)
    x = sheet.left + left + 8 * mm
    sheet.text([strong(template.number)], x, top - size, width=sheet.right - x, size=size)
    sheet.y = top - size * 1.3
    rows = (
        ("Số khám bệnh:", dossier.encounter.number),
        ("Mã người bệnh:", dossier.patient.chart_number),
    )
    numbers_low = letterhead.numbers(sheet, rows, x, sheet.right - x, size)
    sheet.y = min(low, numbers_low)
    title = sheet.size + 3.4
    sheet.flow(
        [
            sheet.block(
                [strong(template.title)], size=title, leading=title * 1.3, before=6, align="center"
            ),
            sheet.block([Text(template.subtitle, ITALIC)], align="center"),
        ]
    )


def _lines(
    sheet: Sheet, rows: tuple[FormRow, ...], dossier: VisitDossier
) -> Iterator[list[Inline]]:
    """One row a line; two short ones side by side."""
    waiting: list[Inline] | None = None
    for row in rows:
        made = _row(row, dossier)
        if not row.half:
            if waiting is not None:
                yield waiting
                waiting = None
            yield made
        elif waiting is None:
            waiting = made
        else:
            yield [*waiting, Tab(sheet.width * 0.5), *made]
            waiting = None
    if waiting is not None:
        yield waiting


def _row(row: FormRow, dossier: VisitDossier) -> list[Inline]:
    shown = VALUES[row.value](dossier)
    if not row.label:
        return [Text(values(shown))] if values(shown) else [Fill()]
    return labelled(row.label, shown, face=BOLD if row.value == "full_name" else None)


def _ticks(said: str) -> list[Inline]:
    return [Box() if part == "[ ]" else Text(part) for part in _TICK.split(said) if part]


def _signatures(sheet: Sheet, template: FormTemplate, dossier: VisitDossier) -> None:
    sheet.need(34 * mm)
    count = max(2, len(template.signers))
    width = sheet.width / count
    visit = dossier.encounter
    signed = visit.signature
    place = value(dossier.station.commune_name)
    day = signed.at.date() if signed else None
    first = count - len(template.signers)
    right = sheet.left + width * (count - 1)
    dated = [
        Text(part.text, ITALIC) if isinstance(part, Text) else part
        for part in day_inlines(day, lead=f"{place}, ngày" if place else "Ngày")
    ]
    top = sheet.text(dated, right, sheet.y - sheet.size * 1.5, width=width, align="center")
    top -= sheet.size * 1.4
    names = {
        "practitioner": signer(signed, visit.practitioner),
        "head": spelled(dossier.head_name),
    }
    lowest = top
    for number, (who, title, how) in enumerate(template.signers, first):
        x = sheet.left + width * number
        y = sheet.text([strong(title)], x, top, width=width, align="center")
        y = sheet.text(
            [Text(how, ITALIC)],
            x,
            y - sheet.size * 1.2,
            width=width,
            size=sheet.size - 1,
            align="center",
        )
        y -= 42
        if names.get(who):
            y = sheet.text([strong(names[who])], x, y, width=width, align="center")
        if who == "practitioner" and signed is not None and not template.statements:
            sheet.text(
                [Text(confirmation(signed), ITALIC)],
                x,
                y - 10,
                width=width,
                size=8.2,
                align="center",
            )
        lowest = min(lowest, y - 12)
    sheet.y = lowest


# What stands behind the labels ------------------------------------------------------------


def _moment(at: datetime | None) -> str:
    return f"{at:%H} giờ {at:%M} ngày {at:%d/%m/%Y}" if at else ""


def _day(day: date | None) -> str:
    return f"{day:%d/%m/%Y}" if day else ""


def _card(dossier: VisitDossier) -> str:
    return dossier.patient.coverage.number if dossier.patient.coverage else ""


def _guardian(dossier: VisitDossier) -> str:
    person = dossier.patient
    return " – ".join(filter(None, (person.guardian_name, person.guardian_relationship)))


def _sign(name: str, unit: str) -> Callable[[VisitDossier], str]:
    def shown(dossier: VisitDossier) -> str:
        vitals = dossier.encounter.latest_vitals
        measured = getattr(vitals, name) if vitals is not None else None
        return "" if measured is None else f"{measured} {unit}".replace(".", ",")

    return shown


def _blood_pressure(dossier: VisitDossier) -> str:
    vitals = dossier.encounter.latest_vitals
    if vitals is None or vitals.systolic is None or vitals.diastolic is None:
        return ""
    return f"{vitals.systolic}/{vitals.diastolic} mmHg"


def _tests(dossier: VisitDossier) -> str:
    return "; ".join(
        f"{one.name}: {one.result} {one.unit}".strip().rstrip(":")
        for one in dossier.encounter.procedures
        if one.is_test
    )


def _procedures(dossier: VisitDossier) -> str:
    return "; ".join(one.name for one in dossier.encounter.procedures if not one.is_test)


def _drugs(dossier: VisitDossier) -> str:
    paper = dossier.prescription
    if paper is None:
        return ""
    return "\n".join(
        f"{number}. {line.label}: {line.sentence}" for number, line in enumerate(paper.lines, 1)
    )


def _main(dossier: VisitDossier) -> str:
    main = dossier.encounter.main_diagnosis
    return diagnosis_text(main) if main else ""


def _all(dossier: VisitDossier) -> str:
    ordered = sorted(
        dossier.encounter.diagnoses, key=lambda one: one.role is not DiagnosisRole.MAIN
    )
    return diagnoses_text(tuple(ordered))


def _referred_to(dossier: VisitDossier) -> str:
    return dossier.referral.to_facility_name if dossier.referral else ""


def _referral_reason(dossier: VisitDossier) -> str:
    letter = dossier.referral
    return letter.reason.label if letter is not None and letter.reason is not None else ""


def _condition(dossier: VisitDossier) -> str:
    return dossier.referral.condition_on_transfer if dossier.referral else ""


def _follow_up(dossier: VisitDossier) -> str:
    return _day(dossier.appointment.on) if dossier.appointment else ""


def _advice(dossier: VisitDossier) -> str:
    return dossier.encounter.advice


def _from_to(dossier: VisitDossier) -> str:
    visit = dossier.encounter
    end = visit.ended_at
    return f"{_day(visit.arrived_at.date())} đến {_day(end.date()) if end else '…'}"


def _summary(dossier: VisitDossier) -> str:
    visit = dossier.encounter
    parts = (visit.reason, visit.history, visit.examination)
    return ". ".join(part.rstrip(". ") for part in parts if part.strip())


VALUES: Final[Mapping[str, Callable[[VisitDossier], str]]] = {
    "full_name": lambda one: one.patient.full_name,
    "birth": lambda one: one.patient.birth.display(),
    "age": lambda one: age_text(one.patient.birth, one.encounter.arrived_at.date()),
    "sex": lambda one: "" if one.patient.sex is Sex.UNKNOWN else one.patient.sex.label,
    "ethnic": lambda one: one.patient.ethnic_name,
    "nationality": lambda one: one.patient.nationality_name,
    "occupation": lambda one: one.patient.occupation_name,
    "workplace": lambda one: one.patient.workplace,
    "address": lambda one: one.patient.address,
    "phone": lambda one: one.patient.phone,
    "national_id": lambda one: one.patient.national_id,
    "card": _card,
    "guardian": _guardian,
    "arrived_at": lambda one: _moment(one.encounter.arrived_at),
    "came_from": lambda one: one.encounter.came_from,
    "reason": lambda one: one.encounter.reason,
    "history": lambda one: one.encounter.history,
    "past_history": lambda one: one.encounter.past_history,
    "allergies": lambda one: ", ".join(one.patient.allergies),
    "pulse": _sign("pulse", "lần/phút"),
    "temperature": _sign("temperature", "°C"),
    "blood_pressure": _blood_pressure,
    "respiratory_rate": _sign("respiratory_rate", "lần/phút"),
    "weight": _sign("weight", "kg"),
    "examination": lambda one: one.encounter.examination,
    "preliminary": lambda one: one.encounter.preliminary_diagnosis,
    "tests": _tests,
    "procedures": _procedures,
    "main_diagnosis": _main,
    "other_diagnoses": lambda one: diagnoses_text(one.encounter.secondary_diagnoses),
    "diagnoses": _all,
    "treatment": lambda one: one.encounter.treatment,
    "drugs": _drugs,
    "referred_to": _referred_to,
    "referral_reason": _referral_reason,
    "condition_on_transfer": _condition,
    "transport": lambda one: one.transport,
    "follow_up": _follow_up,
    "advice": _advice,
    "result": lambda one: one.result,
    "from_to": _from_to,
    "summary": _summary,
}
