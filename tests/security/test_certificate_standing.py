"""What a certificate allows, and the issuer's word on it: asked, believed, kept in the file."""

from __future__ import annotations

from datetime import timedelta

import pytest
from cryptography.hazmat.primitives import serialization

from station_emr.domain.sign_fault import SignFault
from station_emr.domain.signature import (
    CertificateStanding,
    KeySource,
    KeySourceKind,
    SignatureState,
)
from station_emr.security.signing import fetching
from tests.security.signing_means import authority, now, pdfsig, signed_pdf, tools
from tests.signing_authority import PASSWORD, online, rsa_key

__all__ = ["authority", "now", "tools"]


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
