"""Encounter with its Observations, Conditions and Procedures → a visit; diagnoses for all papers."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final

from station_emr.domain.encounter import (
    Diagnosis,
    DiagnosisRole,
    Encounter,
    Procedure,
    Stage,
)
from station_emr.domain.vitals import VitalSigns

from .datatypes import Json, Resource
from .encounter import (
    BLOOD_PRESSURE_END,
    COMPONENTS,
    DETAILS,
    DIAGNOSIS,
    PRIORITY,
    PROCEDURE,
    RAPID_TEST,
    SIGNED,
    SIGNS,
    WITHOUT_SIGNS,
)
from .reading import (
    Parts,
    by_url,
    coded,
    first,
    id_in,
    identified,
    integer_in,
    maybe_moment,
    moment_in,
    must_refer,
    number_in,
    performed_by,
    text_in,
    unreadable,
    whole_text,
)
from .uris import ICD10, LOINC, UriTable

_PRIORITY: Final = {code: priority for priority, code in PRIORITY.items()}
_WHOLE_NUMBERS: Final = frozenset({"pulse", "respiratory_rate", "spo2"})
_SIGN_BY_END: Final = {sign.suffix: sign.field for sign in SIGNS}
_COMPONENT_BY_CODE: Final = {loinc: name for name, loinc, _ in COMPONENTS}
_SET: Final = re.compile(r"v([1-9][0-9]*)-(.+)")


def read_encounter(parts: Parts, uris: UriTable) -> Encounter:
    visit = parts.root
    patient = visit["subject"]["reference"]
    extensions = by_url(visit)
    period = visit["period"]
    return Encounter(
        id=parts.record_id,
        patient_id=id_in(visit["subject"], "Patient"),
        number=text_in(identified(visit, uris.encounter_number), "value"),
        arrived_at=moment_in(period["start"]),
        started_at=_started(visit),
        ended_at=maybe_moment(period, "end"),
        stage=Stage.FINISHED,
        priority=_PRIORITY[visit["priority"]["coding"][0]["code"]],
        care_kind=coded(first(visit, "type"), uris.care_kind_codes)[0],
        visit_object=_code(extensions, uris.visit_type, uris.visit_object_codes),
        reason=text_in(first(visit, "reasonCode"), "text"),
        vitals=_vitals(parts, patient),
        diagnoses=_diagnoses(parts, patient),
        procedures=tuple(
            _test(done, patient, parts, uris)
            if letter == "t"
            else _procedure(done, patient, parts, uris)
            for letter, done in parts.numbered({"p": "Procedure", "t": "Observation"})
        ),
        result=_code(extensions, uris.treatment_outcome, uris.treatment_result_codes),
        discharge=coded(
            visit.get("hospitalization", {}).get("dischargeDisposition", {}),
            uris.discharge_codes,
        )[0],
        **DETAILS.read(extensions),
        **SIGNED.read(extensions),
    )


def read_reasons(holder: Resource) -> tuple[Diagnosis, ...]:
    """The diagnoses of a paper, which stand on it as reasons."""
    found = []
    for reason in holder.get("reasonCode", ()):
        kept: dict[str, Any] = DIAGNOSIS.read(by_url(reason)) if "extension" in reason else {}
        code, title = _label(reason, kept.get("note", ""))
        found.append(Diagnosis(icd_code=code, title=title, **kept))
    return tuple(found)


def _label(concept: Json, note: str) -> tuple[str, str]:
    """Code and title; without a code the title stands only in the text, which ends with the note."""
    code, title = coded(concept, ICD10)
    if not code and not title:
        title = text_in(concept, "text").removeprefix(" ")
        if note:
            title = title.removesuffix(f" ({note})")
    return code, title


def _code(extensions: dict[str, Json], url: str, system: str) -> str:
    held = extensions.get(url)
    return "" if held is None else coded(held["valueCodeableConcept"], system)[0]


def _started(visit: Resource) -> datetime | None:
    for one in visit.get("statusHistory", ()):
        if one["status"] == "in-progress":
            return maybe_moment(one["period"], "start")
    return None


def _belongs(child: Resource, patient: str, parts: Parts) -> None:
    must_refer(child, "subject", patient)
    must_refer(child, "encounter", f"Encounter/{parts.record_id}")


def _diagnoses(parts: Parts, patient: str) -> tuple[Diagnosis, ...]:
    listed = _listed(parts)
    found = []
    for _, condition in parts.numbered({"d": "Condition"}):
        _belongs(condition, patient, parts)
        note = text_in(first(condition, "note"), "text")
        code, title = _label(condition.get("code", {}), note)
        main = listed.get(f"Condition/{condition['id']}") == 1
        found.append(
            Diagnosis(
                icd_code=code,
                title=title,
                role=DiagnosisRole.MAIN if main else DiagnosisRole.SECONDARY,
                note=note,
            )
        )
    return tuple(found)


def _listed(parts: Parts) -> dict[str, int]:
    """Rank by reference. What the visit lists as its own must be in the unit."""
    mine = f"Condition/{parts.record_id}-"
    ranks: dict[str, int] = {}
    for one in parts.root.get("diagnosis", ()):
        reference = one["condition"]["reference"]
        if reference.startswith(mine):
            end = reference[len(mine) :]
            if end not in parts.live and end not in parts.gone:
                raise unreadable("a diagnosis is missing")
        ranks[reference] = one.get("rank")
    return ranks


def _vitals(parts: Parts, patient: str) -> tuple[VitalSigns, ...]:
    sets = _sets_without_signs(parts.root.get("extension", ()))
    for end, observation in parts.live.items():
        if end[0] != "v":
            continue
        named = _SET.fullmatch(end)
        if named is None:
            continue
        sign = named[2]
        if sign not in _SIGN_BY_END and sign != BLOOD_PRESSURE_END:
            continue  # of a later program
        if observation["resourceType"] != "Observation":
            raise unreadable("a vital sign is no Observation")
        _belongs(observation, patient, parts)
        values = sets.setdefault(int(named[1]), {})
        if "measured_by" not in values:
            values["measured_at"] = maybe_moment(observation, "effectiveDateTime")
            values["measured_by"] = performed_by(observation.get("performer"))
        if sign == BLOOD_PRESSURE_END:
            values.update(_blood_pressure(observation.get("component", ())))
        elif "valueQuantity" in observation:
            name = _SIGN_BY_END[sign]
            value = observation["valueQuantity"]["value"]
            values[name] = integer_in(value) if name in _WHOLE_NUMBERS else number_in(value)
    places = sorted(sets)
    if places != list(range(1, len(places) + 1)) and not _only_gone(places, parts):
        raise unreadable("a set of vital signs is missing")
    return tuple(VitalSigns(**sets[place]) for place in places)


def _only_gone(places: list[int], parts: Parts) -> bool:
    """Whether the sets between are those that somebody has taken back."""
    gone = {int(named[1]) for end in parts.gone if (named := _SET.fullmatch(end))}
    return set(range(1, places[-1])) <= gone | set(places)


def _sets_without_signs(extensions: Iterable[Json]) -> dict[int, dict[str, Any]]:
    sets: dict[int, dict[str, Any]] = {}
    for one in extensions:
        if one["url"] == WITHOUT_SIGNS.url:
            inside = one["extension"]
            place = next(part for part in inside if part["url"] == "place")
            fields = WITHOUT_SIGNS.read_parts(inside)
            sets[integer_in(place["valueInteger"])] = {
                "measured_at": None,
                "measured_by": "",
                **fields,
            }
    return sets


def _blood_pressure(components: Iterable[Json]) -> dict[str, int]:
    found = {}
    for one in components:
        name = _COMPONENT_BY_CODE.get(coded(one["code"], LOINC)[0])
        if name is not None and "valueQuantity" in one:
            found[name] = integer_in(one["valueQuantity"]["value"])
    return found


def _done(done: Resource, patient: str, parts: Parts, uris: UriTable, when: str) -> dict[str, Any]:
    """What a procedure and a rapid test say in the same way."""
    _belongs(done, patient, parts)
    concept = done.get("code", {})
    code, display = coded(concept, uris.procedure_codes)
    period = done.get(when, {})
    return {
        "code": code,
        "name": text_in(concept, "text") or display,
        "started_at": maybe_moment(period, "start"),
        "ended_at": maybe_moment(period, "end"),
        "note": text_in(first(done, "note"), "text"),
    }


def _procedure(done: Resource, patient: str, parts: Parts, uris: UriTable) -> Procedure:
    actors = [one["actor"] for one in done.get("performer", ())]
    return Procedure(
        performed_by=performed_by(actors),
        **_done(done, patient, parts, uris, "performedPeriod"),
        **PROCEDURE.read(by_url(done)),
    )


def _test(done: Resource, patient: str, parts: Parts, uris: UriTable) -> Procedure:
    said = done.get("interpretation", ())
    return Procedure(
        is_test=True,
        result=whole_text(done.get("valueString", "")),
        abnormal=any(coding["code"] == "A" for one in said for coding in one["coding"]),
        performed_by=performed_by(done.get("performer")),
        **_done(done, patient, parts, uris, "effectivePeriod"),
        **RAPID_TEST.read(by_url(done)),
    )
