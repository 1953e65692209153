"""Seeing what another station wrote of a person: only with consent, and never unseen."""

from __future__ import annotations

import secrets
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest
from sqlalchemy import select

from provincial_server.people.consent import GIVEN
from provincial_server.people.tables import ConsentVersion, SharedAccess
from provincial_server.store import EVERY_FACILITY
from provincial_server.web.access_log import AccessEntry
from tests.server.exchange_client import Machine, record_id, visit
from tests.server.test_people import (  # noqa: F401 -- a fixture among them
    chart,
    match_now,
    overseer,
    page_of,
    proposals_of,
    unique,
)

VIETNAM = timezone(timedelta(hours=7))


def at(hours: float = 0) -> str:
    return (datetime.now(VIETNAM) + timedelta(hours=hours)).isoformat(timespec="seconds")


class Case:
    """A person with a chart and a visit at the home station, who stands before another station."""

    def __init__(self, server) -> None:
        self.server = server
        self.facts = unique()
        self.home, self.asking = Machine(server.station()), Machine(server.station())
        self.home_chart, self.own_chart, self.visit = record_id(), record_id(), record_id()
        self.home.exchange(
            chart(self.home_chart, self.facts), visit(self.visit, self.home_chart, findings=2)
        )
        self.asking.exchange(chart(self.own_chart, self.facts))
        match_now(server)

    def consent(self, **changed) -> dict:
        station = self.asking.station
        how = changed.pop("how", "signed-paper")
        witness = changed.pop("witness", "")
        given = [
            {"url": "how", "valueCode": how},
            {"url": "recorded-by", "valueString": changed.pop("recorded_by", "YS Mẫu Ghi")},
        ]
        if witness:
            given.append({"url": "witness", "valueString": witness})
        period = changed.pop("period", {"start": at(-0.1), "end": at(24)})
        kind = changed.pop("kind", "permit")
        terms = "http://terminology.hl7.org/CodeSystem/"
        return {
            "resourceType": "Consent",
            "id": record_id(),
            "status": "active",
            "scope": {"coding": [{"system": f"{terms}consentscope", "code": "patient-privacy"}]},
            "category": [{"coding": [{"system": "http://loinc.org", "code": "59284-0"}]}],
            "patient": {"reference": f"Patient/{self.own_chart}"},
            "dateTime": at(-0.1),
            "performer": [{"display": "Người bệnh"}],
            "organization": [
                {"identifier": {"system": "http://example.org/ma", "value": station.facility}}
            ],
            "policyRule": {"text": "Luật Khám bệnh, chữa bệnh"},
            "provision": {
                "type": kind,
                "period": period,
                "purpose": [{"system": f"{terms}v3-ActReason", "code": "TREAT", "display": "Khám"}],
            },
            "extension": [{"url": GIVEN, "extension": given}],
            **changed,
        }

    def ask(self, consent: dict | None = None, machine: Machine | None = None, **changed):
        items = {
            "patient": {
                "valueReference": {"reference": f"Patient/{changed.pop('who', self.own_chart)}"}
            },
            "number": {"valueString": changed.pop("number", self.facts.national_id)},
            "user": {"valueString": "YS Mẫu Ghi"},
        }
        if consent is not None:
            items["consent"] = {"resource": consent}
        items |= {name: {"valueString": value} for name, value in changed.items()}
        body = {
            "resourceType": "Parameters",
            "parameter": [
                {"name": name, **value}
                for name, value in items.items()
                if value.get("valueString") != ""
            ],
        }
        asking = (machine or self.asking).station
        return asking.call("POST", f"{self.server.root}/people/history", body)

    def looks(self) -> list[SharedAccess]:
        with self.server.database.read(EVERY_FACILITY) as session:
            return list(
                session.scalars(
                    select(SharedAccess).where(SharedAccess.patient_id == self.home_chart)
                )
            )


@pytest.fixture
def case(server) -> Case:
    return Case(server)


def sentence(response) -> str:
    return response.json()["issue"][0]["details"]["text"]


# --- with consent -------------------------------------------------------------------------------


def test_with_consent_the_records_come_with_their_source(case):
    answer = case.ask(case.consent())
    assert answer.status_code == 200, answer.text
    bundle = answer.json()
    assert (bundle["resourceType"], bundle["type"]) == ("Bundle", "collection")
    found = {(e["resource"]["resourceType"], e["resource"]["id"]) for e in bundle["entry"]}
    assert ("Patient", case.home_chart) in found
    assert ("Encounter", case.visit) in found
    assert ("Observation", f"{case.visit}-v1") in found
    home = case.home.station.facility
    for entry in bundle["entry"]:
        assert f"/shared/{home}/" in entry["fullUrl"]
        assert entry["resource"]["meta"]["source"].endswith(f"/shared/{home}")
        assert home in [tag["code"] for tag in entry["resource"]["meta"]["tag"]]
    # References resolve within the same source.
    urls = {entry["fullUrl"] for entry in bundle["entry"]}
    for entry in bundle["entry"]:
        if "subject" in entry["resource"]:
            root = entry["fullUrl"].rsplit("/", 2)[0]
            assert f"{root}/{entry['resource']['subject']['reference']}" in urls


def test_the_consent_is_kept_and_the_look_is_known_at_home(case):
    consent = case.consent(how="verbal", witness="Chị Mẫu Chứng")
    assert case.ask(consent).status_code == 200
    root = case.server.root
    kept = case.asking.station.get(f"{root}/people/consent/{consent['id']}")
    assert kept.json() == consent
    log = case.home.station.get(f"{root}/people/access-log").json()
    [line] = log["entries"]
    assert line["patient"] == case.home_chart
    assert line["facility"]["code"] == case.asking.station.facility
    assert line["user"] == "YS Mẫu Ghi"
    assert line["basis"] == "consent"
    assert "lời nói có người làm chứng" in line["reason"]
    after = case.home.station.get(f"{root}/people/access-log?after={log['last']}").json()
    assert after["entries"] == []
    assert case.asking.station.get(f"{root}/people/access-log").json()["entries"] == []
    with case.server.database.read(EVERY_FACILITY) as session:
        [entry] = session.scalars(
            select(AccessEntry).where(
                AccessEntry.facility_code == case.home.station.facility,
                AccessEntry.action == "shared-history",
            )
        )
    assert entry.object_id == case.home_chart
    assert entry.sequence == line["sequence"]


def test_an_insurance_card_confirms_the_person_too(case):
    assert case.ask(case.consent(), number=case.facts.cards[0]).status_code == 200


def test_a_reviewed_proposal_stands_for_the_number(case, overseer):  # noqa: F811
    assert case.ask(case.consent(), number="").status_code == 404
    [row] = proposals_of(case.server, case.own_chart)
    overseer.post(page_of(row), verdict="same", seen="0")
    assert case.ask(case.consent(), number="").status_code == 200
    overseer.post(page_of(row), verdict="undone", seen="1")
    assert case.ask(case.consent(), number="").status_code == 404


# --- without ------------------------------------------------------------------------------------


def test_without_consent_there_is_nothing(case):
    answer = case.ask()
    assert answer.status_code == 403
    assert "sự đồng ý" in sentence(answer)
    assert case.looks() == []


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"status": "inactive"}, "đã rút lại"),
        ({"status": "proposed"}, "chưa đồng ý"),
        ({"kind": "deny"}, "không đồng ý"),
        ({"period": {"start": at(-48), "end": at(-24)}}, "hết hạn"),
        ({"period": {"start": at(), "end": at(24 * 400)}}, "một năm"),
        ({"period": {"start": at()}}, "thời hạn"),
        ({"how": "telepathy"}, "cách người bệnh đồng ý"),
        ({"how": "verbal"}, "người làm chứng"),
        ({"how": "verbal", "witness": "YS MẪU GHI"}, "người làm chứng"),
        ({"performer": []}, ""),
        ({"recorded_by": " "}, ""),
        ({"organization": [{"identifier": {"value": "KHAC"}}]}, "cơ sở khác"),
        ({"patient": {"reference": "Patient/khac"}}, "người khác"),
        ({"dateTime": at(48)}, "đồng hồ"),
    ],
)
def test_a_consent_that_is_none_shows_nothing(case, changed, said):
    answer = case.ask(case.consent(**changed))
    assert answer.status_code in {400, 403}, answer.text
    assert said in sentence(answer)
    assert case.looks() == []
    with case.server.database.read(EVERY_FACILITY) as session:
        kept = session.scalars(
            select(ConsentVersion).where(ConsentVersion.patient_id == case.own_chart)
        ).all()
    assert kept == []


def test_a_withdrawn_consent_stops_it(case):
    consent = case.consent()
    assert case.ask(consent).status_code == 200
    path = f"{case.server.root}/people/consent/{consent['id']}/withdraw"
    assert case.home.station.call("POST", path).status_code == 404  # another facility's
    assert case.asking.station.call("POST", path).json()["status"] == "inactive"
    answer = case.ask(consent)
    assert answer.status_code == 403
    assert "rút lại" in sentence(answer)
    assert len(case.looks()) == 1
    assert case.asking.station.call("POST", path).status_code == 200  # once more changes nothing
    assert case.ask(case.consent()).status_code == 200  # a new one counts


def test_a_consent_cannot_be_rewritten(case):
    consent = case.consent()
    assert case.ask(consent).status_code == 200
    longer = {**consent, "dateTime": at(-0.05)}
    assert case.ask(longer).status_code == 409


def test_guesses_and_misses_look_alike(case):
    stranger = Machine(case.server.station())
    facts = unique()
    own = record_id()
    stranger.exchange(chart(own, facts))
    thief = Case(case.server)
    asked = [
        case.ask(case.consent(), number="064199999999"),
        case.ask(case.consent(patient={"reference": f"Patient/{case.home_chart}"}),
                 who=case.home_chart),
        case.ask(case.consent(patient={"reference": "Patient/khong-co"}), who="khong-co"),
        thief.ask(thief.consent(), number=case.facts.national_id),
    ]  # fmt: skip
    assert {answer.status_code for answer in asked} == {404}
    assert len({answer.content for answer in asked}) == 1
    assert case.looks() == []


def test_a_made_up_chart_with_a_guessed_number_opens_nothing(case):
    """The name and the birth must agree as well."""
    thief = Machine(case.server.station())
    record = record_id()
    thief.exchange(chart(record, replace(unique(), national_id=case.facts.national_id)))
    match_now(case.server)
    consent = case.consent(
        patient={"reference": f"Patient/{record}"},
        organization=[{"identifier": {"value": thief.station.facility}}],
    )
    assert case.ask(consent, thief, who=record).status_code == 404
    assert case.looks() == []


def test_nobody_without_a_device_is_answered(case):
    case.asking.station.token = secrets.token_urlsafe(32)
    assert case.ask(case.consent()).status_code == 401


@pytest.mark.parametrize(
    "body",
    [
        {},
        [],
        {"resourceType": "Parameters"},
        {"resourceType": "Parameters", "parameter": [1]},
        {"resourceType": "Parameters", "parameter": [{"name": "patient"}]},
        {"resourceType": "Parameters", "parameter": [{"name": "a"}, {"name": "a"}]},
        {
            "resourceType": "Parameters",
            "parameter": [
                {"name": "patient", "valueReference": {"reference": "Patient/a"}},
                {"name": "user", "valueString": {"not": "text"}},
            ],
        },
    ],
)
def test_a_malformed_question_is_refused(case, body):
    answer = case.asking.station.call("POST", f"{case.server.root}/people/history", body)
    assert answer.status_code == 400
    assert answer.json()["resourceType"] == "OperationOutcome"


@pytest.mark.parametrize("odd", ["%00", "a%00b", "..", "x" * 65, "%F0%9F%98%80"])
def test_odd_addresses_are_not_found(case, overseer, odd):  # noqa: F811
    root, station = case.server.root, case.home.station
    assert station.get(f"{root}/people/consent/{odd}").status_code in {400, 404, 405}
    withdrawn = station.call("POST", f"{root}/people/consent/{odd}/withdraw")
    assert withdrawn.status_code in {400, 404, 405}
    assert overseer.get(f"/web/trung-nguoi/{odd}/a/b/c").status_code in {400, 404}
    assert overseer.get(f"/web/xem-ho-so?tram={odd}&trang={odd}").status_code == 200
    assert overseer.get(f"/web/tong-quan?tim={odd}&xep={odd}").status_code == 200
    assert overseer.get(f"/web/tong-quan/{odd}").status_code in {200, 400, 404}


@pytest.mark.parametrize("after", ["-1", "x", "9" * 30, "", "1.5"])
def test_an_odd_place_in_the_log_is_refused(case, after):
    answer = case.home.station.get(f"{case.server.root}/people/access-log?after={after}")
    assert answer.status_code == 400


@pytest.mark.parametrize("who", ["", "a\x00b", "ự", "x" * 65])
def test_an_id_that_is_none_is_refused(case, who):
    assert case.ask(case.consent(), who=who).status_code == 400


# --- an emergency -------------------------------------------------------------------------------


def test_an_emergency_is_answered_and_alarms(case, overseer):  # noqa: F811
    assert case.ask(emergency="gấp").status_code == 403  # that is no reason
    reason = "Người bệnh bất tỉnh, nghi phản vệ, cần tiền sử dị ứng"
    assert case.ask(emergency=reason).status_code == 200
    [look] = case.looks()
    assert look.basis == "emergency"
    [line] = case.home.station.get(f"{case.server.root}/people/access-log").json()["entries"]
    assert reason in line["reason"]
    home = case.home.station.facility
    page = overseer.get(f"/web/xem-ho-so?loc=khan-cap&tram={home}").text
    assert reason in page
    assert "lần xem khẩn cấp trong 7 ngày" in page
    assert "lần xem khẩn cấp trong 7 ngày" in overseer.get("/web/tong-quan").text
    assert case.facts.name not in page


def test_a_voided_visit_is_not_shown(case):
    record = record_id()
    voided = visit(record, case.home_chart, findings=0).replace(
        b'"status":"finished"', b'"status":"entered-in-error"'
    )
    case.home.exchange(voided)
    match_now(case.server)
    found = [e["resource"]["id"] for e in case.ask(case.consent()).json()["entry"]]
    assert case.visit in found
    assert record not in found
