"""Made-up referral letters for pictures of the inbox. Every name and number is invented, and visibly
so.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from provincial_server import auth
from provincial_server.auth import Caller
from provincial_server.binaries import Binary
from provincial_server.database import Database
from provincial_server.dates import VIETNAM
from provincial_server.exchange.plain import plain_writer
from provincial_server.referrals.answering import Actor, Answer, give
from provincial_server.referrals.tables import ReferralInbox
from provincial_server.store import EVERY_FACILITY
from provincial_server.validation import Checked, check
from provincial_server.web import accounts

HOSPITAL = ("MAU-BV2", "Bệnh viện đa khoa tỉnh (mẫu)")
_STATIONS = (
    ("MAU-T01", "Trạm Y tế xã Ia Mẫu (mẫu)"),
    ("MAU-T02", "Trạm Y tế xã Kon Thử (mẫu)"),
    ("MAU-T03", "Trạm Y tế phường Ví Dụ (mẫu)"),
)
_OWN = "https://station-emr.example/fhir"
_CODE = "http://fhir.hl7.org.vn/core/sid/ma-cskcb"
_MINUTE = 60_000


@dataclass(frozen=True)
class _Case:
    name: str
    born: str
    sex: str
    diagnoses: tuple[str, ...]
    signs: str
    ago: int  # minutes
    emergency: bool = False
    answer: str = ""
    reason: str = ""


_CASES = (
    _Case(
        "Rơ Châm H'Bĕ Mẫu",
        "1959-05-03",
        "female",
        ("I20.0 Cơn đau thắt ngực không ổn định", "I10 Bệnh tăng huyết áp vô căn (nguyên phát)"),
        "Đau ngực trái từ 5 giờ sáng, lan vai trái, vã mồ hôi. Tỉnh, mạch 96 lần/phút, huyết áp "
        "160/95 mmHg. Tim đều, phổi không ran.",
        38,
        emergency=True,
    ),
    _Case(
        "Siu Y Mẫu",
        "2022-08-14",
        "male",
        ("J18.9 Viêm phổi, tác nhân không xác định",),
        "Sốt ngày thứ ba, ho, thở nhanh 52 lần/phút, rút lõm lồng ngực.",
        125,
    ),
    _Case(
        "Nguyễn Thị Ví Dụ",
        "1998-02-20",
        "female",
        ("O14.9 Tiền sản giật, không đặc hiệu",),
        "Thai 34 tuần, phù hai chân, huyết áp 150/100 mmHg.",
        26 * 60,
        answer="accepted",
    ),
    _Case(
        "Đinh Văn Thử",
        "1971-11-09",
        "male",
        ("K35.8 Viêm ruột thừa cấp, khác và không đặc hiệu",),
        "Đau hố chậu phải từ tối qua, sốt 38,2 độ C.",
        31 * 60,
        emergency=True,
        answer="in-progress",
    ),
    _Case(
        "Puih Minh Hoạ",
        "1964-01-01",
        "male",
        ("E11.9 Đái tháo đường týp 2, không có biến chứng",),
        "Đường máu lúc đói 14 mmol/L dù đã dùng thuốc đều.",
        6 * 24 * 60,
        answer="completed",
    ),
    _Case(
        "Trần Văn Giả Định",
        "1988-06-30",
        "male",
        ("H26.9 Đục thủy tinh thể, không đặc hiệu",),
        "Mờ mắt phải tăng dần sáu tháng nay.",
        8 * 24 * 60,
        answer="rejected",
        reason="Khoa Mắt đang tạm ngừng nhận, đề nghị chuyển Bệnh viện Mắt (mẫu).",
    ),
)


def fill_inbox(database: Database, now: int) -> tuple[str, str]:
    """Letters of three stations to one hospital; the paths of a new one and of an answered one."""
    code, name = HOSPITAL
    with database.write(EVERY_FACILITY) as session:
        auth.add_facility(session, code, name, now)
        user = accounts.add_user(
            session,
            "nhan.mau",
            "Trần Thị Tiếp Nhận (mẫu)",
            accounts.RECEIVER,
            "Câu mẫu dài 2026!",
            now,
            facility_code=code,
        )
        devices = {}
        for station, title in _STATIONS:
            auth.add_facility(session, station, title, now)
            devices[station] = auth.enrol_device(session, station, "Máy 1", now).device_id
    actor = Actor(user.id, user.full_name, code)
    paths = {}
    for number, case in reversed(list(enumerate(_CASES, 1))):
        station, title = _STATIONS[number % len(_STATIONS)]
        caller = Caller(devices[station], station, title)
        letter = _write(database, caller, number, case, now - case.ago * _MINUTE)
        paths[number] = f"/web/inbox/{station}/{letter}"
        if case.answer:
            _answer(database, actor, station, letter, case, now)
    return paths[1], paths[5]


def _write(database: Database, caller: Caller, number: int, case: _Case, at: int) -> str:
    patient, letter = (f"0197f000-0000-7000-8000-{kind}{number:011d}" for kind in "12")
    with plain_writer(database, lambda: at, caller) as writer:
        for resource in _resources(patient, letter, number, case, caller, at):
            checked = check(resource)
            assert isinstance(checked, Checked), checked
            writer.put(checked, resource["id"])
    content = _paper(number)
    sha256 = hashlib.sha256(content).digest()
    if number != 2:  # one that is still on its way
        with database.write(caller.facility_code) as session:
            session.add(
                Binary(
                    facility_code=caller.facility_code,
                    id=f"{letter}-b{sha256.hex()[:16]}",
                    record_id=letter,
                    content_type="application/pdf",
                    sha256=sha256,
                    device_id=caller.device_id,
                    received_at=at + 4 * _MINUTE,
                    size=len(content),
                    content=content,
                )
            )
    return letter


def _answer(
    database: Database, actor: Actor, station: str, letter: str, case: _Case, now: int
) -> None:
    """As the clerk's page would do it, step by step."""
    slip = {
        "discharged_on": f"{datetime.fromtimestamp(now / 1000, VIETNAM) - timedelta(days=2):%Y-%m-%d}",
        "diagnosis_code": "E11.9",
        "diagnosis": "Đái tháo đường týp 2, đường máu đã ổn định",
        "treatment": "Chỉnh liều insulin nền, tư vấn dinh dưỡng",
        "outcome": "Đỡ",
        "advice": "Thử đường máu mao mạch lúc đói mỗi tuần; tái khám nếu trên 10 mmol/L.",
    }
    steps = {"completed": ("in-progress", "completed")}.get(case.answer, (case.answer,))
    for place, status in enumerate(steps):
        with database.write(actor.facility_code) as session:
            row = session.get_one(ReferralInbox, (actor.facility_code, station, letter))
            row.read_version = row.version
        feedback = slip if status == "completed" else None
        answer = Answer(status, f"1.{place}", case.reason, feedback)
        give(database, lambda: now - 20 * _MINUTE, actor, station, letter, answer)


def _resources(
    patient: str, letter: str, number: int, case: _Case, caller: Caller, at: int
) -> list[dict[str, Any]]:
    signed = f"{datetime.fromtimestamp(at / 1000, VIETNAM):%Y-%m-%dT%H:%M:00+07:00}"
    owner = {"identifier": {"system": _CODE, "value": HOSPITAL[0]}, "display": HOSPITAL[1]}
    items = {
        "record_number": f"HS-{number:04d}",
        "register_number": f"A1-{number:04d}",
        "clinical_signs": case.signs,
        "test_results": "Điện tâm đồ: ST chênh xuống V4 đến V6" if number == 1 else "",
        "treatment": "Aspirin 81 mg nhai 2 viên lúc 06:10" if number == 1 else "",
        "condition_on_transfer": "Tỉnh, tự thở, đi lại được",
        "plan": "Khám và điều trị chuyên khoa",
        "transport": "Xe cứu thương" if case.emergency else "Xe gia đình",
        "escort": "ĐD. Lê Thị Hộ Tống (mẫu)" if case.emergency else "",
    }
    person = {
        "full_name": case.name,
        "birth": case.born,
        "sex": case.sex,
        "phone": f"090000{number:04d}",
        "address": "Làng Ví Dụ, Xã Mẫu, Tỉnh Gia Lai",
        "ethnic_name": "Gia Rai" if number in {1, 2, 5} else "Kinh",
        "nationality_name": "Việt Nam",
    }
    if number == 1:
        person["allergies"] = "Penicillin"
    card = {"number": f"GD464990000{number:04d}", "valid_to": "2026-12-31"}
    station = {"name": caller.facility_name, "phone": "0269000000", "address": "Xã Mẫu"}
    doctor = {"full_name": "Nguyễn Thị Hoa", "title": "BS.", "licence_no": "000001/MAU"}
    parts = [*_parts(person), {"url": "coverage", "extension": _parts(card)}]
    return [
        {
            "resourceType": "Patient",
            "id": patient,
            "name": [{"text": case.name}],
            "gender": case.sex,
            "birthDate": case.born,
        },
        {
            "resourceType": "ServiceRequest",
            "id": letter,
            "extension": [
                {
                    "url": f"{_OWN}/StructureDefinition/referral-letter",
                    "extension": _parts(items),
                },
                {
                    "url": f"{_OWN}/StructureDefinition/as-signed",
                    "extension": [
                        {"url": "station", "extension": _parts(station)},
                        {"url": "patient", "extension": parts},
                        {"url": "referrer", "extension": _parts(doctor)},
                    ],
                },
            ],
            "identifier": [
                {"system": f"{_OWN}/sid/referral-number", "value": f"A1-{number:04d}/2026/PCCKCB"}
            ],
            "status": "active",
            "intent": "order",
            "priority": "stat" if case.emergency else "routine",
            "subject": {"reference": f"Patient/{patient}"},
            "occurrenceDateTime": signed,
            "authoredOn": signed,
            "performer": [owner],
            "reasonCode": [{"text": text} for text in case.diagnoses],
        },
        {
            "resourceType": "Task",
            "id": f"{letter}-t1",
            "status": "requested",
            "intent": "order",
            "focus": {"reference": f"ServiceRequest/{letter}"},
            "for": {"reference": f"Patient/{patient}"},
            "owner": owner,
        },
    ]


def _parts(texts: dict[str, str]) -> list[dict[str, str]]:
    return [{"url": name, "valueString": text} for name, text in texts.items() if text]


def _paper(number: int) -> bytes:
    """Bytes that stand for a printed form; nobody opens it in a picture."""
    return b"%PDF-1.4\n" + f"Mẫu {number}\n".encode() * 7000
