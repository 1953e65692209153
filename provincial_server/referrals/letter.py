"""Reads a referral letter from its resources: every item of the form, as text for a page.

What another program wrote may lack our extensions, or hold anything: what cannot be read is left out.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

Resource = dict[str, Any]
_OWN = "https://station-emr.example/fhir/StructureDefinition/"
_SEXES = {"male": "Nam", "female": "Nữ"}


@dataclass
class Letter:
    """Texts as they were signed; empty where nothing was written."""

    receiver_code: str = ""
    receiver_name: str = ""
    number: str = ""
    emergency: bool = False
    patient_id: str = ""
    encounter_id: str = ""
    diagnoses: list[str] = field(default_factory=list)
    reason: str = ""
    transfer_at: str = ""
    signed_at: str = ""
    note: str = ""
    items: dict[str, str] = field(default_factory=dict)
    """The other items of the form by the name that they have on the wire."""
    prior_care: list[str] = field(default_factory=list)
    patient: dict[str, str] = field(default_factory=dict)
    card: dict[str, str] = field(default_factory=dict)
    allergies: list[str] = field(default_factory=list)
    station: dict[str, str] = field(default_factory=dict)
    referrer: dict[str, str] = field(default_factory=dict)

    @property
    def sex(self) -> str:
        return _SEXES.get(self.patient.get("sex", ""), "")

    @property
    def birth(self) -> str:
        return shown_date(self.patient.get("birth", ""))


def read_letter(resources: Iterable[Resource]) -> Letter | None:
    """None when there is no ServiceRequest, which is the letter itself."""
    found: dict[str, Resource] = {}
    for one in resources:
        found.setdefault(str(one.get("resourceType")), one)
    request = found.get("ServiceRequest")
    if request is None:
        return None
    letter = Letter()
    _read_addresses(letter, request, found.get("Task") or {})
    _read_request(letter, request)
    own = _by_url(request.get("extension"))
    _read_items(letter, _by_url(own.get(f"{_OWN}referral-letter", {}).get("extension")))
    _read_signed(letter, request, own.get(f"{_OWN}as-signed", {}))
    return letter


def _read_addresses(letter: Letter, request: Resource, task: Resource) -> None:
    """The Task is for the receiver; a program without one names it in the request."""
    for place in (task.get("owner"), *_list(request.get("performer"))):
        code = _text(_dict(_dict(place).get("identifier")).get("value"))
        if code:
            letter.receiver_code = code
            letter.receiver_name = _text(_dict(place).get("display"))
            return


def _read_request(letter: Letter, request: Resource) -> None:
    letter.emergency = request.get("priority") in ("stat", "asap", "urgent")
    letter.patient_id = _id_in(request.get("subject"))
    letter.encounter_id = _id_in(request.get("encounter"))
    letter.transfer_at = shown_time(_text(request.get("occurrenceDateTime")))
    letter.signed_at = shown_time(_text(request.get("authoredOn")))
    numbers = [
        one
        for one in _list(request.get("identifier"))
        if _text(_dict(one).get("system")).endswith("/sid/referral-number")
    ]
    letter.number = _text(_dict(numbers[0]).get("value")) if numbers else ""
    letter.diagnoses = [text for one in _list(request.get("reasonCode")) if (text := _concept(one))]
    letter.note = "\n".join(
        text for one in _list(request.get("note")) if (text := _text(_dict(one).get("text")))
    )
    own = _by_url(request.get("extension"))
    letter.reason = _concept(own.get(f"{_OWN}referral-reason", {}).get("valueCodeableConcept"))


def _read_items(letter: Letter, parts: dict[str, Resource]) -> None:
    for name, part in parts.items():
        text = _value(part)
        if text and name != "prior_care":
            letter.items[name] = text


def _read_signed(letter: Letter, request: Resource, signed: Resource) -> None:
    parts = _by_url(signed.get("extension"))
    for name in ("station", "patient", "referrer"):
        inside = _by_url(parts.get(name, {}).get("extension"))
        getattr(letter, name).update(
            {key: text for key, one in inside.items() if (text := _value(one))}
        )
    person = _list(parts.get("patient", {}).get("extension"))
    letter.allergies = [_value(one) for one in person if _dict(one).get("url") == "allergies"]
    card = _by_url(_by_url(person).get("coverage", {}).get("extension"))
    letter.card = {key: text for key, one in card.items() if (text := _value(one))}
    own = _by_url(request.get("extension")).get(f"{_OWN}referral-letter", {})
    for one in _list(own.get("extension")):
        if _dict(one).get("url") == "prior_care":
            letter.prior_care.append(_prior_care(_by_url(_dict(one).get("extension"))))
    if not letter.referrer:
        letter.referrer = {"full_name": _text(_dict(request.get("requester")).get("display"))}


def _prior_care(parts: dict[str, Resource]) -> str:
    said = {name: _value(part) for name, part in parts.items()}
    words = [said.get("facility", "")]
    if level := said.get("level"):
        words.append(f"({level})")
    if start := said.get("start"):
        words.append(f"từ {shown_date(start)}")
    if end := said.get("end"):
        words.append(f"đến {shown_date(end)}")
    return " ".join(word for word in words if word)


def shown_date(text: str) -> str:
    """03/05/1990, 05/1990 or 1990."""
    return "/".join(reversed(text[:10].split("-")))


def shown_time(text: str) -> str:
    """08:15 ngày 20/11/2026; a day alone stays one."""
    if "T" not in text:
        return shown_date(text)
    return f"{text[11:16]} ngày {shown_date(text)}"


def patient_from(resource: Resource) -> dict[str, str]:
    """Name, birth and sex of a Patient, for a letter that does not repeat them."""
    name = _dict(next(iter(_list(resource.get("name"))), {}))
    whole = _text(name.get("text")) or " ".join(
        [_text(name.get("family")), *(_text(one) for one in _list(name.get("given")))]
    )
    said = {
        "full_name": whole.strip(),
        "birth": _text(resource.get("birthDate")),
        "sex": _text(resource.get("gender")),
    }
    return {key: text for key, text in said.items() if text}


def _dict(value: object) -> Resource:
    return value if isinstance(value, dict) else {}


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _text(value: object) -> str:
    """Without what PostgreSQL cannot keep in a text."""
    return value.replace("\x00", "") if isinstance(value, str) else ""


def _by_url(extensions: object) -> dict[str, Resource]:
    """Of those with one name the first."""
    found: dict[str, Resource] = {}
    for one in _list(extensions):
        url = _dict(one).get("url")
        if isinstance(url, str):
            found.setdefault(url, one)
    return found


def _value(part: Resource) -> str:
    for name, value in part.items():
        if not name.startswith("value") or (name == "valueCode" and value == "empty"):
            continue
        if value is True or value is False:
            return "Có" if value else "Không"
        if name == "valueDateTime":
            return shown_time(_text(value))
        if isinstance(value, str | int | float):
            return _text(str(value))
    return ""


def _concept(value: object) -> str:
    concept = _dict(value)
    if text := _text(concept.get("text")):
        return text
    coding = _dict(next(iter(_list(concept.get("coding"))), {}))
    said = (_text(coding.get("code")), _text(coding.get("display")))
    return said[1] if said[1] and said[0].isdigit() else " ".join(part for part in said if part)


def _id_in(value: object) -> str:
    return _text(_dict(value).get("reference")).rpartition("/")[2]
