"""A signature under a version of a record ↔ Provenance with its signature element.

``target``, ``agent`` and ``signature.who`` say in plain FHIR what the extension says exactly; the
extension is what is read back. ``signature.data`` is the seal: the certificate's own signature over
the statement of ``domain/signature.py``.
"""

from __future__ import annotations

import re
from dataclasses import fields
from typing import Any, Final

from station_emr.domain.ids import is_record_id
from station_emr.domain.record import RecordKind
from station_emr.domain.signature import DocumentSignature, SignerKind

from .datatypes import Json, Resource, coding, filled, moment, present, reference, resource
from .own_extensions import OwnFields
from .reading import Parts, by_url, first, moment_in, text_in, unreadable
from .uris import UriTable

_ELSEWHERE: Final = frozenset({"id", "signed_at", "seal"})
DETAILS: Final = OwnFields(
    "signature-details",
    DocumentSignature,
    tuple(one.name for one in fields(DocumentSignature) if one.name not in _ELSEWHERE),
)
_PURPOSES: Final = "urn:iso-astm:E1762-95:2013"
_AUTHOR: Final = "1.2.840.10065.1.12.1.1"
_CONSENT: Final = "1.2.840.10065.1.12.1.7"
_TYPES: Final = {
    RecordKind.PATIENT: "Patient",
    RecordKind.ENCOUNTER: "Encounter",
    RecordKind.PRESCRIPTION: "MedicationRequest",
    RecordKind.REFERRAL: "ServiceRequest",
    RecordKind.APPOINTMENT: "Appointment",
    RecordKind.LINK: "Linkage",
    RecordKind.FEEDBACK: "Task",
    RecordKind.SIGNATURE: "Provenance",
    RecordKind.CONSENT: "Consent",
    RecordKind.CERTIFICATE: "QuestionnaireResponse",
    RecordKind.NOTIFICATION: "Communication",
    RecordKind.BILL: "Invoice",
    RecordKind.RIGHTS: "Basic",
    RecordKind.STANDING: "Basic",
    RecordKind.REQUEST: "Basic",
    RecordKind.BREACH: "Basic",
    RecordKind.PRACTITIONER: "Practitioner",
    RecordKind.FACILITY: "Organization",
}
_HASH: Final = re.compile(r"[0-9a-f]{64}")
_UNNAMED: Final = "Không ghi tên"


def signature_resources(signature: DocumentSignature, uris: UriTable) -> list[Resource]:
    del uris  # nothing in it depends on the target
    staff = signature.signer_kind is SignerKind.STAFF
    when = moment(signature.signed_at)
    who = _who(signature, staff=staff)
    return [
        resource(
            "Provenance",
            signature.id,
            extension=present(DETAILS.write(signature)),
            target=[reference(_TYPES[signature.target_kind], _root_id(signature))],
            recorded=when,
            agent=[{"who": who}],
            signature=[
                filled(
                    type=[coding(_PURPOSES, _AUTHOR if staff else _CONSENT)],
                    when=when,
                    who=who,
                    sigFormat="application/octet-stream" if signature.seal else "",
                    data=signature.seal,
                )
            ],
        )
    ]


def _root_id(signature: DocumentSignature) -> str:
    first_line = signature.target_kind is RecordKind.PRESCRIPTION
    return f"{signature.target_id}-l1" if first_line else signature.target_id


def _who(signature: DocumentSignature, *, staff: bool) -> Json:
    name = signature.signer_name or _UNNAMED
    if staff and is_record_id(signature.signer_id):
        return reference("Practitioner", signature.signer_id, name)
    return {"display": name}


def read_signature(parts: Parts, uris: UriTable) -> DocumentSignature:
    del uris
    root = parts.root
    told: dict[str, Any] = DETAILS.read(by_url(root))
    if _HASH.fullmatch(told.get("content_sha256", "")) is None:
        raise unreadable("a signature of no content")
    return DocumentSignature(
        id=parts.record_id,
        signed_at=moment_in(root["recorded"]),
        seal=text_in(first(root, "signature"), "data"),
        **told,
    )
