"""A made-up province for pictures of the pages: stations that do well, stations to call, people with
two charts. Every name and number is invented, and visibly so.
"""

from __future__ import annotations

import random
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import insert
from sqlalchemy.orm import Session

from provincial_server import auth, wire
from provincial_server.database import Database
from provincial_server.dates import VIETNAM
from provincial_server.exchange.tables import DeviceState
from provincial_server.people.matching import match_people
from provincial_server.people.tables import SharedAccess
from provincial_server.referrals.tables import ReferralInbox
from provincial_server.stations.tables import (
    CONTACT,
    ENCOUNTER,
    RECEIVED,
    CountedUpTo,
    DailyCount,
)
from provincial_server.store import (
    EVERY_FACILITY,
    Change,
    Device,
    Facility,
    ResourceHead,
    ResourceVersion,
)
from provincial_server.web.access_log import note_access

STATIONS = 48
_LIVE = 37
_HOUR, _DAY = 3_600_000, 86_400_000
_SID = "http://fhir.hl7.org.vn/core/sid"
_VILLAGES = ["Ia Mẫu", "Kon Thử", "Plei Ví Dụ", "Đăk Minh Hoạ", "Chư Giả Định"]


def fill(database: Database, now: int) -> None:
    """Into an empty database."""
    chance = random.Random(4)
    today = datetime.fromtimestamp(now / 1000, VIETNAM).date()
    codes = [f"MAU-{number:03d}" for number in range(1, STATIONS + 1)]
    with database.write(EVERY_FACILITY) as session:
        auth.add_facility(session, "MAU-BV1", "Trung tâm y tế mẫu khu vực 1", now)
        for number, code in enumerate(codes):
            village = _VILLAGES[number % len(_VILLAGES)]
            name = f"Trạm y tế xã {village} {number + 1} (mẫu)"
            auth.add_facility(session, code, name, now - 90 * _DAY)
            _add_station(session, chance, code, number, now, today)
    with database.write(EVERY_FACILITY) as session:
        _add_people(session, codes, now)
    match_people(database, lambda: now)
    with database.write(EVERY_FACILITY) as session:
        _add_looks(session, codes, now)


def _add_station(
    session: Session, chance: random.Random, code: str, number: int, now: int, today: date
) -> None:
    lives = number < _LIVE
    silent = {5: 6, 17: 12}.get(number, 0) if lives else chance.choice([0, 9, 20])
    contact = now - silent * _DAY - chance.randint(1, 50) * 60_000
    for place in range(1 + number % 2):
        device = auth.enrol_device(session, code, f"Máy {place + 1}", now - 60 * _DAY).device_id
        found = session.get_one(Device, device)
        found.last_contact_at = contact
        found.program = "Station-EMR/0.2.0"
        waiting = {5: 486, 9: 240}.get(number, chance.choice([0, 0, 0, 2, 7]))
        state: dict[str, Any] = {
            "program": "0.1.4" if number in {11, 30} else "0.2.0",
            "clock": _iso(contact + (3 * _HOUR if number == 22 else 400)),
            "conflicts": 2 if number == 14 else 0,
        }
        if waiting and not place:
            state |= {"waiting": waiting, "oldest": _iso(contact - 5 * _HOUR)}
        if number == 14 and not place:
            state["refused"] = 3
        session.add(DeviceState(device_id=device, state=wire.canonical(state), received_at=contact))
    session.add(CountedUpTo(facility_code=code, sequence=0, counted_at=now - 40_000))
    session.flush()
    if lives:
        session.execute(insert(DailyCount), _counts(chance, code, number, silent, today))
        _add_letters(session, chance, code, now)


def _counts(
    chance: random.Random, code: str, number: int, silent: int, today: date
) -> list[dict[str, Any]]:
    """Stations join one after another, eleven weeks ago at the earliest."""
    first = max(0, 77 - number * 2)
    rows = []
    for back in range(first, silent - 1, -1):
        day = today - timedelta(days=back)
        visits = chance.randint(1, 6) if day.weekday() > 4 else chance.randint(9, 34)
        for kind, count in ((ENCOUNTER, visits), (RECEIVED, visits), (CONTACT, 1)):
            rows.append(
                {"facility_code": code, "kind": kind, "day": day.isoformat(), "count": count}
            )
    return rows


def _add_letters(session: Session, chance: random.Random, code: str, now: int) -> None:
    for number in range(chance.randint(2, 9)):
        sent = now - chance.randint(2, 80) * _DAY
        accepted = sent + chance.randint(1, 20) * _HOUR
        session.add(
            ReferralInbox(
                facility_code="MAU-BV1",
                sender_code=code,
                record_id=f"thu-{code}-{number}",
                letter_state="current",
                version=1,
                number=f"{number + 1:03d}/MAU",
                sender_name="Trạm mẫu",
                patient_id="mau",
                patient_name="Người mẫu",
                birth="1980",
                sex="female",
                insurance="",
                diagnosis="Mẫu",
                search_words="",
                emergency=False,
                written_at=sent,
                received_at=sent,
                changed_at=sent,
                accepted_at=accepted,
                answered_at=accepted + chance.randint(1, 6) * _DAY if number % 3 else None,
            )
        )


def _add_people(session: Session, codes: list[str], now: int) -> None:
    people = [
        ("Rơ Châm H'Mẫu", "1990-05-17", "female", "064190000001", "GD4640000000001"),
        ("Siu Thử", "1975-02-03", "male", "064075000002", ""),
        ("Nguyễn Thị Ví Dụ", "1988", "female", "", "DN4640000000003"),
        ("Kpuih Minh Hoạ", "2016-09-21", "male", "", "TE1640000000004"),
    ]
    typed = [
        ("RO CHAM HMAU", "1990-05-17", "female", "064190000001", "HN4640000000001"),
        ("Siu Thử", "1975-02-03", "male", "064075000007", ""),
        ("Nguyễn Thị Ví Dụ", "1988-11-30", "female", "", "GD4640000000003"),
        ("Kpuih Minh Hoà", "2016-09-21", "male", "", ""),
    ]
    for code, rows in ((codes[0], people), (codes[3], typed)):
        device = auth.enrol_device(session, code, "Máy nhập liệu", now - 60 * _DAY).device_id
        session.get_one(Device, device).last_contact_at = now - 60_000
        for number, row in enumerate(rows, 1):
            _add_chart(session, code, device, number, row, now)
        session.get_one(Facility, code).last_sequence = len(rows)
    session.flush()


def _add_chart(
    session: Session, code: str, device: str, number: int, row: tuple[str, ...], now: int
) -> None:
    name, birth, sex, national, card = row
    numbers = [("cccd", national), ("bhyt", card)]
    key: dict[str, Any] = {
        "facility_code": code,
        "resource_type": "Patient",
        "resource_id": f"mau-{code.lower()}-{number}",
        "version": 1,
    }
    _, content = wire.split(
        {
            "active": True,
            "identifier": [
                {"system": f"{_SID}/{kind}", "value": value} for kind, value in numbers if value
            ],
            "name": [{"text": name}],
            "gender": sex,
            "birthDate": birth,
            "address": [{"line": ["Làng Ia Mẫu"], "city": "Xã Mẫu"}],
        }
    )
    session.execute(
        insert(ResourceHead), [{**key, "last_updated": now, "content_hash": b"", "record_id": ""}]
    )
    session.execute(
        insert(ResourceVersion),
        [{**key, "last_updated": now, "device_id": device, "meta": "{}", "content": content}],
    )
    change = {"sequence": number, "owner_code": code, "origin_device_id": device}
    session.execute(insert(Change), [{**key, **change}])


def _add_looks(session: Session, codes: list[str], now: int) -> None:
    looks = [
        (
            codes[0],
            codes[3],
            3 * _DAY,
            "consent",
            "Khám; đồng ý bằng giấy đã ký; người ghi: YS Mẫu",
        ),
        (
            codes[3],
            codes[0],
            26 * _HOUR,
            "emergency",
            "Khẩn cấp, chưa có sự đồng ý: người bệnh bất tỉnh, nghi phản vệ, cần tiền sử dị ứng",
        ),
        (
            codes[0],
            codes[8],
            2 * _HOUR,
            "consent",
            "Khám; đồng ý bằng lời nói có người làm chứng; người ghi: BS Ví Dụ",
        ),
    ]
    for home, asking, ago, basis, reason in looks:
        sequence = note_access(
            session,
            facility_code=home,
            at=now - ago,
            actor_kind="device",
            actor_id="mau",
            action="shared-history",
            object_type="Patient",
            object_id=f"mau-{home.lower()}-1",
            purpose=reason,
        )
        session.add(
            SharedAccess(
                facility_code=home,
                sequence=sequence,
                at=now - ago,
                patient_id=f"mau-{home.lower()}-1",
                asking_facility_code=asking,
                device_id="mau",
                asking_user="YS Mẫu Ghi",
                basis=basis,
                consent_id="",
                reason=reason,
                matched_by="number",
                resources=42,
            )
        )
    session.flush()


def _iso(moment: int) -> str:
    return datetime.fromtimestamp(moment / 1000, VIETNAM).isoformat(timespec="seconds")
