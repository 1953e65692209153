"""What never crosses a line: anything in the clear, anything to an unknown certificate."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from ipaddress import ip_address
from pathlib import Path
from typing import ClassVar

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from station_emr.domain.errors import NetworkFailure, UserError
from station_emr.services.clock import SystemClock
from station_emr.sync.client import FhirClient, checked_base_url


@pytest.mark.parametrize(
    "url",
    [
        "",
        "http://may-chu.example/fhir",
        "http://10.0.0.5/fhir",
        "http://127.0.0.1.may-chu.example/fhir",
        "http://localhost.may-chu.example/fhir",
        "ftp://may-chu.example/fhir",
        "may-chu.example/fhir",
        "https:///fhir",
    ],
)
def test_an_address_in_the_clear_is_refused(url: str) -> None:
    with pytest.raises(UserError, match="https://"):
        checked_base_url(url)


@pytest.mark.parametrize(
    ("url", "base"),
    [
        (" https://may-chu.example/fhir/ ", "https://may-chu.example/fhir"),
        ("http://127.0.0.1:8080/fhir", "http://127.0.0.1:8080/fhir"),
        ("http://[::1]:8080/fhir", "http://[::1]:8080/fhir"),
        ("http://localhost:8080/fhir", "http://localhost:8080/fhir"),
    ],
)
def test_a_safe_address_is_taken(url: str, base: str) -> None:
    assert checked_base_url(url) == base


class _Listening(BaseHTTPRequestHandler):
    """A clock three hours ahead, and a memory of the tokens it was shown."""

    seen: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self.seen.append(self.headers.get("Authorization", ""))
        body = b'{"resourceType":"CapabilityStatement","fhirVersion":"4.0.1"}'
        self.send_response_only(200)
        self.send_header("Date", self.date_time_string(_server_time().timestamp()))  # type: ignore[arg-type]
        self.send_header("Content-Type", "application/fhir+json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


def _server_time() -> datetime:
    return datetime.now(UTC) + timedelta(hours=3)


@pytest.fixture
def secure(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """An HTTPS server whose certificate only its own file vouches for."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    authority = tmp_path / "authority.pem"
    authority.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    secret = tmp_path / "key.pem"
    secret.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority, secret)
    server = HTTPServer(("127.0.0.1", 0), _Listening)
    server.handle_error = lambda *_: None  # type: ignore[method-assign]
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    _Listening.seen.clear()
    yield f"https://127.0.0.1:{server.server_port}/fhir", authority
    server.shutdown()
    thread.join()
    server.server_close()


def test_an_unknown_certificate_never_sees_the_token(secure: tuple[str, Path]) -> None:
    client = FhirClient(secure[0], "secret", SystemClock())

    with pytest.raises(NetworkFailure, match="chứng chỉ"):
        client.get("/metadata")

    assert _Listening.seen == []
    client.close()


def test_a_provinces_own_authority_is_trusted_when_configured(secure: tuple[str, Path]) -> None:
    client = FhirClient(secure[0], "secret", SystemClock(), ca_file=str(secure[1]))

    answer = client.get("/metadata")

    assert answer.status == 200
    assert _Listening.seen == ["Bearer secret"]
    client.close()


def test_the_clocks_are_compared(secure: tuple[str, Path]) -> None:
    client = FhirClient(secure[0], "secret", SystemClock(), ca_file=str(secure[1]))

    client.get("/metadata")

    assert client.clock_skew is not None
    assert abs(client.clock_skew - timedelta(hours=3)) < timedelta(minutes=1)
    client.close()


@pytest.mark.parametrize(
    "date",
    [
        "Fri, 31 Dec 9999 23:59:59 GMT",
        "Mon, 99999999999999999999 Jan 2026 00:00:00 GMT",
        "Mon, 05 Jan 2026 00:00:00 +99999999999999",
        "yesterday",
    ],
)
def test_a_date_that_is_none_is_passed_over(
    secure: tuple[str, Path], monkeypatch: pytest.MonkeyPatch, date: str
) -> None:
    monkeypatch.setattr(_Listening, "date_time_string", lambda *_: date)
    client = FhirClient(secure[0], "secret", SystemClock(), ca_file=str(secure[1]))

    assert client.get("/metadata").status == 200
    assert client.clock_skew is None
    client.close()


def test_nothing_is_asked_after_the_program_said_stop(secure: tuple[str, Path]) -> None:
    client = FhirClient(secure[0], "secret", SystemClock(), ca_file=str(secure[1]))
    client.abort()

    with pytest.raises(NetworkFailure):
        client.get("/metadata")

    assert _Listening.seen == []
    client.close()
