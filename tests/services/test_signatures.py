"""What is said of stored signatures, whatever was done to them; hands and fingers; power and disk."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import sqlcipher3.dbapi2 as sqlcipher

from station_emr.db import connection as connections
from station_emr.domain.errors import (
    DiskFull,
    InvalidRecord,
    NotFound,
    PermissionDenied,
)
from station_emr.domain.signature import (
    SignatureState,
    SignerKind,
    SignMethod,
    statement,
)
from station_emr.services.signatures import HandSignature
from tests.children.child import Nursery
from tests.signing_authority import (
    PASSWORD,
    online,
)

from .conftest import KEY
from .signing_desk import LETTER, Desk


@pytest.fixture
def desk(station, tmp_path: Path) -> Desk:
    return Desk(station, tmp_path)


@pytest.fixture
def with_file(desk: Desk) -> Desk:
    desk.use_file(online=False)
    return desk


# What is said afterwards --------------------------------------------------------------------


def test_an_offline_signature_is_asked_about_later(desk: Desk) -> None:
    with online(desk.authority):
        desk.use_file()
        desk.authority.mode = "down"
        letter = desk.letter()
        desk.batch()
        assert desk.state(letter) is SignatureState.UNCHECKED
        assert desk.signatures.recheck() == 0  # asked a moment ago
        desk.station.clock.forward(hours=2)
        desk.authority.mode, desk.authority.now = "good", desk.station.clock.now()
        assert desk.signatures.recheck() == 1
    assert desk.state(letter) is SignatureState.VALID
    (view,) = desk.of(letter).signatures
    assert (view.report.source, bool(view.report.evidence)) == ("ocsp", True)


@pytest.mark.parametrize(
    ("before", "expected"), [(True, SignatureState.REVOKED), (False, SignatureState.VALID)]
)
def test_a_revocation_counts_from_its_moment(desk: Desk, before, expected) -> None:
    with online(desk.authority):
        desk.use_file()
        desk.authority.mode = "down"
        letter = desk.letter()
        desk.batch()
        moment = timedelta(days=-1) if before else timedelta(hours=1)
        desk.authority.revoke(desk.certificate, desk.station.clock.now() + moment)
        desk.station.clock.forward(hours=2)
        desk.authority.mode, desk.authority.now = "good", desk.station.clock.now()
        assert desk.signatures.worthless(desk.station.doctor) == 0
        assert desk.signatures.recheck() == 1
    assert desk.state(letter) is expected
    assert desk.signatures.worthless(desk.station.doctor) == int(before)


def raw(desk: Desk):
    """The file as an attacker with the key has it: without the program, triggers taken away."""
    connection = connections.connect(desk.station.path, KEY)
    for (name,) in connection.execute(
        "SELECT name FROM sqlite_master WHERE type = 'trigger'"
    ).fetchall():
        connection.execute(f"DROP TRIGGER {name}")
    return connection


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        (
            (
                "UPDATE record_version SET content = replace(content, 'Theo dõi', 'Theo đõi') "
                "WHERE kind = 'referral'"
            ),
            SignatureState.INVALID,
        ),
        (
            "UPDATE signed_document SET content = CAST(content || 'x' AS BLOB)",
            SignatureState.INVALID,
        ),
        (
            (
                "UPDATE record_version SET content = json_set(content, '$.signed_at', "
                "'2026-01-01T08:00:00+07:00') WHERE kind = 'signature'"
            ),
            SignatureState.INVALID,
        ),
        (
            (
                "UPDATE record_version SET content = json_set(content, '$.signer_name', "
                "'BS. Khác') WHERE kind = 'signature'"
            ),
            SignatureState.INVALID,
        ),
        ("SELECT 1", SignatureState.UNCHECKED),
    ],
    ids=["content", "file", "moment", "name", "nothing"],
)
def test_changed_bytes_are_noticed_even_without_the_triggers(
    with_file: Desk, sql: str, expected: SignatureState
) -> None:
    letter = with_file.letter()
    with_file.batch()
    connection = raw(with_file)
    connection.execute(sql)
    connection.commit()
    connection.close()
    assert with_file.state(letter) is expected


def test_what_was_altered_while_it_waited_is_not_signed(with_file: Desk) -> None:
    letter = with_file.letter()
    connection = raw(with_file)
    connection.execute(
        "UPDATE record_version SET content = replace(content, 'Theo dõi', 'Theo đõi') "
        "WHERE kind = 'referral'"
    )
    connection.commit()
    connection.close()
    report = with_file.batch()
    assert report.signed == []
    assert len(report.failed) == 1
    assert with_file.of(letter).signatures == ()


def test_many_without_an_answer_do_not_keep_others_from_being_asked(desk: Desk) -> None:
    """Some issuers name no address at all: they are passed over, and two are enough to see that
    nobody answers today.
    """
    with online(desk.authority):
        desk.use_file(online=False)
        for _ in range(2):
            desk.letter()
        desk.batch()
        desk.use_file()
        desk.authority.mode = "down"
        letter = desk.letter()
        desk.batch()
        desk.station.clock.forward(hours=2)
        desk.authority.mode, desk.authority.now = "good", desk.station.clock.now()
        assert desk.signatures.recheck() == 0
        assert desk.signatures.recheck() == 0  # a pause
        desk.station.clock.forward(minutes=20)
        assert desk.signatures.recheck() == 1
    assert desk.state(letter) is SignatureState.VALID


ONCE = (
    "UPDATE signature SET content_sha256 = '{zeros}'",
    "UPDATE signature SET method = 'paper'",
    "DELETE FROM signature",
    "UPDATE signed_document SET content = x'00'",
    "DELETE FROM signed_document",
    "INSERT OR REPLACE INTO signed_document SELECT * FROM signed_document",
    "UPDATE signature_finding SET standing = 'good'",
    "DELETE FROM signature_finding",
    "UPDATE signing_evidence SET user_name = 'Khác'",
    "DELETE FROM signing_evidence",
    "UPDATE sign_request SET user_id = 'khac'",
    "UPDATE sign_request SET state = 'waiting'",
    "DELETE FROM sign_request",
)


def test_the_rows_are_written_once(with_file: Desk) -> None:
    with_file.letter()
    with_file.batch()
    connection = connections.connect(with_file.station.path, KEY)
    for sql in ONCE:
        with pytest.raises(sqlcipher.IntegrityError, match=r"written once|never|waits"):
            connection.execute(sql.format(zeros="0" * 64))
    connection.close()


def test_a_signature_of_an_amended_letter_holds_for_what_it_signed(with_file: Desk) -> None:
    station, letter = with_file.station, with_file.letter()
    with_file.batch()
    with station.store.read() as work:
        stored = work.referrals.get(letter)
    changed = replace(stored.record, plan="Theo dõi thêm")
    station.services.referrals.amend(station.doctor, changed, 1, "Ghi thêm")
    assert with_file.state(letter) is SignatureState.OLDER
    with_file.batch()
    assert [view.state for view in with_file.of(letter).signatures] == [
        SignatureState.OLDER,
        SignatureState.UNCHECKED,
    ]


def test_the_seal_covers_who_what_and_when(with_file: Desk) -> None:
    letter = with_file.letter()
    with_file.batch()
    (view,) = with_file.of(letter).signatures
    one = view.signature
    tools = with_file.signing._tools
    der, seal = base64.b64decode(one.certificate), base64.b64decode(one.seal)
    assert tools.seal_holds(der, statement(one), seal)
    for changes in (
        {"target_id": "khac"},
        {"content_sha256": "0" * 64},
        {"signed_at": one.signed_at + timedelta(seconds=1)},
        {"signer_name": "Khác"},
        {"signer_kind": SignerKind.PATIENT},
        {"document_sha256": ""},
    ):
        assert not tools.seal_holds(der, statement(replace(one, **changes)), seal), changes


# By hand ------------------------------------------------------------------------------------

HAND = HandSignature(
    method=SignMethod.PAPER,
    signer_kind=SignerKind.REPRESENTATIVE,
    signer_name="Rơ Châm Mẫu",
    witness="ĐD. Mẫu",
    evidence_number="Tập 3, tờ 12",
    relation="Mẹ",
)


def test_a_hand_and_a_finger_are_recorded_as_evidence(desk: Desk) -> None:
    station, letter = desk.station, desk.letter()
    finger = replace(
        HAND, method=SignMethod.BIOMETRIC, signer_kind=SignerKind.PATIENT, evidence_number="Máy 7"
    )
    for hand in (HAND, finger):
        desk.signatures.record_hand(station.nurse, LETTER, letter, hand)
    views = desk.of(letter).signatures
    assert [view.state for view in views] == [SignatureState.RECORDED] * 2
    assert [view.signature.method for view in views] == [SignMethod.PAPER, SignMethod.BIOMETRIC]
    assert views[0].signature.recorded_by_id == station.nurse.user.id
    with pytest.raises(NotFound):
        desk.signatures.file(station.nurse, views[0].signature.id)


def test_evidence_of_a_hand_is_whole_or_refused(desk: Desk) -> None:
    station, letter = desk.station, desk.letter()
    for changes in (
        {"signer_name": " "},
        {"witness": ""},
        {"evidence_number": ""},
        {"relation": ""},
        {"method": SignMethod.E_CONFIRM},
    ):
        with pytest.raises(InvalidRecord):
            desk.signatures.record_hand(station.nurse, LETTER, letter, replace(HAND, **changes))
    admin = station.actor(type(station.doctor.role).ADMINISTRATOR)
    with pytest.raises(PermissionDenied):
        desk.signatures.record_hand(admin, LETTER, letter, HAND)


# Power and disk -----------------------------------------------------------------------------


def test_a_full_disk_stops_the_batch_and_nothing_is_half_signed(
    with_file: Desk, monkeypatch
) -> None:
    from station_emr.db.repositories.signatures import SignatureRepository

    letters = [with_file.letter() for _ in range(2)]

    def full(*_):
        raise DiskFull("Ổ đĩa đầy.")

    monkeypatch.setattr(SignatureRepository, "keep_document", full)
    report = with_file.batch()
    assert (report.signed, report.left) == ([], 1)
    assert report.stopped
    monkeypatch.undo()
    assert with_file.of(letters[0]).signatures == ()
    assert len(with_file.batch().signed) == 2


KILLED = """
import os, sys
from pathlib import Path
from station_emr.db.repositories import signatures
from station_emr.db.store import EncryptedStore
from station_emr.demo.clock import DemoClock
from station_emr.domain.permissions import Role
from station_emr.domain.user import Actor
from station_emr.services.secret import Secret
from station_emr.signing_desk import build_signing

path, moment, point = sys.argv[1:4]
store = EncryptedStore.open(Path(path), bytes.fromhex(sys.argv[4]))
from datetime import datetime
clock = DemoClock(datetime.fromisoformat(moment), seed=9)
with store.read() as work:
    doctor = next(user for user in work.users.all() if user.role is Role.DOCTOR)
signing = build_signing(store, clock, None).signing
def die(*_, **__):
    os.kill(os.getpid(), 9)
if point == "signed":
    signing._tools.seal_holds = die
else:
    setattr(signatures.SignatureRepository, point, die)
signing.batch(Actor(user=doctor, device="Máy 1"), Secret(sys.argv[5]))
"""


@pytest.fixture(scope="module")
def children() -> Iterator[Nursery]:
    """Processes that kill themselves."""
    made = Nursery("station_emr.signing_desk", "station_emr.security.signing.pdf")
    yield made
    made.close()


@pytest.mark.parametrize("point", ["signed", "close_request"])
def test_a_kill_between_signing_and_storing_leaves_nothing_half_signed(
    with_file: Desk, children: Nursery, tmp_path: Path, point: str
) -> None:
    station, letter = with_file.station, with_file.letter()
    station.store.close()
    moment = station.clock.now().isoformat()
    given = (str(station.path), moment, point, KEY.hex(), PASSWORD)
    with children.start(tmp_path, KILLED, *given) as child:
        assert child.wait() == -9, child.errors[-800:]
    station.reopen()
    desk = Desk(station, with_file.folder)
    assert desk.of(letter).signatures == ()
    assert desk.of(letter).waiting
    with station.store.read() as work:
        assert work.audit.verify() is None
    assert len(desk.batch().signed) == 1
    assert desk.state(letter) is SignatureState.UNCHECKED


def test_the_province_gets_the_signed_file_also_when_the_plain_one_has_gone(
    with_file: Desk,
) -> None:
    from station_emr.printing.documents import PdfDocuments
    from station_emr.services.attachments import FormMaker

    station, letter = with_file.station, with_file.letter()
    make = FormMaker(station.store, PdfDocuments())
    with station.store.write() as work:
        (form,) = work.attachments.due(5)
        work.attachments.done(form.id)
    plain = make(form)
    with_file.batch()
    with station.store.read() as work:
        assert [one.record_id for one in work.attachments.due(5)] == [letter]
    (view,) = with_file.of(letter).signatures
    assert make(form) == with_file.signatures.file(station.doctor, view.signature.id) != plain
