"""The provincial server of a simulated world: the real exchange over a real database, no sockets."""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from sqlalchemy import select

from provincial_server import auth, wire
from provincial_server.auth import Caller
from provincial_server.courier.keys import courier_keys, key_file
from provincial_server.courier.units import CourierDesk
from provincial_server.current_versions import STANDS
from provincial_server.database import Database
from provincial_server.exchange.indexing import settle
from provincial_server.exchange.plain import plain_writer
from provincial_server.exchange.service import Exchange, Refusal
from provincial_server.exchange.tables import Operation, unpack_line
from provincial_server.faults import Issue
from provincial_server.referrals.answering import Actor as Person
from provincial_server.referrals.answering import Answer, give, mark_of
from provincial_server.referrals.tables import ANSWERED, ReferralInbox
from provincial_server.settings import Settings
from provincial_server.store import Device, ResourceHead, ResourceVersion
from provincial_server.validation import Checked, check
from tests.interop import fhir_records as sample

from .compiled import share_statements

_WORD = re.compile(rb"SAI-MAU-(\d+)")


def refused_word(version: int) -> str:
    """What the program of this version refuses to take, and every later one takes."""
    return f"SAI-MAU-{version}"


def is_refused_word(text: str) -> bool:
    """Whether some version refuses it."""
    return _WORD.fullmatch(text.encode()) is not None


CODE = sample.STATION.code
HOSPITAL = sample.REFERRAL.to_facility_code


class ServerDied(Exception):
    """The process ended in the middle of a transaction."""


class _MortalDatabase(Database):
    """Dies before or after a commit when it is told to."""

    dies: str = ""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        for engine in (self.engine, self._reader, self._writer):
            share_statements(engine)
        self._eye = self.engine.raw_connection()  # for the checks alone

    def look(self, query: str) -> list[Any]:
        """What is committed, read beside the server."""
        return self._eye.driver_connection.execute(query).fetchall()

    def close(self) -> None:
        self._eye.close()
        super().close()

    @contextmanager
    def write(self, *facility: str) -> Iterator:
        fate, self.dies = self.dies, ""
        with super().write(*facility) as session:
            yield session
            if fate == "before":
                raise ServerDied
        if fate == "after":
            raise ServerDied


class Province:
    """``path`` is the database file; ``now`` gives milliseconds of the world's true time."""

    def __init__(self, path: Path, now: Callable[[], int]) -> None:
        self.path = path
        self.version = 1
        self._settings = Settings(f"sqlite:///{path}", clock=now)
        self._now = now
        self.database = _MortalDatabase(self._settings.database_url)
        self._exchange = self._open()

    def _open(self) -> Exchange:
        exchange = Exchange(self._settings, self.database)
        judge = exchange._judge
        exchange._judge = lambda line: (
            Refusal("poison", [Issue("value", "not known here", "Encounter.reasonCode")])
            if any(int(of) >= self.version for of in _WORD.findall(line))
            else judge(line)
        )
        return exchange

    @staticmethod
    def template(path: Path) -> None:
        database = Database(f"sqlite:///{path}")
        with database.write() as session:
            auth.add_facility(session, CODE, "Trạm mẫu", 0)
            auth.add_facility(session, HOSPITAL, "Bệnh viện Mẫu", 0)
            courier_keys(session)  # here, so that every backup holds the same
        database.close()

    def enrol(self, name: str, public_key: str) -> Caller:
        """The device of this name; a new one where the database has forgotten it. Its id stands in what
        it writes, and the same seed is the same story.
        """
        device_id = str(uuid5(NAMESPACE_URL, name))
        with self.database.write() as session:
            if session.get(Device, device_id) is None:
                enrolment = auth.enrol_device(
                    session, CODE, name, self._now(), public_key=public_key
                )
                session.get_one(Device, enrolment.device_id).id = device_id
        return Caller(device_id, CODE, "Trạm mẫu")

    def key_text(self) -> str:
        """What the province gives out for its courier files."""
        with self.database.write() as session:
            return key_file(courier_keys(session)).decode("ascii")

    def take_stick(self, path: Path, reply: Path, dies: str = "") -> int:
        """How many operations were new. Raises CourierRefused, and ServerDied in the middle of it."""
        desk = CourierDesk(self._settings, self.database)
        desk._exchange = self._exchange
        self.database.dies = dies
        try:
            return len(desk.import_units(path, reply).taken)
        except ServerDied:
            self.restart()
            raise
        finally:
            self.database.dies = ""

    def answer(self, caller: Caller, plain: bytes, dies: str = "") -> bytes:
        self.database.dies = dies
        try:
            return self._exchange.answer(caller, plain)
        except ServerDied:
            self.restart()
            raise
        finally:
            self.database.dies = ""

    def put_phone(self, caller: Caller, patient_id: str, phone: str, dies: str = "") -> None:
        """What another system does by plain FHIR: read, change, PUT. Raises FhirFault for a patient
        who is not there.
        """
        self.database.dies = dies
        try:
            with plain_writer(self.database, self._now, caller) as writer:
                stored = writer.current(("Patient", patient_id)).stored
                resource = json.loads(stored.as_json())
                resource["telecom"] = [{"system": "phone", "value": phone}]
                checked = check(resource, expected_type="Patient")
                assert isinstance(checked, Checked), checked
                writer.put(checked, patient_id)
        except ServerDied:
            self.restart()
            raise
        finally:
            self.database.dies = ""

    def reply(self, letter_id: str, status: str, text: str, dies: str = "") -> None:
        """What the hospital answers to a letter. Raises AnswerRefused where the letter is not there,
        or does not stand as it would have to.
        """
        self.index()
        with self.database.read(HOSPITAL) as session:
            row = session.get(ReferralInbox, (HOSPITAL, CODE, letter_id))
            seen = mark_of(row) if row else ""
        slip = {"advice": text} if status == ANSWERED else None
        answer = Answer(status, seen, reason=text, feedback=slip)
        person = Person("nguoi-nhan-mau", "Người Nhận Mẫu", HOSPITAL)
        self.database.dies = dies
        try:
            give(self.database, self._now, person, CODE, letter_id, answer)
        except ServerDied:
            self.restart()
            raise
        finally:
            self.database.dies = ""

    @property
    def software(self) -> str:
        return f"provincial-server 0.{self.version}.0"

    def upgrade(self) -> None:
        """The next program of the province, which takes what this one refuses."""
        self.version += 1
        self.restart()

    def restart(self) -> None:
        self.database.close()
        self.database = _MortalDatabase(self._settings.database_url)
        self._exchange = self._open()

    def index(self) -> None:
        """What the background thread does, now and then."""
        with self.database.write() as session:
            settle(session, CODE, self._now())

    def backup(self, target: Path) -> None:
        target.unlink(missing_ok=True)
        with sqlite3.connect(self.path) as source, sqlite3.connect(target) as copy:
            source.backup(copy)
        source.close()
        copy.close()

    def restore(self, backup: Path, *, announced: bool) -> None:
        self.database.close()
        for suffix in ("-wal", "-shm"):
            self.path.with_name(self.path.name + suffix).unlink(missing_ok=True)
        shutil.copyfile(backup, self.path)
        self.database = _MortalDatabase(self._settings.database_url)
        self._exchange = self._open()
        if announced:
            with self.database.write() as session:
                self.database.new_epoch(session)

    def close(self) -> None:
        self.database.close()

    def epoch(self) -> str:
        ((epoch,),) = self.database.look(
            "SELECT value || epoch_part FROM server_fact, facility "
            f"WHERE server_fact.name = 'epoch' AND facility.code = '{CODE}'"
        )
        return epoch

    def state(self) -> tuple[str, int]:
        """Another one whenever the log is."""
        ((highest,),) = self.database.look("SELECT coalesce(max(sequence), 0) FROM operation")
        return self.epoch(), highest

    def log(self) -> list[tuple[int, str]]:
        """Sequence number and operation id."""
        return self.database.look("SELECT sequence, op_id FROM operation ORDER BY sequence")

    def lines(self) -> Iterator[bytes]:
        with self.database.read() as session:
            for packed in session.scalars(select(Operation.line)):
                yield unpack_line(packed)

    def resources(self) -> dict[str, Any]:
        """What plain FHIR shows now, by type and id."""
        self.index()
        with self.database.read() as session:
            rows = session.execute(
                select(
                    ResourceVersion.resource_type,
                    ResourceVersion.resource_id,
                    ResourceVersion.content,
                )
                .join(ResourceHead, STANDS)
                .where(ResourceHead.facility_code == CODE)
            )
            return {
                f"{kind}/{each}": _plain(wire.reread(text.encode())) for kind, each, text in rows
            }

    @staticmethod
    def unit(line: bytes) -> dict[str, Any]:
        """The resources of a line in the same shape."""
        resources = wire.reread(line)["resources"]
        return {f"{one['resourceType']}/{one['id']}": _plain(one) for one in resources}


def _plain(resource: dict[str, Any]) -> dict[str, Any]:
    beside = ("resourceType", "id", "meta")
    return {name: value for name, value in resource.items() if name not in beside}
