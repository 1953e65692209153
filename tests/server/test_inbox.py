"""The referral inbox: who sees which letter, what may be answered, and what travels back."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

import fhirkit
import pytest
import requests
from sqlalchemy import select

from provincial_server.exchange.indexing import catch_up
from provincial_server.settings import system_clock
from provincial_server.web import inbox_forms
from provincial_server.web.access_log import AccessEntry
from tests.server.exchange_client import Machine
from tests.server.inbox_client import Sender, Visitor, hospital
from tests.server.test_binaries import Form

SLIP = {
    "discharged_on": "2026-11-24",
    "diagnosis_code": "i20.0",
    "diagnosis": "Cơn đau thắt ngực đã ổn định",
    "treatment": "Đặt một giá đỡ mạch vành",
    "outcome": "Đỡ",
    "advice": "Đo huyết áp mỗi tuần <b>không</b> bỏ thuốc",
}


@pytest.fixture
def sender(server, station):
    return Sender(server, Machine(station))


@pytest.fixture
def clerk(server):
    """Somebody at a receiving hospital, already logged in."""
    code, name = hospital(server)
    one = Visitor(server.root)
    assert one.log_in(name).status_code == 303
    one.code = code
    yield one
    one.session.close()


@pytest.fixture
def stranger(server):
    code, name = hospital(server)
    one = Visitor(server.root)
    one.log_in(name)
    one.code = code
    yield one
    one.session.close()


def test_a_letter_is_read_whole_by_the_one_it_is_addressed_to(sender, clerk, stranger):
    letter = sender.send(clerk.code, treatment="Aspirin 81 mg, đã uống")
    listed = clerk.get("/web/inbox").text
    assert "Puih Thị Mẫu" in listed
    assert "1 chưa đọc" in listed
    page = clerk.get(sender.path(letter)).text
    for said in (
        "A1-0007/2026",
        "Aspirin 81 mg",
        "I20.0 Cơn đau",
        "Penicillin",
        "GD4649900000097",
        "03/05/1959",
        "Cấp cứu",
        "08:45 ngày 20/11/2026",
    ):
        assert said in page
    assert "Bản in chưa đến" in page
    assert "chưa đọc" not in clerk.get("/web/inbox").text
    assert "Puih" not in stranger.get("/web/inbox").text


def test_another_facility_cannot_reach_a_letter_by_its_address(
    server, sender, clerk, stranger, other
):
    letter = sender.send(clerk.code)
    unknown = stranger.get(f"/web/inbox/{sender.code}/0197a000-0000-7000-8000-0000deadbeef")
    guessed = stranger.get(sender.path(letter))
    assert guessed.status_code == unknown.status_code == 404
    assert guessed.text == unknown.text
    assert stranger.get(f"/web/inbox/{other.facility}/{letter}").status_code == 404
    for step in ("accept", "decline", "arrived", "feedback"):
        csrf, seen = stranger.hidden("/web/account"), "1.0"
        answered = stranger.answer(
            sender.path(letter), step, csrf=csrf, seen=seen, reason="x", **SLIP
        )
        assert answered.status_code == 404
    assert sender.answers() == []
    form = Form(sender.machine.station, record=letter)
    form.all()
    address = f"{sender.path(letter)}/form/{form.id}"
    assert stranger.get(address).status_code == 404
    assert clerk.get(address).content == form.content


def test_a_form_is_found_under_its_own_letter_alone(sender, clerk):
    mine, elsewhere = sender.send(clerk.code), sender.send("BVKHAC")
    form = Form(sender.machine.station, record=elsewhere)
    form.all()
    assert clerk.get(f"{sender.path(mine)}/form/{form.id}").status_code == 404


def test_the_page_says_how_much_of_the_printed_form_is_here(sender, clerk):
    letter = sender.send(clerk.code)
    form = Form(sender.machine.station, record=letter)
    half = len(form.content) // 2
    form.piece(0, half)
    assert "Bản in đang đến: 49%" in clerk.get(sender.path(letter)).text
    form.piece(half, len(form.content))
    page = clerk.get(sender.path(letter)).text
    assert f"/form/{form.id}" in page


def test_an_amended_letter_is_unread_again_and_shows_the_new_words(sender, clerk):
    letter = sender.send(clerk.code)
    clerk.get(sender.path(letter))
    sender.send(clerk.code, letter, status="amended", reason="Thêm thuốc", treatment="Thuốc mới")
    assert "1 chưa đọc" in clerk.get("/web/inbox").text
    page = clerk.get(sender.path(letter)).text
    assert "Thuốc mới" in page
    assert "Trạm sửa phiếu" in page
    assert "Thêm thuốc" in page


def test_a_voided_letter_shows_as_withdrawn_and_takes_no_answer(sender, clerk):
    letter = sender.send(clerk.code)
    seen = clerk.hidden(sender.path(letter), "seen")
    sender.send(clerk.code, letter, status="voided", reason="Người bệnh khỏe lại")
    assert "Trạm đã rút phiếu" in clerk.get("/web/inbox").text
    answered = clerk.answer(
        sender.path(letter), "accept", seen=seen, csrf=clerk.hidden("/web/account")
    )
    assert answered.status_code == 422
    assert "rút" in answered.text
    again = clerk.answer(
        sender.path(letter), "accept", seen="2.0", csrf=clerk.hidden("/web/account")
    )
    assert again.status_code == 422
    assert sender.answers() == []


def test_a_letter_that_goes_elsewhere_leaves_the_first_list(sender, clerk, stranger):
    letter = sender.send(clerk.code)
    sender.send(stranger.code, letter, status="amended", reason="Đổi nơi nhận")
    assert "Puih" not in clerk.get("/web/inbox").text
    gone = clerk.get(sender.path(letter))
    assert gone.status_code == 410
    assert "đã đổi nơi nhận" in gone.text
    assert "Puih" not in gone.text
    assert "Puih" in stranger.get("/web/inbox").text
    sender.send(clerk.code, letter, status="amended", reason="Gửi lại")
    page = clerk.get(sender.path(letter))
    assert "Phiếu đã chuyển nơi khác" in page.text
    assert "Trạm gửi lại phiếu" in page.text
    assert stranger.get(sender.path(letter)).status_code == 410


def test_letters_for_a_hospital_that_joins_later_are_waiting_for_it(server, sender):
    letter = sender.send("BVSAUNAY1")
    _, name = hospital(server, "BVSAUNAY1")
    late = Visitor(server.root)
    late.log_in(name)
    assert late.get(sender.path(letter)).status_code == 200
    late.session.close()


def test_answers_travel_to_the_stations_one_version_after_another(sender, clerk):
    letter = sender.send(clerk.code)
    assert clerk.answer(sender.path(letter), "accept").status_code == 303
    assert clerk.answer(sender.path(letter), "arrived").status_code == 303
    assert clerk.answer(sender.path(letter), "feedback", **SLIP).status_code == 303
    lines = sender.answers()
    assert [line["status"] for line in lines] == ["signed", "amended", "amended"]
    assert {line["id"] for line in lines} == {lines[0]["id"]}
    assert {line["inc"] for line in lines} == {"rest"}
    assert [line["by"]["name"] for line in lines] == ["Người nhận mẫu"] * 3
    tasks = [line["resources"][0] for line in lines]
    assert [task["status"] for task in tasks] == ["accepted", "in-progress", "completed"]
    assert tasks[0]["focus"] == {"reference": f"ServiceRequest/{letter}"}
    assert tasks[0]["owner"]["identifier"]["value"] == clerk.code
    said = {part["type"]["coding"][0]["code"]: part for part in tasks[2]["output"]}
    assert said["diagnosis"]["valueCodeableConcept"]["coding"][0]["code"] == "I20.0"
    assert said["discharged_on"]["valueDate"] == "2026-11-24"
    assert said["advice"]["valueString"] == SLIP["advice"]
    page = clerk.get(sender.path(letter)).text
    assert "&lt;b&gt;không&lt;/b&gt;" in page
    assert "<b>không" not in page
    station = sender.machine.station
    stored = station.get(f"Task/{lines[0]['id']}")
    assert stored.json()["status"] == "completed"
    assert fhirkit.validate(stored.text) == []


def test_declining_needs_a_reason_that_the_station_gets(sender, clerk):
    letter = sender.send(clerk.code)
    refused = clerk.answer(sender.path(letter), "decline", reason="  ")
    assert "Hãy ghi lý do" in refused.text
    assert clerk.answer(sender.path(letter), "decline", reason="Hết giường").status_code == 303
    (line,) = sender.answers()
    assert line["resources"][0]["status"] == "rejected"
    assert line["resources"][0]["statusReason"]["text"] == "Hết giường"
    assert clerk.answer(sender.path(letter), "feedback", **SLIP).status_code == 422


def test_two_clerks_cannot_answer_over_each_other(server, sender, clerk):
    letter = sender.send(clerk.code)
    seen = clerk.hidden(sender.path(letter), "seen")
    clerk.answer(sender.path(letter), "accept")
    late = clerk.answer(sender.path(letter), "decline", seen=seen, reason="Hết giường")
    assert late.status_code == 422
    assert "vừa thay đổi" in late.text
    assert "Hết giường" in late.text  # nothing that was typed is lost
    assert len(sender.answers()) == 1


def test_of_many_answers_at_once_one_is_written(server, sender, clerk):
    letter = sender.send(clerk.code)
    page = clerk.get(sender.path(letter)).text
    marks = {
        name: page.partition(f'name="{name}" value="')[2].partition('"')[0]
        for name in ("csrf", "seen")
    }
    steps = ["accept", "decline", "arrived", "accept", "decline", "arrived"]

    def send(step: str) -> int:
        answered = requests.post(
            f"{server.root}{sender.path(letter)}/{step}",
            data={**marks, "reason": "Hết giường"},
            cookies=clerk.session.cookies,
            timeout=60,
            allow_redirects=False,
        )
        return answered.status_code

    with ThreadPoolExecutor(len(steps)) as pool:
        codes = sorted(pool.map(send, steps))

    assert codes == [303, *[422] * 5]
    assert len(sender.answers()) == 1


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"diagnosis_code": "viêm"}, "Mã bệnh gồm"),
        ({"discharged_on": ""}, "Hãy ghi ngày ra viện"),
        ({"discharged_on": "31/02/2026"}, "Không đọc được ngày ra viện"),
        ({"admitted_on": "2026-11-25"}, "trước ngày tiếp nhận"),
        ({"outcome": "Bịa"}, "Hãy chọn kết quả"),
        ({"advice": "x" * 4001}, "quá 4000"),
    ],
)
def test_a_slip_with_a_fault_is_given_back_with_all_that_was_typed(sender, clerk, changed, said):
    letter = sender.send(clerk.code)
    answered = clerk.answer(sender.path(letter), "feedback", **{**SLIP, **changed})
    assert answered.status_code == 422
    assert said in answered.text
    assert SLIP["treatment"] in answered.text
    assert sender.answers() == []


def test_what_was_pasted_from_another_program_is_stored_without_its_control_characters(
    server, sender, clerk
):
    letter = sender.send(clerk.code)
    pasted = {"treatment": "Đặt giá đỡ\x0bNghỉ một tuần\x01", "advice": "\x1fTái khám\x00\x7f"}
    assert clerk.answer(sender.path(letter), "feedback", **{**SLIP, **pasted}).status_code == 303
    [line] = sender.answers()
    [task] = line["resources"]
    told = {item["type"]["coding"][0]["code"]: item for item in task["output"]}
    assert told["treatment"]["valueString"] == "Đặt giá đỡ\nNghỉ một tuần"
    assert told["advice"]["valueString"] == "Tái khám"
    other = sender.send(clerk.code)
    assert clerk.answer(sender.path(other), "decline", reason="Hết\x0bgiường").status_code == 303
    assert {
        line["resources"][0].get("statusReason", {}).get("text") for line in sender.answers()
    } == {
        None,
        "Hết\ngiường",
    }


def test_an_answer_that_no_record_can_hold_is_refused_with_all_that_was_typed(
    server, sender, clerk, monkeypatch
):
    monkeypatch.setattr(inbox_forms, "cleaned", lambda text: text)
    letter = sender.send(clerk.code)
    pasted = {**SLIP, "treatment": "Đặt giá đỡ\x01"}
    answered = clerk.answer(sender.path(letter), "feedback", **pasted)
    assert answered.status_code == 422
    assert "ký tự mà hồ sơ không nhận" in answered.text
    assert "Đặt giá đỡ" in answered.text
    assert SLIP["diagnosis"] in answered.text
    assert sender.answers() == []


@pytest.mark.parametrize("page", ["9" * 5000, "٣", "-1", "0", "99999", ""])
def test_a_page_that_is_none_is_the_first_or_an_empty_one(clerk, page):
    assert clerk.get("/web/inbox", params={"page": page}).status_code == 200


def test_the_list_is_searched_without_marks_and_filtered_by_state(sender, clerk):
    first = sender.send(clerk.code, name="Rơ Châm H'Bĕ Mẫu")
    second = sender.send(clerk.code, name="Đinh Văn 100% Mẫu")
    clerk.answer(sender.path(second), "accept")
    found = lambda query: [
        letter for letter in (first, second) if letter in clerk.get(f"/web/inbox?{query}").text
    ]
    assert found("") == [first, second]
    assert found("q=RO+cham") == [first]
    assert found("q=dinh+100%25") == [second]
    assert found("q=%25%25") == []
    assert found("q=0007") == [first, second]
    assert found("state=requested") == [first]
    assert found("state=accepted") == [second]
    assert found("state=unread") == [first]
    assert found("state=%27;drop") == [first, second]
    assert clerk.get("/web/inbox?page=99999999999999999999").status_code == 200


def test_every_look_and_answer_is_in_the_access_log(server, sender, clerk):
    letter = sender.send(clerk.code)
    clerk.get(sender.path(letter))
    clerk.answer(sender.path(letter), "accept")
    with server.database.read("*") as session:
        rows = session.scalars(
            select(AccessEntry)
            .where(AccessEntry.facility_code == sender.code, AccessEntry.object_id == letter)
            .order_by(AccessEntry.sequence)
        ).all()
    assert [row.action for row in rows] == ["view", "view", "accepted"]
    assert {clerk.code in row.purpose for row in rows} == {True}
    assert "Xem phiếu: Người nhận mẫu" in clerk.get(sender.path(letter)).text


def test_a_letter_of_another_program_is_shown_with_what_it_has(server, clerk, other):
    patient = {"resourceType": "Patient", "id": "p-1", "name": [{"text": "Ksor Mẫu"}]}
    request = {
        "resourceType": "ServiceRequest",
        "id": "thu-1",
        "status": "active",
        "intent": "order",
        "subject": {"reference": "Patient/p-1"},
        "performer": [{"identifier": {"value": clerk.code}}],
        "note": [{"text": "Xin tiếp nhận"}],
    }
    assert other.put(patient).ok
    assert other.put(request).ok
    assert "Ksor Mẫu" in clerk.get("/web/inbox").text
    assert "Xin tiếp nhận" in clerk.get(f"/web/inbox/{other.facility}/thu-1").text


@pytest.mark.parametrize(
    "broken",
    [
        {"performer": [{"identifier": {"value": "*"}}]},
        {"performer": [{"identifier": {"value": "x" * 33}}]},
        {"performer": [{"display": "Bệnh viện nào đó"}]},
    ],
)
def test_a_letter_without_a_usable_address_stays_with_its_station(server, sender, broken):
    line = {
        "resourceType": "ServiceRequest",
        "id": "x",
        "status": "active",
        "intent": "order",
        "subject": {"reference": f"Patient/{sender.patient}"},
        **broken,
    }
    assert sender.machine.station.put(line).ok
    catch_up(server.database, system_clock, sender.code)
    assert sender.machine.station.get("ServiceRequest/x").json()["id"] == "x"


def test_the_addresses_of_a_letter_take_any_text(clerk):
    for path in ("..%2f..%2fetc", "%00", "x" * 300, "%F0%9F%A9%BA"):
        assert clerk.get(f"/web/inbox/{path}/{path}").status_code in (404, 400)


def test_an_answer_holds_no_more_than_it_says(sender, clerk):
    letter = sender.send(clerk.code)
    clerk.answer(sender.path(letter), "accept")
    (line,) = sender.answers()
    assert set(json.loads(json.dumps(line))) == {
        *("at", "by", "device", "id", "inc", "kind", "n", "resources", "status")
    }
