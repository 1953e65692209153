"""Enrolment and tokens: the addresses through which a device becomes known and proves who it is."""

from __future__ import annotations

import logging
from typing import Any
from urllib.parse import parse_qsl

from fastapi import FastAPI, Request, Response

from provincial_server import auth, tokens, wire
from provincial_server.audit import Actor
from provincial_server.context import Services
from provincial_server.faults import FhirFault, refuse
from provincial_server.serving import is_loopback
from provincial_server.settings import Limits
from provincial_server.store import EVERY_FACILITY

_LIMITS = Limits(received_bytes=16 * 1024, body_bytes=16 * 1024, depth=2)
_FORM = "application/x-www-form-urlencoded"
_JSON = "application/json"
_log = logging.getLogger("provincial_server")


def add_routes(app: FastAPI, services: Services) -> None:
    _add_enrolment(app, services)
    _add_tokens(app, services)


def _add_enrolment(app: FastAPI, services: Services) -> None:
    def answer(request: Request, enrolment: auth.Enrolment, status: int) -> Response:
        said: dict[str, Any] = {
            "device_id": enrolment.device_id,
            "facility": {"code": enrolment.facility_code, "name": enrolment.facility_name},
            "fhir_base": services.base(request),
            "epoch": services.database.epoch,
        }
        if enrolment.token:
            said["token"] = enrolment.token
        else:
            said["token_url"] = _token_url(services, request)
        return Response(wire.canonical(said), status, media_type=_JSON)

    @app.post("/enrol")
    async def enrol(request: Request) -> Response:
        """Trades a one-time code for the enrolment of a key, or, as in the first release, for a
        fixed token.
        """
        services.take_turn(request)
        body = await services.json_body(request, _LIMITS)
        code, name, public_key = _enrolment_request(body)

        def redeem() -> auth.Enrolment:
            now = services.settings.clock()
            with services.database.write(EVERY_FACILITY) as session:
                return auth.redeem_code(session, code, name, now, public_key)

        enrolment = await services.run(redeem)
        request.state.actor = Actor("device", enrolment.device_id, enrolment.facility_code)
        return answer(request, enrolment, 201)

    @app.post("/enrol-key")
    async def enrol_key(request: Request) -> Response:
        """Gives a device of the first release a key, on the word of its fixed token."""
        services.take_turn(request)
        token = services.bearer_token(request)
        body = await services.json_body(request, _LIMITS)
        public_key = _public_key(body if isinstance(body, dict) else {})
        if public_key is None:
            raise refuse(400, "required", "the public key is missing", "public_key")

        def add() -> auth.Enrolment:
            with services.database.write(EVERY_FACILITY) as session:
                return auth.add_key(session, token, public_key)

        try:
            enrolment = await services.run(add)
        except FhirFault:
            await services.name_former(request, token)
            raise
        request.state.actor = Actor("device", enrolment.device_id, enrolment.facility_code)
        return answer(request, enrolment, 200)


def _enrolment_request(body: object) -> tuple[str, str, str | None]:
    if not isinstance(body, dict):
        raise refuse(400, "structure", "an object with code and device_name is expected")
    code, name = body.get("code"), body.get("device_name")
    if not isinstance(code, str) or not code or len(code) > 100:
        raise refuse(400, "required", "the code is missing", "code")
    if not isinstance(name, str) or not name.isprintable() or not 1 <= len(name) <= 120:
        raise refuse(400, "required", "device_name has 1 to 120 letters", "device_name")
    return code, name, _public_key(body)


def _public_key(body: dict[str, Any]) -> str | None:
    given = body.get("public_key")
    if given is None:
        return None
    key = tokens.public_key_text(given)
    if key is None:
        raise refuse(
            400, "value", "public_key is the public half of a P-384 key, PEM or JWK", "public_key"
        )
    return key


def _token_url(services: Services, request: Request) -> str:
    return f"{services.root(request)}/token"


def _own_token_url(services: Services, request: Request) -> str:
    """The only audience that is taken. What the asker calls this server (the Host header) is believed
    on this machine alone: else an assertion meant for another server could be used here.
    """
    if services.settings.public_url is None and not is_loopback(request.url.hostname or ""):
        _log.error("tokens are refused: the server must be started with --public-url")
        raise tokens.TokenRefused(400, "invalid_request", "this server was not told its address")
    return _token_url(services, request)


def _add_tokens(app: FastAPI, services: Services) -> None:
    @app.post("/token")
    async def token(request: Request) -> Response:
        """SMART Backend Services: an assertion signed by the device for a token of a few minutes."""
        services.take_turn(request)
        try:
            url = _own_token_url(services, request)
            assertion = tokens.assertion_of(await _form(request))
            if claimed := tokens.claimed_device(assertion):
                host = request.client.host if request.client else "-"
                request.state.actor = Actor("claimed", claimed, purpose=f"đăng nhập từ {host}")

            def work() -> tuple[str, str]:
                now = services.settings.clock()
                with services.database.read(EVERY_FACILITY) as session:
                    checked = tokens.check_assertion(session, assertion, url, now)
                with services.database.write(EVERY_FACILITY) as session:
                    return tokens.grant(session, checked, now), checked.device_id

            granted, device_id = await services.run(work)
            request.state.actor = Actor("device", device_id)
        except tokens.TokenRefused as refused:
            said = {"error": refused.error, "error_description": refused.description}
            return Response(wire.canonical(said), refused.status, media_type=_JSON)
        body = {
            "access_token": granted,
            "token_type": "bearer",
            "expires_in": tokens.TOKEN_SECONDS,
            "scope": tokens.SCOPE,
        }
        return Response(wire.canonical(body), 200, media_type=_JSON)

    @app.get("/.well-known/smart-configuration")
    @app.get("/fhir/.well-known/smart-configuration", include_in_schema=False)
    async def smart_configuration(request: Request) -> Response:
        said = tokens.configuration(services.base(request), _token_url(services, request))
        return Response(wire.canonical(said), 200, media_type=_JSON)


async def _form(request: Request) -> dict[str, str]:
    """The fields of a small form; one that is given twice is none."""
    media_type = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if media_type != _FORM:
        raise tokens.TokenRefused(400, "invalid_request", "a form is expected")
    received = bytearray()
    async for chunk in request.stream():
        received += chunk
        if len(received) > _LIMITS.received_bytes:
            raise tokens.TokenRefused(413, "invalid_request", "the form is too large")
    try:
        pairs = parse_qsl(received.decode("ascii"), strict_parsing=True, max_num_fields=20)
    except (ValueError, UnicodeDecodeError):
        raise tokens.TokenRefused(400, "invalid_request", "the form cannot be read") from None
    if len({name for name, _ in pairs}) != len(pairs):
        raise tokens.TokenRefused(400, "invalid_request", "a field is given twice")
    return dict(pairs)
