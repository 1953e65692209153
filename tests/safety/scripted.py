"""A busy session at a station, one use case after the other, for tests that end it at any moment.

Before each call a line says what is about to be done; after it has returned, a line says what the person
was told. Whoever reads the lines knows what has to be there, and what may.
"""

from __future__ import annotations

import json
import os
import random
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from sqlalchemy import text

from station_emr.demo.people import People
from station_emr.demo.station import DEMO_PASSWORD
from station_emr.domain.birth import BirthDate
from station_emr.domain.catalog import CatalogKind, drug_of
from station_emr.domain.encounter import Diagnosis, DiagnosisRole, Encounter
from station_emr.domain.errors import EnvironmentFailure, InvalidRecord
from station_emr.domain.permissions import Role
from station_emr.domain.prescription import line_from_drug
from station_emr.domain.record import Changes, RecordKind
from station_emr.domain.referral import ReferralReason
from station_emr.domain.user import User
from station_emr.domain.vitals import VitalSigns
from station_emr.services.secret import Secret
from station_emr.services.visits import VisitPapers
from station_emr.station import OpenStation
from tests.signing_authority import PASSWORD as KEY_FILE_PASSWORD

FORM = "registration"
_PAPERS = (RecordKind.PRESCRIPTION, RecordKind.REFERRAL, RecordKind.APPOINTMENT)


def say(line: dict[str, Any]) -> None:
    """One line to whoever kills: it is in the pipe, whole, before this returns."""
    os.write(1, (json.dumps(line, ensure_ascii=False) + "\n").encode())


@dataclass
class Desk:
    """What this session has made, to go on with."""

    patients: list[str] = field(default_factory=list)
    treated: set[str] = field(default_factory=set)
    signed: list[str] = field(default_factory=list)
    papers: list[tuple[RecordKind, str]] = field(default_factory=list)


class BusyDay:
    """Calls use cases in an order drawn from ``seed``; ``turn`` makes its words unlike all others.

    ``digital`` says that a key is at hand for signing files; ``whole`` that the lists of drugs and
    diagnoses are there, so that visits can be closed.
    """

    def __init__(
        self,
        station: OpenStation,
        seed: int,
        turn: int,
        copies: Path,
        *,
        whole: bool = True,
        tell: Callable[[dict[str, Any]], None] = say,
    ) -> None:
        self._tell = tell
        self._station = station
        self._use = station.services
        self._actor = station.actor
        self._draw = random.Random(seed)
        self._turn = turn
        self._copies = copies
        self._step = 0
        self._desk = Desk()
        self._people = People(seed, date(2026, 11, 20))
        self._whole = whole
        self._within = ""
        self._jobs: tuple[tuple[int, Callable[[], None]], ...] = (
            (3, self._register),
            (2, self._correct),
            (2, self._keep_form),
        )
        if whole:
            self._jobs += (
                (8, self._visit),
                (3, self._amend),
                (3, self._print),
                (1, self._sign_files),
                (1, self._back_up),
                (1, self._check_log),
                (1, self._void),
                (1, self._add_person),
                (2, self._rotate),
            )

    def go_on(self, calls: int | None = None) -> None:
        """Until it is killed, or for at least so many calls."""
        self._take_over()
        if not self._desk.patients or not self._whole:
            self._register()
        weights = [weight for weight, _ in self._jobs]
        while calls is None or self._step < calls:
            ((_, job),) = self._draw.choices(self._jobs, weights)
            job()

    def _take_over(self) -> None:
        """Go on with some of what earlier lives have left."""
        with self._station.store.read() as work:

            def some(sql: str) -> list[Any]:
                found = work._connection.execute(text(sql)).all()
                return self._draw.sample(list(found), min(8, len(found)))

            self._desk.patients += [row[0] for row in some("SELECT id FROM patient")]
            open_ones = "version > 0 AND status <> 'voided'"
            rows = some(f"SELECT id FROM encounter WHERE {open_ones}")
            self._desk.signed += [row[0] for row in rows]
            for kind in _PAPERS:
                rows = some(f"SELECT id FROM {kind.value} WHERE {open_ones}")
                self._desk.papers += [(kind, row[0]) for row in rows]
            self._desk.treated |= set(
                work._connection.execute(text("SELECT patient_id FROM prescription")).scalars()
            )

    def _call(self, name: str, call: Callable[[], Any], **facts: Any) -> Any:
        self._step += 1
        word = f"T{self._turn:04}-{self._step:04}"
        self._tell({"begin": name, "word": word, "within": self._within, **facts})
        result = call()
        told: dict[str, Any] = {"done": name, "word": word, **facts}
        if isinstance(result, Changes):
            told["items"] = [[one.kind.value, one.record_id, one.version] for one in result.items]
        self._tell(told)
        return result

    @property
    def _word(self) -> str:
        """The word of the next call; it is looked for in what was stored."""
        return f"T{self._turn:04}-{self._step + 1:04}"

    # The desk ----------------------------------------------------------------------------

    def _register(self) -> None:
        patient = self._people.next()
        patient = replace(
            patient,
            birth=BirthDate(1980, 5, 1),
            guardian=None,
            national_id="",
            phone="",
            coverages=(),
            address=replace(patient.address, line=f"Thôn thử {self._word}"),
        )
        questions = self._use.patients.check(patient)
        yes = [f"{one.field}:{one.code}" for one in questions]
        made = self._call(
            "register", lambda: self._use.patients.register(self._actor, patient, yes)
        )
        self._desk.patients.append(made.id_of(RecordKind.PATIENT))

    def _correct(self) -> None:
        stored = self._use.patients.get(self._actor, self._draw.choice(self._desk.patients))
        before = stored.record
        address = replace(before.address, line=f"Thôn thử {self._word}")
        changed = replace(before, address=address)
        yes = [f"{one.field}:{one.code}" for one in self._use.patients.check(changed)]
        self._call(
            "correct",
            lambda: self._use.patients.update(self._actor, changed, stored.version, yes),
        )

    def _keep_form(self) -> None:
        content = json.dumps({"full_name": f"Đang gõ {self._word}"})
        self._call(
            "keep-form", lambda: self._use.drafts.keep(self._actor, FORM, content), form=FORM
        )

    # A visit with its papers -------------------------------------------------------------

    def _visit(self) -> None:
        use, actor = self._use, self._actor
        patient_id = self._draw.choice(self._desk.patients)
        begun = self._call(
            "check-in", lambda: use.encounters.check_in(actor, patient_id, f"Khám {self._word}")
        )
        encounter_id = begun.id_of(RecordKind.ENCOUNTER)
        vitals = VitalSigns(pulse=80, systolic=130, diastolic=80, temperature=Decimal("36.8"))
        self._call(
            "vitals",
            lambda: use.encounters.record_vitals(actor, encounter_id, vitals),
            draft=encounter_id,
        )
        use.encounters.start(actor, encounter_id)
        encounter = replace(
            use.encounters.get(actor, encounter_id).record,
            history=f"Bệnh sử {self._word}",
            diagnoses=(Diagnosis(icd_code="I10", title="Tăng huyết áp", role=DiagnosisRole.MAIN),),
            result="2",
        )
        self._call(
            "save-draft",
            lambda: use.encounters.save_draft(actor, encounter),
            draft=encounter_id,
        )
        if self._draw.random() < 0.15:
            return  # the person waits for a test
        self._sign(encounter)

    def _sign(self, encounter: Encounter) -> None:
        encounter = replace(encounter, history=f"Bệnh sử {self._word}")
        papers = VisitPapers(
            encounter=encounter,
            prescription=self._prescription(encounter)
            if encounter.patient_id not in self._desk.treated
            else None,
            appointment=self._appointment(encounter) if self._draw.random() < 0.4 else None,
            referral=self._referral(encounter) if self._draw.random() < 0.4 else None,
        )
        made = self._call("sign", lambda: self._confirmed(papers))
        self._desk.treated.add(encounter.patient_id)
        self._desk.signed.append(encounter.id)
        self._desk.papers += [
            (one.kind, one.record_id) for one in made.items if one.kind in _PAPERS
        ]

    def _confirmed(self, papers: VisitPapers) -> Changes:
        """Sign as a person does who says yes to what is asked."""
        try:
            return self._use.visits.sign(self._actor, papers)
        except InvalidRecord as asked:
            yes = [f"{one.field}:{one.code}" for one in asked.problems]
            return self._use.visits.sign(self._actor, papers, yes)

    def _prescription(self, encounter: Encounter) -> Any:
        found = self._use.catalogs.search(CatalogKind.DRUG, "oresol", 1)[0].row
        line = replace(line_from_drug(drug_of(found)), dose=Decimal(1), times_per_day=2, days=3)
        return replace(self._use.prescriptions.prepare(self._actor, encounter.id), lines=(line,))

    def _appointment(self, encounter: Encounter) -> Any:
        on = self._use.clock.now().date() + timedelta(days=28)
        if on.weekday() == 6:
            on += timedelta(days=1)
        return replace(self._use.appointments.prepare(self._actor, encounter.id), on=on)

    def _referral(self, encounter: Encounter) -> Any:
        return replace(
            self._use.referrals.prepare(self._actor, encounter.id),
            to_facility_name="Bệnh viện (mẫu)",
            reason=ReferralReason.LEVEL_APPROPRIATE,
            plan="Theo dõi",
            transport="Xe cứu thương",
            condition_on_transfer="Tỉnh",
            clinical_signs="Đau đầu",
        )

    # What is signed ----------------------------------------------------------------------

    def _amend(self) -> None:
        if not self._desk.signed:
            return
        stored = self._use.encounters.get(self._actor, self._draw.choice(self._desk.signed))
        amended = replace(stored.record, advice=f"Dặn thêm {self._word}")
        self._call(
            "amend",
            lambda: self._use.encounters.amend(
                self._actor, amended, stored.version, "Ghi thêm lời dặn", stored.record.confirmed
            ),
        )

    def _void(self) -> None:
        if len(self._desk.signed) < 3:
            return
        encounter_id = self._desk.signed.pop(0)
        made = self._call(
            "void",
            lambda: self._use.encounters.void(self._actor, encounter_id, f"Nhầm {self._word}"),
        )
        gone = {one.record_id for one in made.items}
        self._desk.papers = [one for one in self._desk.papers if one[1] not in gone]

    def _print(self) -> None:
        if self._desk.papers:
            kind, record_id = self._draw.choice(self._desk.papers)
            self._call(
                "print",
                lambda: self._use.prints.print(self._actor, kind, record_id),
                printed=record_id,
            )

    def _sign_files(self) -> None:
        """The day's papers with the key in a file; nothing to do where there is none."""
        if self._use.signing.source() is None or not self._use.signing.count_waiting():
            return
        waiting = self._use.signing.waiting(self._actor)[:2]
        names = [(one.kind, one.record_id, one.version) for one in waiting]
        self._call("sign-files", lambda: self._signed(names), files=[list(one) for one in names])

    def _signed(self, names: list[Any]) -> Changes:
        """What a batch could not sign is in its report; here that ends the day's work."""
        report = self._use.signing.batch(self._actor, Secret(KEY_FILE_PASSWORD), names)
        if report.failed:
            raise EnvironmentFailure(report.failed[0].reason)
        return report.changes

    # The station itself ------------------------------------------------------------------

    def _back_up(self) -> None:
        place = self._copies / self._word
        place.mkdir(parents=True)
        self._call(
            "back-up",
            lambda: self._use.backups.make(self._actor, str(place)),
            copy=str(place),
        )

    def _check_log(self) -> None:
        self._call("check-log", lambda: self._use.trail.verify(self._actor, ask_province=False))

    def _add_person(self) -> None:
        name = self._word.lower().replace("-", "x")
        user = User(id="", username=name, full_name=f"Người {self._word}", role=Role.NURSE)
        self._call(
            "add-person",
            lambda: self._use.accounts.add_user(self._actor, user, DEMO_PASSWORD),
            person=name,
        )

    def _rotate(self) -> None:
        """A new data key, while people at the desk go on."""
        failed: list[BaseException] = []

        def rotate() -> None:
            try:
                self._use.keys.rotate(self._actor)
            except BaseException as error:  # noqa: BLE001 - raised below, in the thread that asked
                failed.append(error)

        self._within = "new-key"
        rotating = threading.Thread(target=rotate)
        rotating.start()
        while rotating.is_alive():
            self._register()
        rotating.join()
        self._within = ""
        if failed:
            raise failed[0]
        self._call("new-key", lambda: None)
