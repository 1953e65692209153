"""What forms are made of and what they are held to, as shipped in ``resources/forms``.

Rules have a day from which they count; labels and order of a form are data, because the official
layouts change and some are not known yet.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any, Final

from station_emr.domain.certificate import LeaveLimit, SickLeaveRules
from station_emr.domain.notification import NotifiableDisease, NotificationRules

from .resources import resource_path

TEMPLATES: Final = ("record-17-bv1", "record-15-bv1", "transfer-consent")


def _read(name: str) -> Any:
    return json.loads(resource_path("forms", f"{name}.json").read_text(encoding="utf-8"))


@cache
def sick_leave_rules() -> tuple[SickLeaveRules, ...]:
    return tuple(
        SickLeaveRules(
            since=date.fromisoformat(one["since"]),
            limits=tuple(
                LeaveLimit(
                    code=limit["code"],
                    label=limit["label"],
                    days=limit["days"],
                    icd=tuple(limit.get("icd", ())),
                    weeks=limit.get("weeks"),
                )
                for limit in one["limits"]
            ),
            treatments=tuple(one["treatments"]),
            care_kinds=tuple(one["care_kinds"]),
            parents_under=one["parents_under"],
            youngest_pregnancy=one["youngest_pregnancy"],
            oldest_pregnancy=one["oldest_pregnancy"],
        )
        for one in _read("sick-leave")["rules"]
    )


@cache
def notification_rules() -> tuple[NotificationRules, ...]:
    return tuple(
        NotificationRules(
            since=date.fromisoformat(one["since"]),
            death_hours=one["death_hours"],
            specimens=tuple(one["specimens"]),
            diseases=tuple(
                NotifiableDisease(
                    code=disease["code"],
                    name=disease["name"],
                    icd=tuple(disease["icd"]),
                    hours=disease["hours"],
                    group=disease.get("group", ""),
                    grades=tuple(disease.get("grades", ())),
                )
                for disease in one["diseases"]
            ),
        )
        for one in _read("notifiable-diseases")["rules"]
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class FormRow:
    """A label and the name of what stands behind it. Two that are ``half`` share a line."""

    label: str
    value: str
    half: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class FormSection:
    title: str
    rows: tuple[FormRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FormTemplate:
    """A form whose labels and order are data. ``checked``: compared with the official one."""

    name: str
    code: str
    title: str
    subtitle: str
    number: str
    paper: str
    checked: bool
    note: str
    sections: tuple[FormSection, ...]
    statements: tuple[str, ...] = ()
    fill: tuple[str, ...] = ()
    signers: tuple[tuple[str, str, str], ...] = ()


@cache
def form_template(name: str) -> FormTemplate:
    """Raises KeyError for a form that is not one of :data:`TEMPLATES`."""
    if name not in TEMPLATES:
        raise KeyError(name)
    kept = _read(name)
    return FormTemplate(
        name=name,
        code=kept["code"],
        title=kept["title"],
        subtitle=kept["subtitle"],
        number=kept["number"],
        paper=kept["paper"],
        checked=kept["checked"],
        note=kept["note"],
        sections=tuple(
            FormSection(
                title=one["title"],
                rows=tuple(
                    FormRow(label=row["label"], value=row["value"], half=row.get("half", False))
                    for row in one["rows"]
                ),
            )
            for one in kept["sections"]
        ),
        statements=tuple(kept.get("statements", ())),
        fill=tuple(kept.get("fill", ())),
        signers=tuple((one[0], one[1], one[2]) for one in kept["signers"]),
    )
