"""Rules, evidence, the list of what waits, batches with one PIN, and what is said of signatures."""

from __future__ import annotations

import base64
import os
import subprocess
import sys
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
    UserError,
    WrongPassword,
)
from station_emr.domain.record import RecordKind, RecordStatus
from station_emr.domain.signature import (
    DEFAULT_POLICY,
    CertificateStanding,
    ConfirmationNeeded,
    KeySource,
    KeySourceKind,
    Reentry,
    SignatureState,
    SignerKind,
    SignFault,
    SigningFailure,
    SignMethod,
    statement,
)
from station_emr.services.secret import Secret
from station_emr.services.signatures import HandSignature
from station_emr.services.visits import VisitPapers
from tests.signing_authority import (
    PASSWORD,
    PIN,
    SIGNER,
    Authority,
    Token,
    need_token_library,
    online,
    rsa_key,
)

from .conftest import KEY
from .visit_samples import appointment, prescription, referral, sign, visit

LETTER = RecordKind.REFERRAL


class Desk:
    """A station with a key in a file, and its authority."""

    def __init__(self, station, folder: Path) -> None:
        self.station = station
        self.folder = folder
        self.authority = Authority(station.clock.now())
        self.signing = station.services.signing
        self.signatures = station.services.signatures

    def use_file(self, **changes: object) -> None:
        certificate = self.authority.issue(rsa_key("doctor"), **changes)
        self.certificate = certificate
        path = self.authority.file(self.folder / "khoa.p12", rsa_key("doctor"), certificate)
        self.use(KeySource(kind=KeySourceKind.FILE, path=str(path)))

    def use(self, source: KeySource) -> None:
        self.signing.save_source(self.station.director, source)

    def letter(self) -> str:
        patient = self.station.register()
        encounter = visit(self.station, patient)
        sign(self.station, encounter, referral=referral(self.station, encounter))
        with self.station.store.read() as work:
            return work.referrals.of_encounter(encounter.id).record.id

    def batch(self, secret: str = PASSWORD, **options: object):
        return self.signing.batch(self.station.doctor, Secret(secret), **options)

    def of(self, letter: str):
        return self.signatures.of(self.station.doctor, LETTER, letter)

    def state(self, letter: str) -> SignatureState:
        (view,) = self.of(letter).signatures
        return view.state


@pytest.fixture
def desk(station, tmp_path: Path) -> Desk:
    return Desk(station, tmp_path)


@pytest.fixture
def with_file(desk: Desk) -> Desk:
    desk.use_file(online=False)
    return desk


def fault(caught: pytest.ExceptionInfo[SigningFailure]) -> SignFault:
    return caught.value.fault


# Rules and evidence -------------------------------------------------------------------------


def test_papers_that_leave_want_a_certificate_and_the_record_a_confirmation(station) -> None:
    policy = station.services.signing.policy()
    assert policy == DEFAULT_POLICY
    assert policy.method(RecordKind.ENCOUNTER) is SignMethod.E_CONFIRM
    for kind in (RecordKind.REFERRAL, RecordKind.PRESCRIPTION, RecordKind.APPOINTMENT):
        assert policy.method(kind) is SignMethod.DIGITAL_CERT


def test_the_rules_are_the_stations_own(station) -> None:
    signing = station.services.signing
    mine = replace(
        DEFAULT_POLICY,
        methods={**DEFAULT_POLICY.methods, RecordKind.APPOINTMENT: SignMethod.E_CONFIRM},
        reentry=Reentry.EACH_TIME,
    )
    with pytest.raises(PermissionDenied):
        signing.save_policy(station.doctor, mine)
    signing.save_policy(station.director, mine)
    assert signing.policy() == mine
    paper = replace(mine, methods={RecordKind.REFERRAL: SignMethod.PAPER})
    with pytest.raises(UserError):
        signing.save_policy(station.director, paper)
    with pytest.raises(PermissionDenied):
        station.services.accounts.save_setting(station.director, "signing.policy", "{}")


def test_every_confirmation_leaves_its_evidence(desk: Desk) -> None:
    letter = desk.letter()
    (kept,) = desk.of(letter).confirmed
    doctor = desk.station.doctor
    with desk.station.store.read() as work:
        shown = work.signatures.content_sha256(LETTER, letter, 1)
    assert kept.content_sha256 == shown
    assert (kept.user_id, kept.device, kept.role) == (doctor.user.id, "Máy 1", "doctor")
    assert (kept.proof, kept.proven_at, kept.version) == ("log_in", None, 1)
    assert not desk.of(letter).waiting  # no key on this machine: the paper is signed by hand
    desk.station.services.referrals.void(doctor, letter, "Người bệnh không đi nữa")
    assert [one.version for one in desk.of(letter).confirmed] == [1, 2]


@pytest.mark.parametrize("reentry", [Reentry.QUARTER_HOUR, Reentry.EACH_TIME])
def test_where_the_rules_want_the_password_again_nothing_is_signed_without(
    desk: Desk, reentry: Reentry
) -> None:
    station = desk.station
    desk.signing.save_policy(station.director, replace(DEFAULT_POLICY, reentry=reentry))
    doctor = replace(station.doctor, session="phien-1")
    encounter = visit(station, station.register())
    papers = VisitPapers(encounter=encounter, prescription=prescription(station, encounter))
    with pytest.raises(ConfirmationNeeded):
        station.services.visits.sign(doctor, papers)
    with station.store.read() as work:
        assert work.encounters.get(encounter.id).status is RecordStatus.DRAFT
        assert work.signatures.evidence_of(RecordKind.ENCOUNTER, encounter.id) == ()

    station.keys.password = "dung"
    with pytest.raises(WrongPassword):
        desk.signing.confirm(doctor, "sai")
    with pytest.raises(ConfirmationNeeded):
        station.services.visits.sign(doctor, papers)
    desk.signing.confirm(doctor, "dung")
    with pytest.raises(ConfirmationNeeded):  # another session of the same person
        station.services.visits.sign(replace(doctor, session="phien-2"), papers)
    station.services.visits.sign(doctor, papers)
    with station.store.read() as work:
        (kept,) = work.signatures.evidence_of(RecordKind.ENCOUNTER, encounter.id)
    assert (kept.proof, kept.session) == ("password", "phien-1")
    assert kept.proven_at is not None

    station.clock.forward(minutes=16)
    later = visit(station, station.register(national_id=""))
    with pytest.raises(ConfirmationNeeded):
        station.services.visits.sign(doctor, VisitPapers(encounter=later))


# The list and the batch ---------------------------------------------------------------------


def test_a_day_is_signed_with_one_pin(with_file: Desk) -> None:
    station = with_file.station
    encounter = visit(station, station.register())
    sign(
        station,
        encounter,
        referral=referral(station, encounter),
        prescription=prescription(station, encounter),
    )
    waiting = with_file.signing.waiting(station.doctor)
    assert {one.kind for one in waiting} == {LETTER, RecordKind.PRESCRIPTION}
    assert all(one.patient_name for one in waiting)
    secret = Secret(PASSWORD)

    report = with_file.signing.batch(station.doctor, secret)

    assert len(report.signed) == 2
    assert (report.failed, report.left, report.stopped) == ([], 0, "")
    assert not secret  # wiped
    assert with_file.signing.count_waiting() == 0
    for one in report.signed:
        (view,) = with_file.signatures.of(station.doctor, one.kind, one.record_id).signatures
        assert view.state is SignatureState.UNCHECKED
        assert view.signature.signer_name == station.doctor.user.snapshot.printed_name
        assert view.signature.certificate_subject == SIGNER
        pdf = with_file.signatures.file(station.doctor, view.signature.id)
        verdict = with_file.signatures.check_file(pdf)
        assert verdict.state is SignatureState.UNCHECKED  # its authority is trusted by nobody yet
    (with_file.folder / "goc.pem").write_bytes(with_file.authority.pem)
    with_file.signatures.trust(station.director, str(with_file.folder / "goc.pem"))
    assert with_file.signatures.check_file(pdf).state is SignatureState.VALID
    with station.store.read() as work:
        actions = [row.action for row in work.audit.rows(30)]
        assert work.audit.verify() is None
        assert work.outbox.waiting(50)[-1].kind is RecordKind.SIGNATURE
    assert actions.count("referral.sign_digitally") == 1


def test_a_follow_up_slip_and_a_visit_can_be_signed_too(with_file: Desk) -> None:
    station = with_file.station
    methods = dict.fromkeys(DEFAULT_POLICY.methods, SignMethod.DIGITAL_CERT)
    with_file.signing.save_policy(station.director, replace(DEFAULT_POLICY, methods=methods))
    encounter = visit(station, station.register())
    sign(station, encounter, appointment=appointment(station, encounter))
    report = with_file.batch()
    assert {one.kind for one in report.signed} == {RecordKind.ENCOUNTER, RecordKind.APPOINTMENT}
    (view,) = with_file.signatures.of(station.doctor, RecordKind.ENCOUNTER, encounter.id).signatures
    assert not view.has_file  # a visit has no form of its own: its seal alone
    assert view.state is SignatureState.UNCHECKED


def test_one_that_fails_keeps_its_place_and_the_others_are_signed(
    with_file: Desk, monkeypatch
) -> None:
    first, second, third = (with_file.letter() for _ in range(3))
    forms = with_file.signing._forms
    made = forms.form

    def form(kind, record, at, version):
        return b"no pdf" if record.id == second else made(kind, record, at, version)

    monkeypatch.setattr(forms, "form", form)
    report = with_file.batch()
    assert [one.record_id for one in report.signed] == [first, third]
    (failed,) = report.failed
    assert failed.request.record_id == second
    (left,) = with_file.signing.waiting(with_file.station.doctor)
    assert (left.record_id, left.attempts) == (second, 1)
    assert left.reason == failed.reason

    monkeypatch.undo()
    assert len(with_file.batch().signed) == 1


def test_only_chosen_ones_and_a_stop_between_two(with_file: Desk) -> None:
    first, second, third = (with_file.letter() for _ in range(3))
    report = with_file.batch(names=[(LETTER, second, 1)])
    assert [one.record_id for one in report.signed] == [second]
    report = with_file.batch(told=lambda done, total: done < 1)
    assert [one.record_id for one in report.signed] == [first]
    assert report.left == 1
    assert [one.record_id for one in with_file.signing.waiting(with_file.station.doctor)] == [third]


def test_what_was_amended_or_voided_waits_no_longer(with_file: Desk) -> None:
    station = with_file.station
    amended, voided = with_file.letter(), with_file.letter()
    with station.store.read() as work:
        stored = work.referrals.get(amended)
    changed = replace(stored.record, plan="Theo dõi thêm")
    station.services.referrals.amend(station.doctor, changed, 1, "Ghi thêm")
    station.services.referrals.void(station.doctor, voided, "Không đi nữa")
    (waiting,) = with_file.signing.waiting(station.doctor)
    assert (waiting.record_id, waiting.version) == (amended, 2)


def test_an_amendment_while_the_token_works_is_noticed(with_file: Desk, monkeypatch) -> None:
    """The key takes its time; whatever stands when it is done is what may be signed."""
    station, letter = with_file.station, with_file.letter()
    tools = with_file.signing._tools
    seal = tools.seal

    def slow(key, said):
        with station.store.read() as work:
            stored = work.referrals.get(letter)
        if stored.version == 1:
            changed = replace(stored.record, plan="Khác")
            station.services.referrals.amend(station.doctor, changed, 1, "Sửa")
        return seal(key, said)

    monkeypatch.setattr(tools, "seal", slow)
    report = with_file.batch()
    assert report.signed == []
    assert "sửa đổi" in report.failed[0].reason
    assert with_file.of(letter).signatures == ()
    monkeypatch.undo()
    assert len(with_file.batch().signed) == 1


def test_only_the_author_or_the_director_signs(with_file: Desk) -> None:
    station = with_file.station
    with_file.letter()
    other = station.actor(type(station.doctor.role).PHYSICIAN_ASSISTANT)
    assert with_file.signing.waiting(other) == ()
    assert with_file.signing.batch(other, Secret(PASSWORD)).signed == []
    with pytest.raises(PermissionDenied):
        with_file.signing.waiting(station.nurse)
    assert len(with_file.signing.batch(station.director, Secret(PASSWORD)).signed) == 1


def test_what_was_signed_by_hand_can_be_collected_later(desk: Desk) -> None:
    letter = desk.letter()
    with pytest.raises(SigningFailure) as caught:
        desk.signing.collect(desk.station.doctor, desk.station.clock.now())
    assert fault(caught) is SignFault.NO_KEY
    desk.use_file(online=False)
    since = desk.station.clock.now() - timedelta(days=1)
    assert desk.signing.collect(desk.station.doctor, since) == 1
    assert desk.signing.collect(desk.station.doctor, since) == 0
    assert [one.record_id for one in desk.batch().signed] == [letter]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"days": (-400, -1)}, SignFault.EXPIRED),
        ({"days": (2, 300)}, SignFault.NOT_YET_VALID),
        ({"signs": False}, SignFault.KEY_USAGE),
    ],
)
def test_a_certificate_that_may_not_sign_signs_nothing(desk: Desk, changes, expected) -> None:
    desk.use_file(online=False, **changes)
    letter = desk.letter()
    with pytest.raises(SigningFailure) as caught:
        desk.batch()
    assert fault(caught) is expected
    assert desk.of(letter).waiting
    assert desk.of(letter).signatures == ()


def test_a_revoked_certificate_signs_nothing(desk: Desk) -> None:
    letter = desk.letter
    with online(desk.authority):
        desk.use_file()
        made = letter()
        desk.authority.revoke(desk.certificate)
        with pytest.raises(SigningFailure) as caught:
            desk.batch()
    assert fault(caught) is SignFault.REVOKED
    assert desk.of(made).signatures == ()


def test_a_key_is_tried_without_any_document(desk: Desk) -> None:
    with online(desk.authority):
        desk.use_file()
        tried = desk.signing.test(desk.station.director, Secret(PASSWORD))
    assert tried.facts.subject == SIGNER
    assert tried.report.standing is CertificateStanding.GOOD
    with pytest.raises(PermissionDenied):
        desk.signing.test(desk.station.nurse, Secret(PASSWORD))


def test_xml_is_signed_by_the_same_key(with_file: Desk) -> None:
    document = b"<HS><CHUKYDONVI/></HS>"
    signed = with_file.signing.sign_xml(
        with_file.station.director, Secret(PASSWORD), document, into="CHUKYDONVI"
    )
    assert with_file.signatures.check_file(signed).state is SignatureState.UNCHECKED


# With a token -------------------------------------------------------------------------------


@pytest.fixture
def token(desk: Desk) -> Token:
    made = Token(desk.folder / "hsm", need_token_library())
    made.put(rsa_key("doctor"), desk.authority.issue(rsa_key("doctor"), online=False))
    made.plug_in()
    desk.use(KeySource(kind=KeySourceKind.TOKEN, path=made.library))
    return made


def test_a_token_pulled_out_in_the_middle_leaves_the_rest_waiting(desk: Desk, token: Token) -> None:
    letters = [desk.letter() for _ in range(3)]

    def pull(done: int, _total: int) -> bool:
        if done == 1:
            token.pull_out()
        return True

    report = desk.batch(PIN, told=pull)
    assert [one.record_id for one in report.signed] == letters[:1]
    assert len(report.failed) == 1
    assert report.left == 1
    assert report.stopped
    assert desk.signing.count_waiting() == 2
    assert desk.of(letters[1]).signatures == ()
    with pytest.raises(SigningFailure) as caught:
        desk.batch(PIN)
    assert fault(caught) is SignFault.TOKEN_ABSENT

    token.come_back()
    with pytest.raises(SigningFailure) as caught:
        desk.batch("999999")
    assert fault(caught) is SignFault.WRONG_PIN
    assert [one.record_id for one in desk.batch(PIN).signed] == letters[1:]


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
        assert desk.signatures.recheck() == 1
    assert desk.state(letter) is expected


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


@pytest.mark.parametrize(
    "sql",
    [
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
    ],
)
def test_the_rows_are_written_once(with_file: Desk, sql: str) -> None:
    with_file.letter()
    with_file.batch()
    connection = connections.connect(with_file.station.path, KEY)
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


@pytest.mark.parametrize("point", ["signed", "keep_document", "close_request"])
def test_a_kill_between_signing_and_storing_leaves_nothing_half_signed(
    with_file: Desk, point: str
) -> None:
    station, letter = with_file.station, with_file.letter()
    station.store.close()
    moment = station.clock.now().isoformat()
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(station.path), moment, point, KEY.hex(), PASSWORD],
        cwd=Path(__file__).parents[2],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        check=False,
    )
    assert done.returncode == -9, done.stderr.decode()[-800:]
    station.reopen()
    desk = Desk(station, with_file.folder)
    assert desk.of(letter).signatures == ()
    assert desk.of(letter).waiting
    with station.store.read() as work:
        assert work.audit.verify() is None
    assert len(desk.batch().signed) == 1
    assert desk.state(letter) is SignatureState.UNCHECKED


def test_the_province_gets_the_signed_file_also_when_the_plain_one_has_gone(with_file: Desk) -> None:
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
