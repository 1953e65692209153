"""The description of the addresses at /openapi.json, for testers and for those who write a client.

What FHIR says of itself stands in the CapabilityStatement; here stand the headers, the bodies and the
refusals, which the routes read from the request themselves.
"""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI

from provincial_server.exchange.packing import DICTIONARY_HEADER, MEDIA_TYPE
from provincial_server.structure import STORED_TYPES
from provincial_server.tokens import ASSERTION_TYPE
from provincial_server.transport import FHIR_JSON

Spec = dict[str, Any]
_OPEN = {
    *("/health", "/ready", "/metrics", "/courier-key", "/fhir/metadata"),
    *("/.well-known/smart-configuration", "/token", "/enrol"),
}
"""Addresses that ask for no token."""

_ID: Spec = {"type": "string", "pattern": r"^[A-Za-z0-9\-.]{1,64}$"}
_SCHEMAS: Spec = {
    "Answer": {
        "type": "object",
        "required": ["resourceType", "type"],
        "properties": {
            "resourceType": {"const": "Bundle"},
            "type": {"enum": ["transaction-response", "batch-response"]},
            "entry": {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["response"],
                    "properties": {
                        "response": {
                            "type": "object",
                            "required": ["status"],
                            "properties": {"status": {"type": "string"}},
                        },
                    },
                },
            },
        },
    },
    "Page": {
        "type": "object",
        "required": ["resourceType", "type"],
        "properties": {
            "resourceType": {"const": "Bundle"},
            "type": {"enum": ["searchset", "history", "collection"]},
            "total": {"type": "integer", "minimum": 0},
            "link": {"type": "array", "items": {"type": "object", "required": ["relation", "url"]}},
            "entry": {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["fullUrl"],
                    "properties": {"resource": {"$ref": "#/components/schemas/Stored"}},
                },
            },
        },
    },
    "Stored": {
        "type": "object",
        "required": ["resourceType", "id"],
        "properties": {
            "resourceType": {"enum": sorted(STORED_TYPES)},
            "id": _ID,
            "meta": {"type": "object", "required": ["versionId", "lastUpdated"]},
        },
    },
    "CapabilityStatement": {
        "type": "object",
        "required": ["resourceType", "status", "date", "kind", "fhirVersion", "format", "rest"],
        "properties": {"resourceType": {"const": "CapabilityStatement"}},
    },
    "Resource": {
        "type": "object",
        "required": ["resourceType"],
        "properties": {"resourceType": {"type": "string"}, "id": {"type": "string"}},
    },
    "Bundle": {
        "type": "object",
        "required": ["resourceType", "type"],
        "properties": {
            "resourceType": {"const": "Bundle"},
            "type": {"enum": ["transaction", "batch"]},
            "entry": {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["request"],
                    "properties": {
                        "fullUrl": {"type": "string"},
                        "resource": {"$ref": "#/components/schemas/Resource"},
                        "request": {
                            "type": "object",
                            "required": ["method", "url"],
                            "properties": {
                                "method": {"enum": ["PUT", "POST"]},
                                "url": {"type": "string"},
                                "ifMatch": {"type": "string"},
                                "ifNoneMatch": {"type": "string"},
                                "ifNoneExist": {"type": "string"},
                            },
                        },
                    },
                },
            },
        },
    },
    "OperationOutcome": {
        "type": "object",
        "required": ["resourceType", "issue"],
        "properties": {
            "resourceType": {"const": "OperationOutcome"},
            "issue": {
                "type": "array",
                "minItems": 1,
                "items": {
                    "type": "object",
                    "required": ["severity", "code", "details", "expression"],
                },
            },
        },
    },
    "Enrolment": {
        "type": "object",
        "required": ["code", "device_name"],
        "properties": {
            "code": {"type": "string", "maxLength": 100},
            "device_name": {"type": "string", "minLength": 1, "maxLength": 120},
            "public_key": {},
        },
    },
    "TokenRequest": {
        "type": "object",
        "required": ["grant_type", "client_assertion_type", "client_assertion"],
        "properties": {
            "grant_type": {"const": "client_credentials"},
            "client_assertion_type": {"const": ASSERTION_TYPE},
            "client_assertion": {"type": "string"},
            "scope": {"type": "string"},
        },
    },
}
_TEXT: Spec = {"type": "string"}
_PATH: dict[str, Spec] = {
    "resource_type": {"type": "string", "enum": sorted(STORED_TYPES)},
    "resource_id": _ID,
    "binary_id": _ID,
    "version": {"type": "string", "pattern": "^[1-9][0-9]{0,17}$"},
}
_HEADERS = {
    "GET": ("Accept", "Accept-Encoding", "If-None-Match", "If-Modified-Since", "Prefer"),
    "PUT": ("Accept", "Content-Encoding", "If-Match", "If-None-Match", "Prefer"),
    "POST": ("Accept", "Content-Encoding", "If-None-Exist", "Prefer"),
}
_OF_TYPE = "/fhir/{resource_type}"
_QUERY = {
    "/fhir/metadata": ("mode", "_format"),
    "/fhir/{resource_type}": (
        *("_id", "_lastUpdated", "identifier", "patient", "date", "status", "name", "_include"),
        *("_count", "_sort", "_summary", "_elements", "_total", "_format", "_cursor", "_page"),
    ),
    "/fhir/{resource_type}/_search": ("_id", "_count"),
    "/fhir/_history": ("_count", "_since", "_cursor"),
    "/fhir/{resource_type}/_history": ("_count", "_since", "_cursor"),
    "/fhir/{resource_type}/{resource_id}/_history": ("_count", "_since", "_cursor"),
    "/fhir/{resource_type}/{resource_id}": ("_format", "_pretty"),
    "/fhir/Binary/$forms": ("record",),
}

_OWN_ANSWERS = {"/fhir/$exchange", "/fhir/Binary/$forms", "/fhir/Binary/$tally"}


def describe(app: FastAPI) -> None:
    """Completes what the framework can tell of the routes."""
    plain = app.openapi

    def completed() -> Spec:
        if app.openapi_schema is None:
            spec = plain()
            _complete(spec)
            app.openapi_schema = spec
        return app.openapi_schema

    app.openapi = completed  # type: ignore[method-assign]


def _complete(spec: Spec) -> None:
    components = spec.setdefault("components", {})
    components["schemas"] = _SCHEMAS | {
        name: schema
        for name, schema in components.get("schemas", {}).items()
        if name not in {"HTTPValidationError", "ValidationError"}
    }
    components["securitySchemes"] = {"device": {"type": "http", "scheme": "bearer"}}
    for path, methods in spec["paths"].items():
        for method, operation in methods.items():
            _complete_operation(path, method.upper(), operation)


def _complete_operation(path: str, method: str, operation: Spec) -> None:
    responses = operation["responses"]
    responses.pop("422", None)
    responses["default"] = _answer("OperationOutcome")
    if path == "/token":  # RFC 6749 says how a token is refused
        responses["default"]["content"]["application/json"] = {"schema": {"type": "object"}}
    if path not in _OPEN:
        operation["security"] = [{"device": []}]
    body = _body(path, method)
    if body is not None:
        operation["requestBody"] = {"required": True, "content": body}
    if path.startswith("/fhir"):
        _complete_fhir(path, method, operation)


def _complete_fhir(path: str, method: str, operation: Spec) -> None:
    parameters = operation.setdefault("parameters", [])
    for parameter in parameters:
        if parameter["in"] == "path":
            parameter["schema"] = _PATH.get(parameter["name"], _TEXT)
    named = [("query", name) for name in _QUERY.get(path, ()) if method != "PUT"]
    if (path, method) == ("/fhir/{resource_type}", "PUT"):
        named.append(("query", "identifier"))
    named += [("header", name) for name in _HEADERS[method]]
    if path == "/fhir/$exchange":
        named.append(("header", DICTIONARY_HEADER))
    if path == "/fhir/Binary/{binary_id}" and method == "PUT":
        named += [("header", "Content-Range"), ("header", "Repr-Digest")]
    known = {parameter["name"] for parameter in parameters}
    parameters += [
        {"name": name, "in": place, "required": False, "schema": _TEXT}
        for place, name in named
        if name not in known
    ]
    media = MEDIA_TYPE if path == "/fhir/$exchange" else FHIR_JSON
    content: Spec = {media: {"schema": _answered(path, method)}}
    if path == "/fhir/Binary/{binary_id}":
        content["*/*"] = {"schema": {}}
    done = {"description": "Done", "content": content}
    operation["responses"]["200"] = done
    if method != "GET":
        operation["responses"]["201"] = {**done, "description": "Created"}
    else:
        operation["responses"]["304"] = {"description": "Not modified"}


def _answered(path: str, method: str) -> Spec:
    """What the body of an answer is."""
    if path in _OWN_ANSWERS or path.endswith("$received"):
        return {}
    if path == "/fhir":
        return _named("Answer")
    if path == "/fhir/metadata":
        return _named("CapabilityStatement")
    if path.endswith(("/_history", "/_search")) or (path, method) == (_OF_TYPE, "GET"):
        return _named("Page")
    # Writing may be answered with an outcome (Prefer).
    stored = (
        [_named("Stored")] if method == "GET" else [_named("Stored"), _named("OperationOutcome")]
    )
    return {"anyOf": stored}


def _named(schema: str) -> Spec:
    return {"$ref": f"#/components/schemas/{schema}"}


def _answer(schema: str) -> Spec:
    return {
        "description": "Refused: the outcome says why, and nothing is stored",
        "content": {FHIR_JSON: {"schema": {"$ref": f"#/components/schemas/{schema}"}}},
    }


def _body(path: str, method: str) -> Spec | None:
    if method == "GET":
        return None
    if path == "/token":
        return _content("application/x-www-form-urlencoded", "TokenRequest")
    if path in {"/enrol", "/enrol-key"}:
        return _content("application/json", "Enrolment")
    if path == "/fhir":
        return _content(FHIR_JSON, "Bundle")
    if path == "/fhir/$exchange":
        return {MEDIA_TYPE: {"schema": {"type": "string", "format": "binary"}}}
    if path.endswith("/_search"):
        return {"application/x-www-form-urlencoded": {"schema": {"type": "object"}}}
    if path.startswith("/fhir"):
        return _content(FHIR_JSON, "Resource")
    return None


def _content(media: str, schema: str) -> Spec:
    return {media: {"schema": {"$ref": f"#/components/schemas/{schema}"}}}
