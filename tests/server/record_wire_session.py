"""Keeps a whole session of today's station program for the servers to come (docs/server.md).

``python -m tests.server.record_wire_session 0.3`` writes ``wire_0_3_session.json`` beside this file, once,
when the release is made; it never writes over one. Clock, ids and keys are fixed, everybody in it is made up.
"""

from __future__ import annotations

import hashlib
import json
import sys
import tempfile
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs

import jwt

from station_emr.demo.clock import DemoClock
from station_emr.domain.record import RecordKind
from station_emr.domain.user import Actor
from station_emr.interop.fhir.shared_history import SharedHistory
from station_emr.printing.documents import PdfDocuments
from station_emr.security.device_key import DeviceKey
from station_emr.services.attachments import FormMaker
from station_emr.services.audit_evidence import Anchoring
from station_emr.services.courier import PROVINCE_KEY
from station_emr.services.elsewhere import Agreement, Elsewhere
from station_emr.sync.allowance import Allowance
from station_emr.sync.anchor_line import AnchorsOverHttp
from station_emr.sync.attachment_line import FormsOverHttp
from station_emr.sync.attachments import FormSender
from station_emr.sync.catalog_fetching import CatalogFetcher
from station_emr.sync.catalog_line import CatalogsOverHttp
from station_emr.sync.client import FhirClient
from station_emr.sync.enrolment import Registrar
from station_emr.sync.history_line import HistoryOverHttp
from station_emr.sync.tokens import KeyTokens
from station_emr.two_way import PROGRAM
from tests import databases
from tests.interop import fhir_records as sample
from tests.server import wire_session as kept
from tests.server.wire_session import App, Province
from tests.sync.exchange_machines import Machine, new_machine

FACILITIES = {"DEMO1": "Trạm Y tế xã Mẫu", "DEMO9": "Bệnh viện Mẫu"}
LIST = "treatment_result"
FIRST = [["Mã", "Tên"], *([str(n), f"Kết quả mẫu {n}"] for n in range(1, 9))]
SECOND = [*FIRST[:3], ["3", "Kết quả mẫu 3 sửa"], *FIRST[4:], ["9", "Kết quả mẫu 9"]]
NOT_SENT = {"host", "connection", "content-length"}
DOCTOR = Actor(user=sample.USER, device="Máy 1")


class Hands(DemoClock):
    """The one clock of everybody."""

    @property
    def moment(self) -> datetime:
        return self._now

    @property
    def milliseconds(self) -> int:
        return int(self._now.timestamp() * 1000)


class Tape:
    """Stands before the server and writes down what it gets and gives."""

    def __init__(self, clock: Hands) -> None:
        self.app: App
        self.clock = clock
        self.time = [0]
        self.speaker = ""
        self.breaks = False
        """The second piece of a printed form does not get to the server."""
        self.rows: list[dict[str, Any]] = []
        self.names: dict[str, str] = {}
        """What is made anew when the session is played, with what stands for it."""

    def around(self, app: App) -> App:
        self.app = app
        return self

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        if self.breaks and dict(scope["headers"]).get(b"content-range", b"").startswith(
            b"bytes 16"
        ):
            await send({"type": "http.response.start", "status": 503, "headers": []})
            await send({"type": "http.response.body"})
            return
        asked, answered, started = bytearray(), bytearray(), {}

        async def reading() -> Any:
            message = await receive()
            asked.extend(message.get("body", b""))
            return message

        async def writing(message: Any) -> None:
            if message["type"] == "http.response.start":
                date = f"{self.clock.moment:%a, %d %b %Y %H:%M:%S} +0700".encode()
                message["headers"] = [*message["headers"], (b"date", date)]
                started.update(message)
            answered.extend(message.get("body", b""))
            await send(message)

        await self.app(scope, reading, writing)
        self._keep(scope, bytes(asked), started, bytes(answered))

    def _keep(self, scope: Any, asked: bytes, started: Any, answered: bytes) -> None:
        headers = _words(scope["headers"])
        query = scope["query_string"].decode()
        row: dict[str, Any] = {
            "who": self.speaker,
            "at": self.time[0],
            "method": scope["method"],
            "target": scope["raw_path"].decode() + (f"?{query}" if query else ""),
            "headers": {name: text for name, text in headers.items() if name not in NOT_SENT},
            **kept.text_of(asked, headers),
        }
        if "authorization" in row["headers"]:
            row["headers"]["authorization"] = "Bearer {token}"
        if row["target"] == "/token":
            _note_assertion(row)
        given = _words(started["headers"])
        row["answer"] = kept.understood(started["status"], given, answered)
        if row["target"] == "/fhir/metadata":
            row["answer"]["json"] = _used(row["answer"]["json"])
        if row["target"].startswith("/fhir/$catalogs") and "etag" in given:
            self.names[given["etag"].strip('"')] = "{catalogs}"
        if row["target"] == "/token":
            self.names[row["answer"]["json"]["access_token"]] = "{token}"
        if row["target"] == "/enrol":
            said = row["answer"]["json"]
            self.names[said["device_id"]] = f"{{device {self.speaker}}}"
            self.names[json.loads(row["text"])["code"]] = "{code}"
        self.rows.append(row)


def _words(headers: Any) -> dict[str, str]:
    return {name.decode("latin-1").lower(): text.decode("latin-1") for name, text in headers}


def _note_assertion(row: dict[str, Any]) -> None:
    """What it says stays; its signature, its times and its name do not."""
    [given] = parse_qs(row["text"])["client_assertion"]
    claims = jwt.decode(given, options={"verify_signature": False})
    row["text"] = row["text"].replace(given, "{assertion}")
    row["assertion"] = {
        "header": jwt.get_unverified_header(given),
        "claims": {**claims, "iat": "{now}", "exp": claims["exp"] - claims["iat"], "jti": "{new}"},
    }


def _used(statement: dict[str, Any]) -> dict[str, Any]:
    """The part of a statement that a station goes by; words for people are not."""
    [rest] = statement["rest"]
    used = {
        "mode": rest["mode"],
        "interaction": _only(rest["interaction"], "code"),
        "operation": _only(rest["operation"], "name", "extension"),
        "resource": _only(rest["resource"], "type", "updateCreate"),
    }
    return {name: statement[name] for name in ("resourceType", "fhirVersion")} | {"rest": [used]}


def _only(rows: list[dict[str, Any]], *names: str) -> list[dict[str, Any]]:
    return [{name: row[name] for name in names if name in row} for row in rows]


class Desk:
    """A PC of a station with its line to the province."""

    def __init__(self, folder: Path, tape: Tape, province: Province, name: str, code: str) -> None:
        self.tape, self.province, self.name, self.code = tape, province, name, code
        self.machine: Machine = new_machine(folder, None, name=f"{code}-{name}")
        self.machine.clock = tape.clock  # type: ignore[assignment]
        self.key = DeviceKey(kept.device_key(f"{code} {name}"))

    def enrol(self) -> None:
        tape, clock = self.tape, self.machine.clock
        tape.speaker = f"{self.code} {self.name}"
        self.tick()
        one_time = self.province.code(self.code)
        self.enrolled = Registrar(clock).enrol(
            f"{self.province.root}/fhir", one_time, self.name, self.key.public_pem
        )
        self.tokens = KeyTokens(self.enrolled.device_id, self.key, self.enrolled.token_url)
        self.machine.put(PROVINCE_KEY, self.enrolled.courier_key)

    def tick(self) -> None:
        """The server's clock is the station's."""
        self.province.time[0] = self.tape.clock.milliseconds

    def sync(self) -> None:
        """A start of the program with all its parts."""
        self.tape.speaker = f"{self.code} {self.name}"
        self.tick()
        store, clock = self.machine.store, self.machine.clock
        allowance = Allowance(store, clock, lambda: False)
        lines: list[FhirClient] = []

        def forms(client: FhirClient) -> FormSender:
            lines.append(client)
            make = FormMaker(store, PdfDocuments())
            return FormSender(store, clock, FormsOverHttp(client), make, allowance)

        def lists(client: FhirClient) -> CatalogFetcher:
            return CatalogFetcher(store, clock, CatalogsOverHttp(client), allowance)

        to = SimpleNamespace(url=self.enrolled.server_url, token=self.tokens)
        engine = self.machine.engine(to, forms=forms, catalogs=lists, program=PROGRAM)
        anchoring = Anchoring(store, clock)
        engine.do_after_runs(lambda: anchoring.run(AnchorsOverHttp(lines[0], clock)))
        run = engine.run_once()
        lines[0].close()
        assert run.outcome == "complete", (run.outcome, run.detail)

    def elsewhere(self) -> Elsewhere:
        """The desk where somebody asks for what other stations wrote, or who asked."""
        self.tape.speaker = f"{self.code} {self.name}"
        self.tick()
        store, clock = self.machine.store, self.machine.clock

        def line(_work: Any) -> HistoryOverHttp:
            return HistoryOverHttp(FhirClient(self.province.root, self.tokens, clock))

        return Elsewhere(store, clock, line, SharedHistory())

    def found(self) -> None:
        profile = replace(sample.STATION, code=self.code, name=FACILITIES[self.code])
        with self.machine.store.write() as work:
            work.settings.save_station(profile, sample.AT)
            work.users.save(sample.USER, author=None, at=sample.AT)
            for _ in range(3):
                work.audit.append(DOCTOR, "patient.view", sample.AT, patient_id="p")


def play(tape: Tape, province: Province, folder: Path) -> None:
    """Two days: what one PC writes, what the other gets, a new list, and a hospital that asks."""

    def act(**what: Any) -> None:
        tape.rows.append({"province": what})
        kept.operate(province, what)

    first, second, hospital = (
        Desk(folder, tape, province, name, code)
        for name, code in (("Máy 1", "DEMO1"), ("Máy 2", "DEMO1"), ("Máy 1", "DEMO9"))
    )
    for desk in (first, second, hospital):
        desk.found()
        desk.enrol()
    act(publish=[LIST, "2027.1", "2027-01-01", FIRST])
    first.machine.work_a_day()
    with first.machine.store.write() as work:
        work.attachments.queue(RecordKind.REFERRAL, sample.REFERRAL.id, 1, sample.AT)
    tape.breaks = True
    first.sync()
    tape.breaks = False
    first.sync()
    people = [second.machine.another(number) for number in (1, 2, 3)]
    second.sync()
    second.machine.amend(people[0], full_name="Người Mẫu Một")
    tape.clock.forward(hours=25)
    act(publish=[LIST, "2027.2", "2027-02-01", SECOND])
    second.sync()
    first.machine.amend(sample.PATIENT, phone="0900000001")
    first.sync()
    first.sync()  # nothing is new
    hospital.machine.sign(sample.PATIENT)
    hospital.sync()
    act(match=True)
    asking = hospital.elsewhere()
    agreed = Agreement(number=sample.PATIENT.national_id)
    assert asking.look(DOCTOR, sample.PATIENT.id, agreed).parts
    first.elsewhere().sharing.ask(DOCTOR)
    sharing = hospital.elsewhere().sharing
    [consent] = sharing.kept(DOCTOR).consents
    assert sharing.withdraw(DOCTOR, consent.id)
    for desk in (first, second, hospital):
        desk.machine.store.close()


def record() -> dict[str, Any]:
    """The session as a fixture holds it."""
    clock = Hands(sample.AT, seed=2)
    tape = Tape(clock)
    with databases.ending(), tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with kept.province(folder, tape.around) as province:
            tape.time = province.time
            province.found(FACILITIES)
            play(tape, province, folder)
            tape.names[province.root] = "{root}"
    text = json.dumps(tape.rows, ensure_ascii=False)
    for made, stands in tape.names.items():
        text = text.replace(made, stands)
    digest = hashlib.sha256(kept.DICTIONARY.read_bytes()).hexdigest()
    return {"facilities": FACILITIES, "dictionary": {"1": digest}, "rows": json.loads(text)}


def written(fixture: dict[str, Any]) -> str:
    """A row is a line."""
    rows = ",\n".join(json.dumps(row, ensure_ascii=False) for row in fixture.pop("rows"))
    head = json.dumps(fixture, ensure_ascii=False, indent=1).removesuffix("\n}")
    return f'{head},\n "rows": [\n{rows}\n]\n}}\n'


if __name__ == "__main__":
    target = Path(__file__).with_name(f"wire_{sys.argv[1].replace('.', '_')}_session.json")
    with target.open("x", encoding="utf-8") as file:
        file.write(written(record()))
