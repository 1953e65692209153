"""A certificate authority for the tests, its answers over loopback, and keys on a real token.

Everybody and everything in its certificates is made up.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pkcs11
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509 import ocsp
from cryptography.x509.oid import AuthorityInformationAccessOID as Access
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from pkcs11 import Attribute, CertificateType, ObjectClass

PASSWORD = "mat khau cua tep"
PIN = "246813"
SIGNER = "BS. Nguyễn Thị Mẫu Đặng"
_LIBRARIES = (
    "/usr/lib/softhsm/libsofthsm2.so",
    "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so",
    "/usr/lib/aarch64-linux-gnu/softhsm/libsofthsm2.so",
)
Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
# As issuers wrap a key, save that guessing costs next to nothing: each test opens it.
_WRAP = (
    serialization.PrivateFormat.PKCS12.encryption_builder()
    .kdf_rounds(50)
    .key_cert_algorithm(pkcs12.PBES.PBESv2SHA256AndAES256CBC)
)


def need(program: str) -> str:
    """The path of a program; without it the test is skipped, and fails where CI says so."""
    found = shutil.which(program)
    if found is None:
        _missing(f"{program} is not installed")
    return str(found)


def need_token_library() -> str:
    need("softhsm2-util")
    found = next((path for path in _LIBRARIES if Path(path).exists()), None)
    if found is None:
        _missing("the library of SoftHSM2 is not installed")
    return str(found)


def _missing(reason: str) -> None:
    if os.environ.get("CI") == "true":
        pytest.fail(f"{reason}, and this run may not skip")
    pytest.skip(reason)


@cache
def rsa_key(name: str) -> rsa.RSAPrivateKey:
    """One key per name and process: making them takes most of the time."""
    del name
    return rsa.generate_private_key(65537, 2048)


@dataclass
class Authority:
    """Issues certificates and answers for them. ``now`` is the moment its answers are made for."""

    now: datetime
    key: Key = field(default_factory=lambda: rsa_key("authority"))
    revoked: dict[int, datetime] = field(default_factory=dict)
    mode: str = "good"  # "down", "garbage", "stale", "stranger", "later"
    asked: list[str] = field(default_factory=list)
    url: str = "http://127.0.0.1:9"  # nobody listens there

    def __post_init__(self) -> None:
        self.certificate = self._make("CA Mẫu Thử Nghiệm", self.key, authority=True)

    def issue(self, key: Key, name: str = SIGNER, **changes: object) -> x509.Certificate:
        return self._make(name, key, **changes)

    def _make(
        self,
        name: str,
        key: Key,
        *,
        authority: bool = False,
        days: tuple[int, int] = (-30, 335),
        signs: bool = True,
        responder: bool = False,
        online: bool = True,
        only_list: bool = False,
    ) -> x509.Certificate:
        subject = x509.Name(
            [
                x509.NameAttribute(NameOID.COUNTRY_NAME, "VN"),
                x509.NameAttribute(NameOID.COMMON_NAME, name),
            ]
        )
        issuer = subject if authority else self.certificate.subject
        made = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(self.now + timedelta(days=days[0]))
            .not_valid_after(self.now + timedelta(days=days[1]))
            .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
            .add_extension(
                x509.KeyUsage(
                    digital_signature=signs,
                    content_commitment=signs and not authority,
                    key_encipherment=not signs,
                    data_encipherment=False,
                    key_agreement=False,
                    key_cert_sign=authority,
                    crl_sign=authority,
                    encipher_only=False,
                    decipher_only=False,
                ),
                critical=True,
            )
            .add_extension(
                x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False
            )
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()),
                critical=False,
            )
        )
        if responder:
            usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.OCSP_SIGNING])
            made = made.add_extension(usage, critical=False)
        if online and not authority and not only_list:
            place = x509.AccessDescription(
                Access.OCSP, x509.UniformResourceIdentifier(f"{self.url}/ocsp")
            )
            made = made.add_extension(x509.AuthorityInformationAccess([place]), critical=False)
        if online and not authority:
            point = x509.DistributionPoint(
                [x509.UniformResourceIdentifier(f"{self.url}/list.crl")], None, None, None
            )
            made = made.add_extension(x509.CRLDistributionPoints([point]), critical=False)
        return made.sign(self.key, hashes.SHA256())

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    def revoke(self, certificate: x509.Certificate, at: datetime | None = None) -> None:
        self.revoked[certificate.serial_number] = at or self.now

    def file(self, path: Path, key: Key, certificate: x509.Certificate) -> Path:
        """A PKCS#12 file as an issuer hands it out."""
        path.write_bytes(
            pkcs12.serialize_key_and_certificates(
                b"khoa ky",
                key,
                certificate,
                [self.certificate],
                _WRAP.build(PASSWORD.encode()),
            )
        )
        return path

    # Answers

    def answer(self, question: bytes) -> bytes:
        asked = ocsp.load_der_ocsp_request(question)
        revoked = self.revoked.get(asked.serial_number)
        since = self.now - (timedelta(days=60) if self.mode == "stale" else timedelta(minutes=1))
        made = ocsp.OCSPResponseBuilder().add_response_by_hash(
            issuer_name_hash=asked.issuer_name_hash,
            issuer_key_hash=asked.issuer_key_hash,
            serial_number=asked.serial_number,
            algorithm=asked.hash_algorithm,
            cert_status=ocsp.OCSPCertStatus.REVOKED if revoked else ocsp.OCSPCertStatus.GOOD,
            this_update=since,
            next_update=since + timedelta(days=1),
            revocation_time=revoked,
            revocation_reason=None,
        )
        if self.mode == "stranger":  # somebody in the middle who would like it to be good
            key = rsa_key("stranger")
            other = Authority(self.now, key)
            made = made.responder_id(ocsp.OCSPResponderEncoding.NAME, other.certificate)
            signed = made.certificates([other.certificate]).sign(key, hashes.SHA256())
        elif self.mode == "appointed":
            key = rsa_key("responder")
            certificate = self.issue(key, "Người trả lời OCSP", responder=True, online=False)
            made = made.responder_id(ocsp.OCSPResponderEncoding.HASH, certificate)
            signed = made.certificates([certificate]).sign(key, hashes.SHA256())
        else:
            made = made.responder_id(ocsp.OCSPResponderEncoding.HASH, self.certificate)
            signed = made.sign(self.key, hashes.SHA256())
        return signed.public_bytes(serialization.Encoding.DER)

    def list(self) -> bytes:
        key: Key = rsa_key("stranger") if self.mode == "stranger" else self.key
        made = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(self.certificate.subject)
            .last_update(self.now - timedelta(hours=1))
            .next_update(self.now + timedelta(days=1))
        )
        for serial, at in self.revoked.items():
            made = made.add_revoked_certificate(
                x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(at).build()
            )
        return made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


@contextmanager
def online(authority: Authority) -> Iterator[Authority]:
    """The authority answers over loopback; certificates issued meanwhile name its address."""

    class Door(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None: ...

        def do_POST(self) -> None:
            authority.asked.append("ocsp")
            question = self.rfile.read(int(self.headers["Content-Length"]))
            self._say(authority.answer(question))

        def do_GET(self) -> None:
            authority.asked.append("crl")
            self._say(authority.list())

        def _say(self, body: bytes) -> None:
            if authority.mode == "down":
                self.send_error(503)
                return
            if authority.mode == "garbage":
                body = b"<html>Dang nhap wifi</html>"
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    authority.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield authority
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class Token:
    """A SoftHSM2 token of its own in a folder. Pulling it out takes its files away."""

    def __init__(self, folder: Path, library: str, environment: pytest.MonkeyPatch) -> None:
        self.library = library
        self._folder = folder
        self._tokens = folder / "tokens"
        self._away = folder / "away"
        self._tokens.mkdir(parents=True)
        configuration = folder / "softhsm2.conf"
        configuration.write_text(
            f"directories.tokendir = {self._tokens}\nobjectstore.backend = file\n"
            "log.level = ERROR\nslots.removable = true\n",
            encoding="utf-8",
        )
        self._environment = {**os.environ, "SOFTHSM2_CONF": str(configuration)}
        environment.setenv("SOFTHSM2_CONF", str(configuration))
        self._run("softhsm2-util", "--init-token", "--free", "--label", "mau")

    def put(self, key: Key, certificate: x509.Certificate, number: str = "01") -> None:
        pem = self._folder / "key.pem"
        pem.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        named = ("--label", "khoa", "--id", number, "--token", "mau")
        self._run("softhsm2-util", "--import", str(pem), *named)
        self.put_certificate(certificate, number)
        pem.unlink()

    def put_certificate(self, certificate: x509.Certificate, number: str) -> None:
        loaded = pkcs11.lib(self.library)
        loaded.reinitialize()
        with loaded.get_token(token_label="mau").open(rw=True, user_pin=PIN) as session:
            session.create_object(
                {
                    Attribute.CLASS: ObjectClass.CERTIFICATE,
                    Attribute.CERTIFICATE_TYPE: CertificateType.X_509,
                    Attribute.TOKEN: True,
                    Attribute.LABEL: "chung thu",
                    Attribute.ID: bytes.fromhex(number),
                    Attribute.SUBJECT: certificate.subject.public_bytes(),
                    Attribute.VALUE: certificate.public_bytes(serialization.Encoding.DER),
                }
            )

    def _run(self, program: str, *arguments: str) -> None:
        pins = ("--pin", PIN) + (("--so-pin", "87654321") if "--init-token" in arguments else ())
        subprocess.run(
            [program, *arguments, *pins], env=self._environment, check=True, capture_output=True
        )

    def plug_in(self) -> None:
        """As at the start of the program: the library looks at what is there."""
        if self._away.exists():
            shutil.copytree(self._away, self._tokens, dirs_exist_ok=True)
            shutil.rmtree(self._away)
        pkcs11.lib(self.library).reinitialize()

    def come_back(self) -> None:
        """Plugged in again, and nobody tells the library."""
        shutil.copytree(self._away, self._tokens, dirs_exist_ok=True)
        shutil.rmtree(self._away)

    def pull_out(self) -> None:
        shutil.copytree(self._tokens, self._away)
        for one in self._tokens.iterdir():
            shutil.rmtree(one)
