"""Keys in files and on a token, a paper and an XML to sign, and other programs that judge the result."""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from station_emr.domain.sign_fault import SignFault, SigningFailure
from station_emr.domain.signature import KeySource, KeySourceKind
from station_emr.printing.signature_stamp import draw
from station_emr.security.signing.tools import LocalSigningTools
from station_emr.services.signing_ports import Stamp
from tests.signing_authority import (
    PASSWORD,
    PIN,
    SIGNER,
    Authority,
    Token,
    need,
    need_token_library,
    rsa_key,
)

XML = (
    '<?xml version="1.0" encoding="UTF-8"?><GIAMDINHHS><HOTEN>Người bệnh Mẫu</HOTEN>'
    "<CHUKYDONVI/></GIAMDINHHS>"
)
PAGE = draw("Phiếu mẫu", ("Người bệnh Mẫu", "Dị ứng: không"), 420, 300)


@pytest.fixture
def now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)  # pdfsig asks the machine's own clock


@pytest.fixture
def authority(now: datetime) -> Authority:
    return Authority(now)


@pytest.fixture
def tools() -> LocalSigningTools:
    return LocalSigningTools()


@pytest.fixture(params=["rsa", "ec"])
def file(request, authority: Authority, tmp_path: Path) -> KeySource:
    key = rsa_key("doctor") if request.param == "rsa" else ec.generate_private_key(ec.SECP256R1())
    path = authority.file(tmp_path / "khoa.p12", key, authority.issue(key, online=False))
    return KeySource(kind=KeySourceKind.FILE, path=str(path))


@pytest.fixture
def token(authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Token:
    made = Token(tmp_path / "hsm", need_token_library(), monkeypatch)
    made.put(rsa_key("doctor"), authority.issue(rsa_key("doctor"), online=False))
    made.put_certificate(authority.certificate, "0a")
    made.plug_in()
    return made


def of(token: Token, certificate: str = "") -> KeySource:
    return KeySource(kind=KeySourceKind.TOKEN, path=token.library, certificate=certificate)


def signed_pdf(tools, key, now, *, report=None, stamp=True) -> bytes:
    mark = Stamp(page=0, box=(20, 20, 216, 64), drawing=draw("ĐÃ KÝ SỐ", (SIGNER,), 196, 44))
    return tools.sign_pdf(
        key,
        PAGE,
        reason="Ký phiếu mẫu",
        location="Trạm Y tế Mẫu",
        at=now,
        stamp=mark if stamp else None,
        report=report,
    )


def pdfsig(tmp_path: Path, data: bytes) -> str:
    program = need("pdfsig")
    (tmp_path / "signed.pdf").write_bytes(data)
    done = subprocess.run(
        [program, "-nocert", str(tmp_path / "signed.pdf")],
        capture_output=True,
        text=True,
        env={"LC_ALL": "C.UTF-8", "HOME": str(tmp_path), "PATH": "/usr/bin:/bin"},
        check=False,
    )
    return done.stdout


def xmlsec(tmp_path: Path, data: bytes, authority: Authority) -> bool:
    program = need("xmlsec1")
    (tmp_path / "signed.xml").write_bytes(data)
    (tmp_path / "root.pem").write_bytes(authority.pem)
    trusted = ("--trusted-pem", str(tmp_path / "root.pem"))
    names = ("--id-attr:Id", "SignedProperties", "--id-attr:Id", "KeyInfo")
    done = subprocess.run(
        [program, "--verify", *trusted, *names, str(tmp_path / "signed.xml")],
        capture_output=True,
        check=False,
    )
    return done.returncode == 0


def fault_of(caught: pytest.ExceptionInfo[SigningFailure]) -> SignFault:
    sentence = str(caught.value)
    assert sentence.endswith(".")
    assert PIN not in sentence
    assert PASSWORD not in sentence
    return caught.value.fault
