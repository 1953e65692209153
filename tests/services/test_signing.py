"""Rules, evidence, the list of what waits, batches with one PIN."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from station_emr.domain.errors import (
    PermissionDenied,
    UserError,
    WrongPassword,
)
from station_emr.domain.record import RecordKind, RecordStatus
from station_emr.domain.sign_fault import ConfirmationNeeded, SignFault, SigningFailure
from station_emr.domain.signature import (
    DEFAULT_POLICY,
    CertificateStanding,
    KeySource,
    KeySourceKind,
    Reentry,
    SignatureState,
    SignMethod,
)
from station_emr.services.secret import Secret
from station_emr.services.visits import VisitPapers
from tests.signing_authority import (
    PASSWORD,
    PIN,
    SIGNER,
    Token,
    need_token_library,
    online,
    rsa_key,
)

from .signing_desk import LETTER, Desk
from .visit_samples import appointment, prescription, referral, sign, visit


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
    held = []

    def told(*_) -> bool:
        held.append(bool(secret))
        return True

    report = with_file.signing.batch(station.doctor, secret, told=told)

    assert len(report.signed) == 2
    assert (report.failed, report.left, report.stopped) == ([], 0, "")
    assert held == [False, False]  # wiped as soon as the key is open
    assert not secret
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
    forms = with_file.signing._signer._forms
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
def token(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Token:
    made = Token(desk.folder / "hsm", need_token_library(), monkeypatch)
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
