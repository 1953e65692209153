"""A sick-leave certificate ↔ QuestionnaireResponse: the form's items in words, the extension exactly."""

from __future__ import annotations

from dataclasses import fields
from typing import Any, Final

from station_emr.domain.certificate import SickLeave

from .datatypes import Json, Resource, identifier, moment, present, reference, resource, staff
from .own_extensions import AsSigned, OwnFields
from .reading import Parts, by_url, id_in, referred
from .uris import UriTable, own_identifier

_SNAPSHOTS: Final = ("station", "patient", "practitioner", "signature")
_ELSEWHERE: Final = frozenset({"id", "patient_id", "encounter_id", *_SNAPSHOTS})
DETAILS: Final = OwnFields(
    "sick-leave-certificate",
    SickLeave,
    tuple(one.name for one in fields(SickLeave) if one.name not in _ELSEWHERE),
)
SIGNED: Final = AsSigned(SickLeave, _SNAPSHOTS)
_NUMBER: Final = own_identifier("sick-leave-number")


def certificate_resources(certificate: SickLeave, uris: UriTable) -> list[Resource]:
    number = identifier(_NUMBER, certificate.number, "PLAC")
    return [
        resource(
            "QuestionnaireResponse",
            certificate.id,
            extension=present(DETAILS.write(certificate), SIGNED.write(certificate)),
            identifier=number or identifier(uris.record, certificate.id),
            status="completed",
            subject=reference("Patient", certificate.patient_id),
            encounter=reference("Encounter", certificate.encounter_id),
            authored=moment(certificate.signature.at) if certificate.signature else None,
            author=staff(certificate.practitioner),
            item=_items(certificate),
        )
    ]


def _items(certificate: SickLeave) -> list[Json]:
    said: list[tuple[str, str, Json]] = [
        ("diagnosis", "Chẩn đoán", _string(certificate.diagnosis_text)),
        ("treatment", "Phương pháp điều trị", _string(certificate.treatment)),
        (
            "days",
            "Số ngày nghỉ",
            {} if certificate.days is None else {"valueInteger": certificate.days},
        ),
        (
            "from",
            "Từ ngày",
            {"valueDate": certificate.first_day.isoformat()} if certificate.first_day else {},
        ),
        (
            "to",
            "Đến hết ngày",
            {"valueDate": certificate.last_day.isoformat()} if certificate.last_day else {},
        ),
        ("workplace", "Đơn vị làm việc", _string(certificate.workplace)),
    ]
    return [
        {"linkId": link, "text": label, "answer": [answer]}
        for link, label, answer in said
        if answer
    ]


def _string(text: str) -> Json:
    return {"valueString": text} if text else {}


def read_certificate(parts: Parts, uris: UriTable) -> SickLeave:
    del uris
    root = parts.root
    extensions = by_url(root)
    told: dict[str, Any] = {**DETAILS.read(extensions), **SIGNED.read(extensions)}
    return SickLeave(
        id=parts.record_id,
        patient_id=id_in(root["subject"], "Patient"),
        encounter_id=referred(root, "encounter", "Encounter"),
        **told,
    )
