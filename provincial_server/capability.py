"""GET [base]/metadata: promises exactly what works, because it is read from the same tables."""

from __future__ import annotations

from typing import Any

from provincial_server import __version__, wire
from provincial_server.binaries import LARGEST_PIECE
from provincial_server.exchange.packing import dictionaries
from provincial_server.exchange.protocol import VERSION
from provincial_server.form_tally import MOST_NAMED
from provincial_server.search_values import SEARCH_PARAMETERS
from provincial_server.settings import Limits

_INTERACTIONS = (
    *("read", "vread", "update", "create"),
    *("history-instance", "history-type", "search-type"),
)

_OWN = "https://station-emr.example/fhir"


def capability_statement(base: str, published_at: int, limits: Limits) -> dict[str, Any]:
    return {
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": wire.instant(published_at),
        "kind": "instance",
        "software": {"name": "provincial-server", "version": __version__},
        "implementation": {"description": "Máy chủ hồ sơ y tế tuyến tỉnh", "url": base},
        "fhirVersion": "4.0.1",
        "format": ["application/fhir+json", "json"],
        "rest": [
            {
                "mode": "server",
                "documentation": (
                    "A facility sees its own records only. PUT of unchanged content makes no new "
                    "version. References to Patient and Encounter must resolve; in a transaction they may be "
                    "a condition or the fullUrl of any entry. Nothing is deleted, "
                    "so nothing is ever gone (410). If-Match is honoured and not asked for (no 428). "
                    "A transaction or a batch takes PUT and POST, with at most "
                    f"{limits.entries} entries. A condition is identifier=system|value. Search is "
                    "paged by the next link, by GET or POST; _sort=_lastUpdated, _summary=count, "
                    "_elements=id and _total are supported; patient and subject go on to identifier, family "
                    "and name (subject:Patient.family). What is not known is refused, or passed "
                    "over with Prefer: handling=lenient. Histories take _count and _since; those of a "
                    "type or of all are not counted. Bodies go as gzip or zstd both ways, at most "
                    f"{limits.received_bytes} bytes, {limits.body_bytes} unpacked, nested {limits.depth} "
                    "deep. 429 says in Retry-After when to go on."
                ),
                "security": {
                    "service": [
                        {
                            "coding": [
                                {
                                    "system": "http://terminology.hl7.org/CodeSystem/"
                                    "restful-security-service",
                                    "code": "SMART-on-FHIR",
                                }
                            ]
                        }
                    ],
                    "description": (
                        "SMART Backend Services (private_key_jwt, ES384) of an enrolled device "
                        "(POST /enrol)."
                    ),
                },
                "resource": [_resource(name) for name in SEARCH_PARAMETERS],
                "interaction": [
                    {"code": "transaction"},
                    {"code": "batch"},
                    {"code": "history-system"},
                ],
                "operation": [
                    *(
                        _exchange(),
                        _received(),
                        _forms(),
                        _tally(),
                        _catalogs(),
                        _audit_anchors(),
                        _log_letter(),
                    )
                ],
            }
        ],
    }


def _resource(name: str) -> dict[str, Any]:
    known = SEARCH_PARAMETERS[name].values()
    conditional = "identifier" in SEARCH_PARAMETERS[name]
    included = [f"{name}:{parameter.name}" for parameter in known if parameter.kind == "reference"]
    return {
        **({"searchInclude": included} if included else {}),
        "type": name,
        "interaction": [{"code": code} for code in _INTERACTIONS],
        "versioning": "versioned",
        "readHistory": True,
        "updateCreate": True,
        "conditionalCreate": conditional,
        "conditionalUpdate": conditional,
        "conditionalRead": "full-support",
        "conditionalDelete": "not-supported",
        "referencePolicy": ["literal", "logical", "local"],
        "searchParam": [{"name": parameter.name, "type": parameter.kind} for parameter in known],
    }


def _received() -> dict[str, Any]:
    return {
        "extension": [
            {
                "url": f"{_OWN}/StructureDefinition/binary-pieces",
                "valueInteger": LARGEST_PIECE,
            }
        ],
        "name": "received",
        "definition": f"{_OWN}/OperationDefinition/received",
        "documentation": (
            "GET [base]/Binary/{id}/$received: how much of a printed form is here, for ids of the "
            "record's UUID, -b and the first 16 digits of the SHA-256. PUT [base]/Binary/{id} takes "
            "such a file whole, or in pieces of at most the bytes that the extension says, with "
            "Content-Range and Repr-Digest."
        ),
    }


def _forms() -> dict[str, Any]:
    return {
        "name": "forms",
        "definition": f"{_OWN}/OperationDefinition/forms",
        "documentation": (
            "GET [base]/Binary/$forms?record={uuid}: the printed forms of one record, as a Bundle "
            "of Binary without their data."
        ),
    }


def _tally() -> dict[str, Any]:
    return {
        "name": "tally",
        "definition": f"{_OWN}/OperationDefinition/tally",
        "documentation": (
            "GET [base]/Binary/$tally: how many printed forms the asking device brought, and their sum "
            "(the first eight bytes of each SHA-256, modulo 2^64, in hexadecimal). "
            "POST [base]/Binary/$tally takes Parameters "
            f"with up to {MOST_NAMED} ids of forms and also names those that are not here."
        ),
    }


def _catalogs() -> dict[str, Any]:
    return {
        "name": "catalogs",
        "definition": f"{_OWN}/OperationDefinition/catalogs",
        "documentation": (
            "GET [base]/$catalogs: the versions of the lists that the province hands out and the "
            "newest announcement of a program, each in its signed words, as plain JSON; with an ETag, "
            "and 204 when nothing is new since ?known={tag}. GET [base]/$catalogs/{name}/{number}: one "
            "version (application/vnd.station-emr.catalog), or what is new since ?from={number}; Range "
            "works."
        ),
    }


def _exchange() -> dict[str, Any]:
    offered = [("exchange-version", VERSION), ("exchange-short", 1)]
    offered += [("exchange-dictionary", number) for number in dictionaries()]
    return {
        "extension": [
            {"url": f"{_OWN}/StructureDefinition/{name}", "valueInteger": number}
            for name, number in offered
        ],
        "name": "exchange",
        "definition": f"{_OWN}/OperationDefinition/exchange",
        "documentation": (
            "POST [base]/$exchange: both directions in one round trip, as lines of JSON "
            "(application/vnd.station-emr.exchange). The extensions name the versions of the "
            "protocol, the zstd dictionaries of X-Exchange-Dictionary, and that lines may be short. Request bodies may be "
            "zstd, gzip or plain."
        ),
    }


def _log_letter() -> dict[str, Any]:
    return {
        "name": "log-letter",
        "definition": f"{_OWN}/OperationDefinition/log-letter",
        "documentation": (
            "POST [base]/$log-letter: the same for another device of the facility, which signed and "
            "encrypted it; the answer is for that device alone."
        ),
    }


def _audit_anchors() -> dict[str, Any]:
    return {
        "name": "audit-anchors",
        "definition": f"{_OWN}/OperationDefinition/audit-anchors",
        "documentation": (
            "POST [base]/$audit-anchors: a device shows the end of its access log, as plain JSON; 409 "
            "when it cannot follow what was shown before. GET [base]/$audit-anchors: the last end of "
            "every life of its database."
        ),
    }
