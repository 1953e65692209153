"""Keys in files and on a token, PDF and XML, the issuer's word; judged by other programs as well."""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from station_emr.domain.sign_fault import SignFault, SigningFailure
from station_emr.domain.signature import (
    CertificateStanding,
    KeySource,
    KeySourceKind,
    SignatureState,
)
from station_emr.printing.signature_stamp import draw
from station_emr.security.signing import fetching
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
    online,
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
def token(authority: Authority, tmp_path: Path) -> Token:
    made = Token(tmp_path / "hsm", need_token_library())
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


# PDF ----------------------------------------------------------------------------------------


def test_a_pdf_signed_with_a_file_is_valid_to_poppler_and_to_us(
    file, tools, authority, now, tmp_path
) -> None:
    with tools.open(file, PASSWORD) as key:
        data = signed_pdf(tools, key, now)

    said = pdfsig(tmp_path, data)
    assert "Signature is Valid" in said
    assert "Total document signed" in said
    assert "ETSI.CAdES.detached" in said
    assert SIGNER in said
    verdict = tools.check_file(data, authority.pem.decode())
    assert (verdict.state, verdict.signer) == (SignatureState.VALID, SIGNER)
    assert tools.check_file(data, "").state is SignatureState.UNCHECKED  # nobody is trusted
    assert data.startswith(PAGE)  # an increment: what was shown stays as it was


def test_one_changed_byte_makes_a_signed_pdf_invalid(file, tools, authority, now, tmp_path) -> None:
    with tools.open(file, PASSWORD) as key:
        data = signed_pdf(tools, key, now)
    spoiled = bytearray(data)
    spoiled[data.index(b"/MediaBox") + 14] ^= 1

    assert "Signature is Valid" not in pdfsig(tmp_path, bytes(spoiled))
    verdict = tools.check_file(bytes(spoiled), authority.pem.decode())
    assert verdict.state is SignatureState.INVALID
    assert "thay đổi" in verdict.reason


def test_a_page_put_over_a_signed_pdf_is_noticed(file, tools, authority, now) -> None:
    """An increment behind the signature keeps every signed byte and still changes what is shown."""
    import io

    from pyhanko.pdf_utils.content import RawContent
    from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
    from pyhanko.pdf_utils.layout import BoxConstraints

    with tools.open(file, PASSWORD) as key:
        data = signed_pdf(tools, key, now)
    writer = IncrementalPdfFileWriter(io.BytesIO(data))
    stamp = RawContent(b"0 0 200 200 re f", box=BoxConstraints(200, 200))
    page = writer.root["/Pages"]["/Kids"][0]
    writer.add_stream_to_page(0, writer.add_object(_stream(stamp.render())))
    del page
    over = io.BytesIO()
    writer.write(over)

    assert over.getvalue().startswith(data)
    assert tools.check_file(over.getvalue(), authority.pem.decode()).state is SignatureState.INVALID


def _stream(data: bytes):
    from pyhanko.pdf_utils.generic import StreamObject

    return StreamObject(stream_data=data)


@pytest.mark.parametrize("data", [b"%PDF-1.4 broken", b"", b"hello", PAGE, b"<a>", b"<a/>"])
def test_a_file_without_a_good_signature_gets_a_sentence(data, tools) -> None:
    verdict = tools.check_file(data, "")
    assert verdict.state is SignatureState.INVALID
    assert verdict.reason.endswith(".")


def test_what_is_no_pdf_is_refused_and_said(file, tools, now) -> None:
    with tools.open(file, PASSWORD) as key, pytest.raises(SigningFailure) as caught:
        tools.sign_pdf(key, b"no pdf", reason="", location="", at=now, stamp=None, report=None)
    assert fault_of(caught) is SignFault.DOCUMENT
    assert not fault_of(caught).stops


# XML ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("xades", [True, False])
def test_xml_is_signed_inside_its_element_and_valid_to_xmlsec(
    file, tools, authority, tmp_path, xades
) -> None:
    with tools.open(file, PASSWORD) as key:
        data = tools.sign_xml(key, XML.encode(), into="CHUKYDONVI", xades=xades)

    assert (
        data.index(b"<CHUKYDONVI>") < data.index(b"SignatureValue") < data.index(b"</CHUKYDONVI>")
    )
    assert xmlsec(tmp_path, data, authority)
    assert tools.check_file(data, authority.pem.decode()).state is SignatureState.VALID
    assert tools.check_file(data, "").state is SignatureState.UNCHECKED
    spoiled = data.replace("Người bệnh Mẫu".encode(), "Người bệnh Mẩu".encode())
    assert spoiled != data
    assert not xmlsec(tmp_path, spoiled, authority)
    assert tools.check_file(spoiled, authority.pem.decode()).state is SignatureState.INVALID


def test_a_signature_moved_over_other_content_does_not_count(file, tools, authority) -> None:
    """The signed part is still there, word for word; what a reader takes is another one."""
    with tools.open(file, PASSWORD) as key:
        data = tools.sign_xml(key, XML.encode(), into="CHUKYDONVI", xades=False)
    inner = data[data.index(b"<GIAMDINHHS>") :]
    wrapped = b"<GIAMDINHHS><HOTEN>Ai do</HOTEN>" + inner + b"</GIAMDINHHS>"

    assert tools.check_file(wrapped, authority.pem.decode()).state is SignatureState.INVALID


def test_a_signature_over_a_part_does_not_count_for_the_whole(tools, authority) -> None:
    from lxml import etree
    from signxml.algorithms import SignatureConstructionMethod
    from signxml.signer import XMLSigner

    root = etree.fromstring(b'<HS><PHAN Id="mot">da ky</PHAN><PHAN>chua ky</PHAN></HS>')
    signer = XMLSigner(method=SignatureConstructionMethod.enveloped)
    certificate = authority.issue(rsa_key("doctor"), online=False)
    signed = signer.sign(
        root,
        key=rsa_key("doctor"),
        cert=[certificate],
        reference_uri="#mot",
        id_attribute="Id",
    )
    data = etree.tostring(signed)
    assert b'URI="#mot"' in data
    assert tools.check_file(data, authority.pem.decode()).state is SignatureState.INVALID


@pytest.mark.parametrize(
    "document",
    [
        b"<!DOCTYPE a [<!ENTITY x 'y'>]><a>&x;<CHUKYDONVI/></a>",
        b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/hostname">]><a>&x;<CHUKYDONVI/></a>',
        b"<!DOCTYPE a [<!ENTITY x 'y'>]><a><CHUKYDONVI/></a>",
        b"<a><CHUKYDONVI/><CHUKYDONVI/></a>",
        b"<a><CHUKYDONVI>da co</CHUKYDONVI></a>",
        b"<a/>",
        b"khong phai xml",
    ],
)
def test_xml_with_entities_or_without_room_for_the_signature_is_refused(
    document, file, tools
) -> None:
    with tools.open(file, PASSWORD) as key, pytest.raises(SigningFailure) as caught:
        tools.sign_xml(key, document, into="CHUKYDONVI", xades=True)
    assert fault_of(caught) is SignFault.DOCUMENT


# Keys ---------------------------------------------------------------------------------------


def test_a_wrong_password_or_another_certificate_opens_no_file(file, tools, tmp_path) -> None:
    for source, password, fault in (
        (file, "sai", SignFault.FILE),
        (KeySource(kind=file.kind, path=str(tmp_path / "khong-co.p12")), PASSWORD, SignFault.FILE),
        (
            KeySource(kind=file.kind, path=file.path, certificate="0" * 64),
            PASSWORD,
            SignFault.NO_CERTIFICATE,
        ),
    ):
        with pytest.raises(SigningFailure) as caught, tools.open(source, password):
            pass
        assert fault_of(caught) is fault


def test_a_token_shows_its_certificate_without_a_pin_and_signs_with_it(
    token, tools, authority, now, tmp_path
) -> None:
    (facts,) = tools.certificates(of(token), "")
    assert (facts.subject, facts.issuer) == (SIGNER, "CA Mẫu Thử Nghiệm")

    with tools.open(of(token, facts.fingerprint), PIN) as key:
        data = signed_pdf(tools, key, now)
        xml = tools.sign_xml(key, XML.encode(), into="CHUKYDONVI", xades=True)
        assert len(key.chain) == 1  # the issuer lies on the token too

    assert "Signature is Valid" in pdfsig(tmp_path, data)
    assert xmlsec(tmp_path, xml, authority)
    assert tools.check_file(data, authority.pem.decode()).state is SignatureState.VALID


def test_an_elliptic_key_on_a_token_signs_too(authority, tools, now, tmp_path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    made = Token(tmp_path / "hsm", need_token_library())
    made.put(key, authority.issue(key, online=False))
    made.plug_in()

    with tools.open(of(made), PIN) as opened:
        data = signed_pdf(tools, opened, now)
        xml = tools.sign_xml(opened, XML.encode(), into="", xades=True)

    assert "Signature is Valid" in pdfsig(tmp_path, data)
    assert xmlsec(tmp_path, xml, authority)


def test_three_wrong_pins_are_three_sentences_and_the_right_one_still_works(token, tools) -> None:
    for _ in range(3):
        with pytest.raises(SigningFailure) as caught, tools.open(of(token), "000000"):
            pass
        assert fault_of(caught) is SignFault.WRONG_PIN
        assert "Mã PIN không đúng" in str(caught.value)
    with tools.open(of(token), PIN) as key:
        assert key.facts.subject == SIGNER


def test_a_locked_pin_and_few_tries_left_are_told(token, tools, monkeypatch) -> None:
    """SoftHSM never locks; its answer is put in its place."""
    from pkcs11 import TokenFlag
    from pkcs11 import exceptions as faults

    from station_emr.security.signing import token as tokens

    class Locked:
        def open(self, **_):
            raise faults.PinLocked

    class Low(Locked):
        def __init__(self, *flags):
            self.flags = flags
            self.slot = self

        def get_token(self):
            return self

        def open(self, **_):
            raise faults.PinIncorrect

    _, facts = tokens._find(token.library, "")
    for double, fault, words in (
        (Locked(), SignFault.PIN_LOCKED, "đã tự khóa"),
        (Low(TokenFlag.USER_PIN_LOCKED), SignFault.PIN_LOCKED, "đã tự khóa"),
        (Low(TokenFlag.USER_PIN_FINAL_TRY), SignFault.WRONG_PIN, "chỉ còn một lần"),
        (Low(TokenFlag.USER_PIN_COUNT_LOW), SignFault.WRONG_PIN, "không nhiều"),
    ):
        monkeypatch.setattr(tokens, "_find", lambda *_, double=double: (double, facts))
        with pytest.raises(SigningFailure) as caught, tools.open(of(token), "1"):
            pass
        assert fault_of(caught) is fault
        assert words in str(caught.value)


def test_a_token_that_is_not_there_or_was_pulled_out_is_told(token, tools) -> None:
    with tools.open(of(token), PIN) as key:
        assert tools.seal(key, b"truoc")
        token.pull_out()
        with pytest.raises(SigningFailure) as caught:
            tools.seal(key, b"sau")
        assert fault_of(caught) in {SignFault.TOKEN_REMOVED, SignFault.DEVICE}
        assert fault_of(caught).stops
    with pytest.raises(SigningFailure) as caught, tools.open(of(token), PIN):
        pass
    assert fault_of(caught) is SignFault.TOKEN_ABSENT

    token.come_back()
    with tools.open(of(token), PIN) as key:
        assert tools.seal(key, b"lai")


def test_a_library_that_is_none_is_told(tools, tmp_path) -> None:
    for path in (tmp_path / "khong-co.dll", Path(__file__)):
        source = KeySource(kind=KeySourceKind.TOKEN, path=str(path))
        with pytest.raises(SigningFailure) as caught:
            tools.certificates(source, "")
        assert fault_of(caught) is SignFault.LIBRARY


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"days": (-400, -1)}, SignFault.EXPIRED),
        ({"days": (1, 300)}, SignFault.NOT_YET_VALID),
        ({"signs": False}, SignFault.KEY_USAGE),
        ({"responder": True}, SignFault.KEY_USAGE),
        ({}, None),
    ],
)
def test_what_a_certificate_itself_forbids(changes, fault, authority, tools, now) -> None:
    made = authority.issue(rsa_key("doctor"), online=False, **changes)
    facts = tools.facts(made.public_bytes(serialization.Encoding.DER))
    assert facts.fault_at(now) is fault


# The issuer's word --------------------------------------------------------------------------


def standing(tools, authority, certificate, now):
    return tools.standing(
        certificate.public_bytes(serialization.Encoding.DER),
        [authority.certificate.public_bytes(serialization.Encoding.DER)],
        now,
    )


@pytest.mark.parametrize(
    ("mode", "only_list", "expected", "source"),
    [
        ("good", False, CertificateStanding.GOOD, "ocsp"),
        ("appointed", False, CertificateStanding.GOOD, "ocsp"),
        ("good", True, CertificateStanding.GOOD, "crl"),
        ("stale", False, CertificateStanding.GOOD, "crl"),  # the list is younger than the answer
        ("stranger", False, CertificateStanding.UNKNOWN, ""),
        ("stranger", True, CertificateStanding.UNKNOWN, ""),
        ("garbage", False, CertificateStanding.UNKNOWN, ""),
        ("down", False, CertificateStanding.UNKNOWN, ""),
    ],
)
def test_only_the_issuer_itself_is_believed(
    mode, only_list, expected, source, authority, tools, now
) -> None:
    with online(authority):
        certificate = authority.issue(rsa_key("doctor"), only_list=only_list)
        authority.mode = mode
        report = standing(tools, authority, certificate, now)
    assert (report.standing, report.source) == (expected, source)
    assert bool(report.evidence) == bool(source)


@pytest.mark.parametrize("only_list", [False, True])
def test_a_revoked_certificate_is_told_with_its_moment(only_list, authority, tools, now) -> None:
    with online(authority):
        certificate = authority.issue(rsa_key("doctor"), only_list=only_list)
        authority.revoke(certificate, now - timedelta(days=2))
        report = standing(tools, authority, certificate, now)
    assert report.standing is CertificateStanding.REVOKED
    assert report.revoked_at == now - timedelta(days=2)


def test_without_a_line_the_standing_is_unknown(authority, tools, now) -> None:
    certificate = authority.issue(rsa_key("doctor"))  # names an address where nobody listens
    assert standing(tools, authority, certificate, now).standing is CertificateStanding.UNKNOWN
    alone = tools.standing(certificate.public_bytes(serialization.Encoding.DER), [], now)
    assert (
        alone.standing is CertificateStanding.UNKNOWN
    )  # without the issuer nobody can be believed


def test_an_answer_goes_into_the_file(authority, tools, now, tmp_path) -> None:
    with online(authority):
        certificate = authority.issue(rsa_key("doctor"))
        path = authority.file(tmp_path / "khoa.p12", rsa_key("doctor"), certificate)
        with tools.open(KeySource(kind=KeySourceKind.FILE, path=str(path)), PASSWORD) as key:
            report = tools.standing(key.facts.der, key.chain_ders, now)
            data = signed_pdf(tools, key, now, report=report)
    assert report.standing is CertificateStanding.GOOD
    assert b"/DSS" in data
    assert "Signature is Valid" in pdfsig(tmp_path, data)
    assert tools.check_file(data, authority.pem.decode()).state is SignatureState.VALID


def test_the_fetcher_follows_nobody_and_reads_no_flood(authority, monkeypatch) -> None:
    from station_emr.domain.errors import NetworkFailure

    with online(authority):
        monkeypatch.setattr(fetching, "_LARGEST", 100)
        with pytest.raises(NetworkFailure):
            fetching.fetch(f"{authority.url}/list.crl")
    for url in ("file:///etc/hostname", "ldap://127.0.0.1/cn=list", f"{authority.url}/list.crl"):
        with pytest.raises(NetworkFailure):
            fetching.fetch(url)
