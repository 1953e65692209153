"""Claims of a real station: what stands against one, what leaves signed, what comes in changes nothing."""

from __future__ import annotations

import base64
import subprocess
from pathlib import Path

import pytest
from lxml import etree

from station_emr.domain.claim import DRUGS
from station_emr.domain.errors import PermissionDenied, UserError
from station_emr.domain.permissions import Role
from station_emr.domain.sign_fault import SigningFailure
from station_emr.domain.signature import KeySource, KeySourceKind, SignatureState
from station_emr.interop.bhyt.insurance_format import InsuranceFormat
from station_emr.interop.bhyt.reader import read_claims
from station_emr.services.claim_files import ClaimFiles
from station_emr.services.claims import ClaimPreview, Claims
from station_emr.services.secret import Secret
from tests.signing_authority import (
    PASSWORD,
    PIN,
    Token,
    need,
    need_token_library,
    rsa_key,
)

from .claim_samples import OTHER_CARD, billed, close_bill, fill_in, seen
from .signing_desk import Desk
from .visit_samples import VITALS


@pytest.fixture
def claims(station):
    return station.services.claims


@pytest.fixture
def files(station) -> ClaimFiles:
    return ClaimFiles(station.store, station.clock, InsuranceFormat())


@pytest.fixture
def desk(station, tmp_path: Path) -> Desk:
    made = Desk(station, tmp_path)
    made.use_file(online=False)
    return made


def rules(preview: ClaimPreview) -> set[str]:
    return {one.rule for one in preview.findings if one.blocks}


def lines(station, action: str) -> list[str]:
    with station.store.read() as work:
        return [row.record_id for row in work.audit.rows(50) if row.action == action]


def test_a_visit_without_a_bill_says_so_and_makes_up_no_price(station, claims, files) -> None:
    encounter = seen(station)
    preview = claims.preview(station.nurse, encounter.id)
    assert rules(preview) == {"no-bill"}
    (finding,) = preview.findings
    assert (finding.place.screen, finding.place.encounter_id) == ("bill", encounter.id)
    assert preview.claim.rows(DRUGS) == ()
    assert preview.claim.summary["T_TONGCHI_BV"] == ""
    with pytest.raises(UserError, match="chưa có bảng kê"):
        files.file_of(encounter.id)
    billing = station.services.billing
    billing.save_draft(station.nurse, billing.prepare(station.nurse, encounter.id))
    assert rules(claims.preview(station.nurse, encounter.id)) == {"bill-open"}


def test_an_unsigned_or_voided_visit_is_no_claim(station, claims, files) -> None:
    open_visit = seen(station, signed=False)
    assert rules(claims.preview(station.doctor, open_visit.id)) == {"visit-open"}
    with pytest.raises(UserError, match="chưa ký"):
        files.file_of(open_visit.id)
    assert files.draft_of(open_visit).summary["MA_BENH_CHINH"] == "I10"
    assert files.check_in_of(open_visit.id).check_in["MA_THE_BHYT"] == "DN4520000000001"


def test_a_billed_visit_is_ready_and_the_look_is_logged(station, claims) -> None:
    encounter = billed(station)
    preview = claims.preview(station.nurse, encounter.id)
    assert preview.ready, preview.findings
    row = preview.claim.summary
    assert (row["MA_KHOA"], row["MA_TTDV"], row["CAN_NANG"]) == ("K01", "000001/MAU-GPHN", "58.5")
    assert preview.claim.version == "1931"
    assert preview.claim.rows(DRUGS)[0]["MA_THUOC"] == "40.48"
    assert lines(station, "claim.view") == [encounter.id]


def test_what_a_schema_refuses_is_held_back_and_says_where_it_is_mended(station, claims) -> None:
    heavy, unweighed = billed(station), billed(station, vitals=VITALS)
    preview = claims.preview(station.doctor, unweighed.id)
    finding = next(one for one in preview.findings if one.element == "CAN_NANG")
    assert finding.blocks
    assert finding.place.encounter_id == unweighed.id
    made = claims.export(station.doctor, [heavy.id, unweighed.id])
    assert [one.encounter_id for one in made.files] == [heavy.id]
    assert [one.encounter_id for one in made.held_back] == [unweighed.id]
    assert lines(station, "claim.export") == [heavy.id]


def test_the_schemas_hold_back_what_every_rule_let_through(station, files) -> None:
    class NoRules:
        def before_sending(self, claims):
            return tuple(() for _ in claims)

    claims = Claims(station.store, station.clock, files, NoRules(), station.services.signing)
    unweighed = billed(station, vitals=VITALS)
    made = claims.export(station.doctor, [unweighed.id])
    assert made.files == ()
    assert [one.rule for one in made.held_back[0].findings] == ["schema"]


def test_settings_that_are_missing_hold_everything_back(station, claims) -> None:
    encounter = billed(station)
    fill_in(station, "{}")
    preview = claims.preview(station.doctor, encounter.id)
    assert {one.element for one in preview.findings if one.blocks} >= {"MA_KHOA"}


def test_a_signed_file_is_judged_good_by_another_program(
    station, claims, desk: Desk, tmp_path: Path
) -> None:
    encounter = billed(station)
    secret = Secret(PASSWORD)
    (file,) = claims.export(station.doctor, [encounter.id], secret).files
    assert not secret  # wiped
    assert file.signed
    assert desk.signatures.check_file(file.content).state is SignatureState.UNCHECKED
    root = etree.fromstring(file.content)
    place = root.find("CHUKYDONVI")
    assert [etree.QName(one).localname for one in place] == ["Signature"]
    text = etree.tostring(place).decode()
    for wanted in (
        "http://www.w3.org/TR/2001/REC-xml-c14n-20010315",
        "rsa-sha256",
        "xmlenc#sha256",
        'URI=""',
        "X509Certificate",
    ):
        assert wanted in text
    assert "QualifyingProperties" not in text  # plain XMLDSig
    path, trusted = tmp_path / "hoso.xml", tmp_path / "goc.pem"
    path.write_bytes(file.content)
    trusted.write_bytes(desk.authority.pem)
    command = [need("xmlsec1"), "--verify", "--trusted-pem", str(trusted), str(path)]
    when = f"{station.clock.now():%Y-%m-%d %H:%M:%S}"
    command[2:2] = ["--verification-gmt-time", when]
    judged = subprocess.run(command, capture_output=True, text=True, check=False)
    assert judged.returncode == 0, judged.stderr
    (back,) = read_claims(file.content).claims
    assert dict(back.tables) == dict(claims.preview(station.doctor, encounter.id).claim.tables)


def test_a_day_is_signed_on_a_token_with_one_pin(
    station, claims, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = Token(desk.folder / "hsm", need_token_library(), monkeypatch)
    token.put(rsa_key("doctor"), desk.authority.issue(rsa_key("doctor"), online=False))
    token.plug_in()
    desk.use(KeySource(kind=KeySourceKind.TOKEN, path=token.library))
    visits = [billed(station), billed(station, card=OTHER_CARD)]
    made = claims.export(station.doctor, [one.id for one in visits], Secret(PIN))
    states = [desk.signatures.check_file(file.content).state for file in made.files]
    assert states == [SignatureState.UNCHECKED] * 2


def test_a_check_in_takes_the_signature_inside_its_own_root(station, files, desk: Desk) -> None:
    encounter = billed(station)
    document = files.write(files.check_in_of(encounter.id))
    signed = station.services.signing.sign_xml(
        station.doctor, Secret(PASSWORD), document, into="CHUKYDONVI", xades=False
    )
    assert desk.signatures.check_file(signed).state is SignatureState.UNCHECKED
    root = etree.fromstring(signed)
    assert [etree.QName(one).localname for one in root] == ["DSACH_TRANG_THAI_KCB", "CHUKYDONVI"]
    read = read_claims(signed)
    assert read.signed
    assert dict(read.claims[0].check_in) == dict(files.check_in_of(encounter.id).check_in)


def test_changed_bytes_are_no_longer_signed(station, claims, desk: Desk) -> None:
    encounter = billed(station)
    (file,) = claims.export(station.doctor, [encounter.id], Secret(PASSWORD)).files
    forged = file.content.replace(b"<SOLUONGHOSO>1<", b"<SOLUONGHOSO>2<")
    assert desk.signatures.check_file(forged).state is SignatureState.INVALID


def test_with_a_wrong_pin_nothing_leaves(station, claims, desk: Desk) -> None:
    encounter = billed(station)
    with pytest.raises(SigningFailure):
        claims.export(station.doctor, [encounter.id], Secret("sai"))
    assert lines(station, "claim.export") == []


def test_names_of_files_tell_visits_apart_and_name_nobody(station, claims) -> None:
    one, other = billed(station), billed(station, card=OTHER_CARD)
    made = claims.export(station.doctor, [one.id, other.id])
    names = {file.name for file in made.files}
    assert len(names) == 2
    assert all(name.isascii() and one.patient_id not in name for name in names)
    summary = etree.fromstring(made.files[0].content).find(".//NOIDUNGFILE").text
    assert one.id.replace("-", "").encode() in base64.b64decode(summary)


def test_the_same_visit_entered_twice_is_held_back(station, claims) -> None:
    made = claims.export(station.doctor, [billed(station).id, billed(station).id])
    assert len(made.held_back) == 1


def test_the_visits_of_a_day_in_the_order_of_arrival(station, claims) -> None:
    day = station.clock.now().date()
    first, second = billed(station), seen(station)
    seen(station, signed=False)
    assert claims.visits_of(station.doctor, day, day) == (first.id, second.id)


def test_a_restricted_visit_is_seen_and_exported_by_who_may(station, claims) -> None:
    encounter = billed(station, icd="B20.9")
    pharmacist = station.actor(Role.PHARMACIST)
    with pytest.raises(PermissionDenied):
        claims.preview(pharmacist, encounter.id)
    made = claims.export(pharmacist, [encounter.id])
    assert made.files == ()
    assert [one.findings[0].rule for one in made.held_back] == ["restricted"]
    assert claims.preview(station.doctor, encounter.id).claim.summary["MA_BENH_CHINH"] == "B20.9"


@pytest.mark.parametrize("role", [Role.ADMINISTRATOR, Role.INSPECTOR])
def test_who_may_not_settle_exports_and_reads_nothing(station, claims, role: Role) -> None:
    encounter = billed(station)
    with pytest.raises(PermissionDenied):
        claims.export(station.actor(role), [encounter.id])
    with pytest.raises(PermissionDenied):
        station.services.foreign_visits.read(station.actor(role), b"")


def test_a_file_made_earlier_is_out_of_date_after_a_change(station, files) -> None:
    encounter = billed(station)
    before = files.version_of(encounter.id)
    billing = station.services.billing
    stored = billing.of_encounter(station.nurse, encounter.id)
    billing.void(station.doctor, stored.record.id, "Chốt nhầm lượt khám")
    voided = files.version_of(encounter.id)
    close_bill(station, encounter)
    again = files.version_of(encounter.id)
    assert len({before, voided, again}) == 3
    assert files.version_of(encounter.id) == again
