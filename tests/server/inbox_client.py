"""Letters as a station sends them, and a hospital's person who opens the inbox."""

from __future__ import annotations

import json
import re
import secrets
from typing import Any

import requests
from argon2 import PasswordHasher

from provincial_server import auth
from provincial_server.exchange.indexing import catch_up
from provincial_server.settings import system_clock
from provincial_server.web import accounts
from tests.server.exchange_client import Machine, encode, envelope, op_id, person, record_id

# The cost of a real password is not what these tests are about.
accounts._hasher = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
accounts._NOBODY = accounts._hasher.hash("nobody")
PASSWORD = "Câu mẫu dài 2026!"
OWN = "https://station-emr.example/fhir"
CODE_SYSTEM = "http://fhir.hl7.org.vn/core/sid/ma-cskcb"


class Visitor:
    """A browser without scripts: keeps cookies, reads forms, sends them back."""

    def __init__(self, root: str) -> None:
        self.root = root
        self.session = requests.Session()

    def get(self, path: str, **more: Any) -> requests.Response:
        return self.session.get(f"{self.root}{path}", timeout=30, **more)

    def hidden(self, path: str, name: str = "csrf") -> str:
        found = re.search(rf'name="{name}" value="([^"]+)"', self.get(path).text)
        assert found, path
        return found[1]

    def post(self, path: str, page: str | None = None, **fields: str) -> requests.Response:
        if "csrf" not in fields:
            fields["csrf"] = self.hidden(page or path)
        return self.session.post(
            f"{self.root}{path}", data=fields, timeout=30, allow_redirects=False
        )

    def log_in(self, username: str, password: str = PASSWORD, **fields: str) -> requests.Response:
        return self.post("/web/login", username=username, password=password, **fields)

    def answer(self, letter: str, step: str, **fields: str) -> requests.Response:
        """What the page of the letter offers, with the marks that stand there now."""
        page = self.get(letter).text
        for name in ("csrf", "seen"):
            found = re.search(rf'name="{name}" value="([^"]+)"', page)
            if name not in fields and found:
                fields[name] = found[1]
        return self.session.post(
            f"{self.root}{letter}/{step}", data=fields, timeout=30, allow_redirects=False
        )


def hospital(server: Any, code: str | None = None) -> tuple[str, str]:
    """A receiving facility with one person; its code and the person's name."""
    code = code or f"BVMAU{secrets.token_hex(3)}"
    name = f"mau.{secrets.token_hex(4)}"
    with server.database.write("*") as session:
        auth.add_facility(session, code, f"Bệnh viện mẫu {code}", 0)
        accounts.add_user(
            session, name, "Người nhận mẫu", "receiver", PASSWORD, 0, facility_code=code
        )
    return code, name


def letter_resources(
    letter: str, patient: str, receiver: str, *, name: str = "Puih Thị Mẫu", **items: str
) -> list[dict[str, Any]]:
    signed = [
        {"url": "full_name", "valueString": name},
        {"url": "birth", "valueDate": "1959-05-03"},
        {"url": "sex", "valueCode": "female"},
        {"url": "coverage", "extension": [{"url": "number", "valueString": "GD4649900000097"}]},
        {"url": "allergies", "valueString": "Penicillin"},
    ]
    own = {"clinical_signs": "Đau ngực từ sáng", "plan": "Can thiệp", **items}
    owner = {"identifier": {"system": CODE_SYSTEM, "value": receiver}, "display": "Nơi nhận mẫu"}
    return [
        {
            "resourceType": "ServiceRequest",
            "id": letter,
            "extension": [
                {
                    "url": f"{OWN}/StructureDefinition/referral-letter",
                    "extension": [{"url": key, "valueString": own[key]} for key in own],
                },
                {
                    "url": f"{OWN}/StructureDefinition/as-signed",
                    "extension": [{"url": "patient", "extension": signed}],
                },
            ],
            "identifier": [{"system": f"{OWN}/sid/referral-number", "value": "A1-0007/2026"}],
            "status": "active",
            "intent": "order",
            "priority": "stat",
            "subject": {"reference": f"Patient/{patient}"},
            "authoredOn": "2026-11-20T08:45:00+07:00",
            "performer": [owner],
            "reasonCode": [{"text": "I20.0 Cơn đau thắt ngực không ổn định"}],
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


class Sender:
    """A station that writes letters and sends them by the exchange."""

    def __init__(self, server: Any, machine: Machine) -> None:
        self.server, self.machine = server, machine
        self.code = machine.station.facility
        self.patient = record_id()
        machine.exchange(person(self.patient, name="Puih Thị Mẫu"))
        self.last: dict[str, str] = {}

    def send(self, receiver: str, letter: str | None = None, **keys: Any) -> str:
        """Writes a letter, or a new version of one, and waits until it is shown; its id."""
        letter = letter or record_id()
        said = {key: keys.pop(key) for key in ("status", "reason") if key in keys}
        base = {"base": [self.last[letter]]} if letter in self.last else {}
        parts = letter_resources(letter, self.patient, receiver, **keys)
        if said.get("status") == "voided":
            parts = [{**part, "status": "entered-in-error"} for part in parts]
        line = encode(envelope("referral", letter, *parts, **base, **said))
        assert self.machine.exchange(line).taken == [0]
        self.last[letter] = op_id(line)
        catch_up(self.server.database, system_clock, self.code)
        return letter

    def path(self, letter: str) -> str:
        return f"/web/inbox/{self.code}/{letter}"

    def answers(self) -> list[dict[str, Any]]:
        """The lines of kind `feedback` that a new machine of this station fetches."""
        other = Machine(self.server.station(self.code, "Máy 2"))
        lines = [json.loads(line) for line in other.exchange().lines]
        other.station.session.close()
        return [line for line in lines if line["kind"] == "feedback"]
