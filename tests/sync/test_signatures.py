"""A signature made on one PC is read, and judged from its own bytes, on another and at the province."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import requests

from station_emr.domain.permissions import Role
from station_emr.domain.record import RecordKind, RecordStatus
from station_emr.domain.signature import (
    DocumentSignature,
    KeySource,
    KeySourceKind,
    SignatureState,
    SignMethod,
    statement,
)
from station_emr.domain.user import Actor
from station_emr.security.signing.tools import LocalSigningTools
from station_emr.services.signatures import Signatures
from tests.interop import fhir_records as sample
from tests.signing_authority import PASSWORD, Authority, rsa_key
from tests.sync.conftest import Server
from tests.sync.exchange_machines import Machine, new_machine, second_device

LETTER = sample.REFERRAL
Make = Callable[..., Machine]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    made: list[Machine] = []

    def machine(to: Any) -> Machine:
        made.append(new_machine(tmp_path, to, f"station{len(made)}"))
        return made[-1]

    yield machine
    for one in made:
        one.store.close()


def signed(machine: Machine, folder: Path, **changes: Any) -> DocumentSignature:
    """The letter's newest version, signed by a key in a file."""
    tools, now = LocalSigningTools(), machine.clock.now()
    authority = Authority(now)
    certificate = authority.issue(rsa_key("doctor"), online=False)
    path = authority.file(folder / "khoa.p12", rsa_key("doctor"), certificate)
    with machine.store.read() as work:
        version = work.referrals.get(LETTER.id).version
        content = work.signatures.content_sha256(RecordKind.REFERRAL, LETTER.id, version) or ""
    with tools.open(KeySource(kind=KeySourceKind.FILE, path=str(path)), PASSWORD) as key:
        made = DocumentSignature(
            id=machine.clock.new_id(),
            patient_id=LETTER.patient_id,
            target_kind=RecordKind.REFERRAL,
            target_id=LETTER.id,
            target_version=version,
            content_sha256=content,
            method=SignMethod.DIGITAL_CERT,
            signed_at=now,
            signer_id=sample.DOCTOR.user_id,
            signer_name=sample.DOCTOR.full_name,
            certificate=base64.b64encode(key.facts.der).decode(),
            certificate_subject=key.facts.subject,
            algorithm=key.algorithm,
        )
        made = replace(made, seal=base64.b64encode(tools.seal(key, statement(made))).decode())
    made = replace(made, **changes)
    with machine.store.write() as work:
        work.signatures.add_version(
            made, RecordStatus.SIGNED, author=sample.DOCTOR, at=now, expected_version=0
        )
    return made


def states(machine: Machine) -> list[SignatureState]:
    doctor = Actor(user=replace(sample.USER, role=Role.DOCTOR), device="Máy 2")
    judge = Signatures(machine.store, machine.clock, LocalSigningTools())
    return [view.state for view in judge.of(doctor, RecordKind.REFERRAL, LETTER.id).signatures]


def test_a_signature_reaches_the_other_pc_and_the_province(
    make: Make, running: Server, tmp_path: Path
) -> None:
    one = make(running)
    one.work_a_day()
    made = signed(one, tmp_path)
    assert one.sync().verified

    held = requests.get(
        f"{running.url}/Provenance/{made.id}",
        headers={"Authorization": f"Bearer {running.token}"},
        timeout=60,
    )
    assert held.status_code == 200
    assert held.json()["signature"][0]["data"] == made.seal
    assert held.json()["target"] == [{"reference": f"ServiceRequest/{LETTER.id}"}]

    other = make(second_device(running))
    assert other.sync().verified
    with other.store.read() as work:
        (arrived,) = work.signatures.of(RecordKind.REFERRAL, LETTER.id)
    assert arrived == made
    assert states(other) == [SignatureState.UNCHECKED]  # nobody asked its issuer

    other.amend(LETTER, plan="Theo dõi sát")
    assert states(other) == [SignatureState.OLDER]
    assert other.sync().verified
    assert one.sync().verified
    assert states(one) == [SignatureState.OLDER]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"signer_name": "BS. Khác"}, SignatureState.INVALID),
        ({"seal": ""}, SignatureState.INVALID),
        ({"certificate": "khong phai"}, SignatureState.INVALID),
        ({"method": SignMethod.PAPER, "content_sha256": "0" * 64}, SignatureState.FOREIGN),
    ],
)
def test_what_another_machine_made_up_is_found_out(
    make: Make, running: Server, tmp_path: Path, changes: dict[str, Any], expected: SignatureState
) -> None:
    one = make(running)
    one.work_a_day()
    signed(one, tmp_path, **changes)
    assert one.sync().verified
    other = make(second_device(running))
    assert other.sync().verified
    assert states(other) == [expected]


def test_a_second_line_under_a_signature_changes_nothing(
    make: Make, running: Server, tmp_path: Path
) -> None:
    """A machine with the triggers taken away writes over its own signature and sends that too."""
    one = make(running)
    one.work_a_day()
    made = signed(one, tmp_path)
    assert one.sync().verified
    other = make(second_device(running))
    assert other.sync().verified

    with one.store.write() as work:
        work.signatures._connection.exec_driver_sql("DROP TRIGGER signature_kept")
        work.signatures.add_version(
            replace(made, signer_name="BS. Khác"),
            RecordStatus.AMENDED,
            author=sample.DOCTOR,
            at=one.clock.now(),
            reason="sửa trộm",
            expected_version=1,
        )
    assert one.sync().verified
    assert other.sync().verified
    with other.store.read() as work:
        assert work.signatures.of(RecordKind.REFERRAL, LETTER.id) == (made,)
    assert states(other) == [SignatureState.UNCHECKED]
