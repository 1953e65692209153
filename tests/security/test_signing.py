"""PDF and XML signed with a key in a file; what is signed is judged by other programs as well."""

from __future__ import annotations

import pytest

from station_emr.domain.sign_fault import SignFault, SigningFailure
from station_emr.domain.signature import KeySource, SignatureState
from tests.security.signing_means import (
    PAGE,
    XML,
    authority,
    fault_of,
    file,
    now,
    pdfsig,
    signed_pdf,
    tools,
    xmlsec,
)
from tests.signing_authority import PASSWORD, SIGNER, rsa_key

__all__ = ["authority", "file", "now", "tools"]

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
