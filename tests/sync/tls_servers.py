"""TLS servers on this machine with throw-away authorities; they remember every byte they were sent."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

DAY = timedelta(days=1)


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


@dataclass
class Issued:
    """A server's certificate with its key, as one PEM file."""

    path: Path


class Authority:
    def __init__(self, folder: Path, name: str) -> None:
        self.folder = folder
        self.name = name
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.certificate = self._sign(name, self.key, ca=True, at=datetime.now(UTC))
        self.path = folder / f"{name}.pem"
        self.path.write_bytes(self.certificate.public_bytes(serialization.Encoding.PEM))

    @property
    def pem(self) -> str:
        return self.path.read_text("ascii")

    def issue(self, *hosts: str, at: datetime | None = None) -> Issued:
        """A certificate for these names, good for two days around ``at`` (now)."""
        key = ec.generate_private_key(ec.SECP256R1())
        found = self._sign("server", key, ca=False, at=at or datetime.now(UTC), hosts=hosts)
        return self._keep(found, key)

    def self_signed(self, *hosts: str) -> Issued:
        """Nobody vouches for it."""
        key = ec.generate_private_key(ec.SECP256R1())
        found = self._sign(
            "server", key, ca=False, at=datetime.now(UTC), hosts=hosts, signer=("server", key)
        )
        return self._keep(found, key)

    def _keep(self, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> Issued:
        path = self.folder / f"server-{certificate.serial_number}.pem"
        path.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
            + certificate.public_bytes(serialization.Encoding.PEM)
        )
        return Issued(path)

    def _sign(self, name, key, *, ca, at, hosts=(), signer=None) -> x509.Certificate:
        issuer, issuer_key = signer or (self.name, self.key)
        builder = (
            x509.CertificateBuilder()
            .subject_name(_name(name))
            .issuer_name(_name(issuer))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(at - DAY)
            .not_valid_after(at + DAY)
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        )
        if hosts:
            names = [
                x509.IPAddress(ip_address(host)) if host[0].isdigit() else x509.DNSName(host)
                for host in hosts
            ]
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        return builder.sign(issuer_key, hashes.SHA256())


Answering = Callable[[bytes], bytes]


def page(status: str = "200 OK", body: bytes = b"<html>Wi-Fi</html>", **headers: str) -> bytes:
    """An HTTP answer that closes the line."""
    lines = {"Content-Type": "text/html", "Content-Length": str(len(body)), "Connection": "close"}
    lines |= {name.replace("_", "-"): value for name, value in headers.items()}
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"HTTP/1.1 {status}\r\n{head}\r\n".encode() + body


class RecordingServer:
    """``raw`` is what came over the socket, ``plain`` what could be read of it."""

    def __init__(self, issued: Issued, answer: Answering = lambda _request: page(), port: int = 0):
        self.raw = bytearray()
        self.plain = bytearray()
        self.connections = 0
        self._answer = answer
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(issued.path)
        self._listening = socket.create_server(("127.0.0.1", port))
        self.port = self._listening.getsockname()[1]
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.port}/fhir"

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self._thread.join()

    def __enter__(self):
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _serve(self) -> None:
        while True:
            try:
                line, _ = self._listening.accept()
            except OSError:
                return
            self.connections += 1
            with line, contextlib.suppress(OSError, EOFError):
                self._converse(line)

    def _converse(self, line: socket.socket) -> None:
        line.settimeout(60)
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = self._context.wrap_bio(incoming, outgoing, server_side=True)

        def until_done(step):
            while True:
                try:
                    return step()
                except ssl.SSLWantReadError:
                    line.sendall(outgoing.read())
                    came = line.recv(65536)
                    if not came:
                        raise EOFError from None
                    self.raw.extend(came)
                    incoming.write(came)
                finally:
                    if outgoing.pending:
                        line.sendall(outgoing.read())

        until_done(tls.do_handshake)
        request = bytearray()
        while not _whole(request):
            part = until_done(lambda: tls.read(65536))
            request += part
            self.plain += part
        tls.write(self._answer(bytes(request)))
        line.sendall(outgoing.read())


def _whole(request: bytearray) -> bool:
    head, end, body = bytes(request).partition(b"\r\n\r\n")
    if not end:
        return False
    for row in head.split(b"\r\n"):
        name, _, value = row.partition(b":")
        if name.strip().lower() == b"content-length":
            return len(body) >= int(value)
    return True
