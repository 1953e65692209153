"""The bill of a visit: drafted from what was done, checked, closed, amended, voided."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

from typing_extensions import override

from station_emr.domain.billing import Bill, ItemKind, check_bill
from station_emr.domain.catalog import CatalogKind
from station_emr.domain.encounter import PatientSnapshot
from station_emr.domain.errors import NotFound, Problem, UserError
from station_emr.domain.patient import Patient
from station_emr.domain.permissions import Action
from station_emr.domain.price_list import LISTS, ApprovedItem, approved_of
from station_emr.domain.record import RecordKind, Signature
from station_emr.domain.user import Actor

from .bill_drafting import (
    Visit,
    benefit_problems,
    counted,
    list_problems,
    visit_problems,
    with_row,
    with_rows_of_visit,
    with_visit,
)
from .billing_ports import BillRow, BillStore, BillSums
from .billing_settings import base_salaries, keep_base_salary, rules_for
from .claim_settings import read_claim_settings
from .guards import allow
from .papers import Papers, visit_of
from .ports import Stored, Work

_FOUND = 30


class Billing(Papers[Bill]):
    """Closing a bill is no clinical signature: whoever may close bills may sign, amend and void one."""

    kind = RecordKind.BILL
    prepare_action = Action.BILL_PREPARE
    sign_action = Action.BILL_CLOSE
    amend_action = Action.BILL_CLOSE
    void_action = Action.BILL_CLOSE
    one_per_visit = True

    def _records(self, work: Work) -> BillStore:
        return work.bills

    # Reading ---------------------------------------------------------------------------

    def rows(self, actor: Actor, since: date, until: date, limit: int = 300) -> tuple[BillRow, ...]:
        """Visits of these days with their bill, the last arrival first."""
        allow(actor, Action.ENCOUNTER_VIEW)
        with self._store.read() as work:
            return work.bills.rows(since, until, limit)

    def sums(self, actor: Actor, since: date, until: date) -> BillSums:
        """What the closed bills of these days add up to."""
        allow(actor, Action.ENCOUNTER_VIEW)
        with self._store.read() as work:
            return work.bills.sums(since, until)

    def of_encounter(self, actor: Actor, encounter_id: str) -> Stored[Bill] | None:
        allow(actor, Action.ENCOUNTER_VIEW)
        with self._store.read() as work:
            return work.bills.of_encounter(encounter_id)

    def by_name(self, actor: Actor, name: str) -> Stored[Bill]:
        """By number, its own id or that of its visit; the look is logged. Raises NotFound."""
        allow(actor, Action.ENCOUNTER_VIEW)
        with self._store.read() as work:
            found = work.bills.named(name.strip())
        if found is None:
            raise NotFound(f"Không có bảng kê “{name}” trên máy này. Hãy xem lại số.")
        return self.get(actor, found)

    def search(self, kind: ItemKind, text: str) -> tuple[ApprovedItem, ...]:
        """Rows of an approved list that are in force today, the best match first."""
        hits = self._catalogs.search(LISTS[kind], text, _FOUND, self._clock.now().date())
        return tuple(approved_of(hit.row) for hit in hits)

    # Drafting --------------------------------------------------------------------------

    def prepare(self, actor: Actor, encounter_id: str) -> Bill:
        """A bill from what the visit holds by now; not saved yet."""
        allow(actor, self.prepare_action)
        with self._store.read() as work:
            visit = self._visit(work, encounter_id, actor.user.licence_no)
            bill = Bill(
                id=self._clock.new_id(),
                encounter_id=encounter_id,
                patient_id=visit.encounter.patient_id,
            )
            return self._filled(work, bill, visit)

    def refill(self, actor: Actor, bill: Bill) -> Bill:
        """The same bill with what the visit has got since; rows that are there stay as they are."""
        allow(actor, self.prepare_action)
        with self._store.read() as work:
            return self._filled(
                work, bill, self._visit(work, bill.encounter_id, actor.user.licence_no)
            )

    def add(self, actor: Actor, bill: Bill, approved: ApprovedItem) -> Bill:
        """One more row from a list; not saved yet."""
        allow(actor, self.prepare_action)
        with self._store.read() as work:
            visit = self._visit(work, bill.encounter_id, actor.user.licence_no)
            return with_row(bill, approved, visit, rules_for(work, _day(bill)))

    def recount(self, actor: Actor, bill: Bill) -> Bill:
        """Card, benefit and exam ratio of every row by the rules again."""
        allow(actor, self.prepare_action)
        with self._store.read() as work:
            return counted(bill, rules_for(work, _day(bill)))

    # Settings --------------------------------------------------------------------------

    def base_salary(self, day: date) -> Decimal:
        """The base salary that counts on a day."""
        with self._store.read() as work:
            return rules_for(work, day).base_salary

    def base_salaries(self) -> tuple[tuple[date, Decimal], ...]:
        """What the station has entered, oldest first."""
        with self._store.read() as work:
            return base_salaries(work)

    def set_base_salary(self, actor: Actor, since: date, amount: Decimal) -> None:
        """From a day on. Raises UserError for an amount that is none."""
        allow(actor, Action.SETTINGS_EDIT)
        if amount <= 0:
            raise UserError("Lương cơ sở phải lớn hơn 0. Chưa đổi gì.")
        with self._store.write() as work:
            keep_base_salary(work, since, amount)
            detail = {"since": since.isoformat(), "amount": f"{amount:f}"}
            work.audit.append(actor, "setting.base_salary", self._clock.now(), detail=detail)

    # Steps of the paper -----------------------------------------------------------------

    def _problems(self, work: Work, paper: Bill, patient: Patient) -> tuple[Problem, ...]:
        del patient
        day = _day(paper)
        rules = rules_for(work, day)
        demo = work.settings.station().demo
        return (
            *check_bill(paper, rules),
            *benefit_problems(paper, rules),
            *visit_problems(
                paper,
                self._visit(work, paper.encounter_id),
                lambda kind: self._lists(kind, day),
            ),
            *list_problems(paper, lambda kind, code: self._find(kind, code, day), demo=demo),
        )

    def _complete(self, work: Work, paper: Bill, actor: Actor, snapshot: PatientSnapshot) -> Bill:
        now = self._clock.now()
        station = work.settings.station()
        encounter = work.encounters.get(paper.encounter_id).record
        department = read_claim_settings(work).department
        row = self._catalogs.find(CatalogKind.DEPARTMENT, department, now.date())
        number = work.counters.next("bill", station.series, now.year)
        return replace(
            paper,
            number=f"{station.series}-{number:04d}/{now.year}/BK",
            visit_number=encounter.number,
            department=department,
            department_name=row.name if row else "",
            care_kind=encounter.care_kind,
            visit_object=encounter.visit_object,
            arrived_at=encounter.arrived_at,
            ended_at=encounter.ended_at,
            diagnoses=encounter.diagnoses,
            closed_at=now,
            station=station,
            patient=snapshot,
            practitioner=actor.user.snapshot,
            signature=Signature(by=actor.user.snapshot, at=now),
        )

    @override
    def _amended(self, before: Bill, paper: Bill, actor: Actor) -> Bill:
        """Also the day of closing stays: registers and reports count by it."""
        return replace(super()._amended(before, paper, actor), closed_at=before.closed_at)

    def _visit(self, work: Work, encounter_id: str, orderer: str = "") -> Visit:
        encounter, patient = visit_of(work, encounter_id)
        found = work.prescriptions.of_encounter(encounter_id)
        standing = found is not None and found.status.value != "voided"
        return Visit(
            encounter=encounter,
            patient=patient,
            prescription=(found.record.id, found.record) if found and standing else None,
            orderer=orderer,
            payment_method=read_claim_settings(work).payment_method,
        )

    def _filled(self, work: Work, bill: Bill, visit: Visit) -> Bill:
        bill = with_visit(bill, visit)
        day = _day(bill)
        return with_rows_of_visit(
            bill, visit, lambda kind: self._lists(kind, day), rules_for(work, day)
        )

    def _find(self, kind: ItemKind, code: str, day: date) -> ApprovedItem | None:
        row = self._catalogs.find(LISTS[kind], code, day)
        return approved_of(row) if row is not None else None

    def _lists(self, kind: ItemKind, day: date) -> tuple[ApprovedItem, ...]:
        return tuple(approved_of(row) for row in self._catalogs.rows(LISTS[kind], day))


def _day(bill: Bill) -> date:
    """The day whose prices and rules count."""
    if bill.arrived_at is None:
        raise UserError("Bảng kê chưa gắn với lượt khám. Hãy mở lại từ lượt khám.")
    return bill.arrived_at.date()
