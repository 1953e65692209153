"""Keys on a token: its PIN, pulling it out, libraries that are none."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from station_emr.domain.sign_fault import SignFault, SigningFailure
from station_emr.domain.signature import KeySource, KeySourceKind, SignatureState
from tests.security.signing_means import (
    XML,
    authority,
    fault_of,
    now,
    of,
    pdfsig,
    signed_pdf,
    token,
    tools,
    xmlsec,
)
from tests.signing_authority import PIN, SIGNER, Token, need_token_library

__all__ = ["authority", "now", "token", "tools"]


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


def test_an_elliptic_key_on_a_token_signs_too(authority, tools, now, tmp_path, monkeypatch) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    made = Token(tmp_path / "hsm", need_token_library(), monkeypatch)
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
