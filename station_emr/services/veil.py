"""What only people with a right of their own may read (HIV, mental health), kept from everybody else.

One place for all use cases, like the log: when a use case has answered, what it says of a restricted
visit is taken out before anybody sees it. Lists keep the line, without its words; the visit itself and
its papers are refused. Whoever wrote a version of the visit always reads it. A visit that is not
signed yet is open to those who take part in it (Luật KCB 15/2023 art. 69 (3)).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextvars import ContextVar
from dataclasses import fields, replace
from inspect import Signature
from typing import Any, Final

from station_emr.domain.appointment import Appointment
from station_emr.domain.billing import Bill
from station_emr.domain.certificate import SickLeave
from station_emr.domain.encounter import Diagnosis, Encounter
from station_emr.domain.errors import PermissionDenied
from station_emr.domain.notification import CommunicableDiseaseNotification
from station_emr.domain.patient import Patient
from station_emr.domain.permissions import Action
from station_emr.domain.prescription import Prescription
from station_emr.domain.record import RecordKind
from station_emr.domain.referral import Referral
from station_emr.domain.referral_feedback import ReferralFeedback
from station_emr.domain.sensitive import REFUSED, RESTRICTED, is_sensitive
from station_emr.domain.user import Actor

from .journal import methods_of, signature_of
from .notifications import NoticeRow
from .patients import PatientCard, StandingChart
from .ports import Clock, Store, Stored, Work
from .privacy_ports import VisitFacts
from .restricted import holds, ranges_of
from .station_services import StationServices
from .views import QueueRow, ReferralRow, VisitRow

_OURS: Final = "station_emr.services"
_ROWS: Final = (QueueRow, VisitRow, ReferralRow, NoticeRow)
_PAPERS: Final = (
    Prescription,
    Referral,
    Appointment,
    SickLeave,
    CommunicableDiseaseNotification,
    Bill,
)
_WORD_BY_WORD: Final = ("versions.", "conflicts.")
_BLANK: Final = Diagnosis(icd_code="", title=RESTRICTED)
_inside: ContextVar[bool] = ContextVar("inside a veiled use case", default=False)


class Veil:
    """Stands before the services of one open station."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def watch(self, services: StationServices) -> StationServices:
        """The same services; every public method of each is veiled from now on."""
        for item in fields(services):
            if item.name != "clock":
                self._watch_one(item.name, getattr(services, item.name))
        return services

    def _watch_one(self, name: str, service: object) -> None:
        for method in methods_of(service):
            bound = getattr(service, method)
            takes = signature_of(getattr(type(service), method))
            setattr(service, method, self._veiled(f"{name}.{method}", bound, takes))
        for part_name, part in vars(service).items():
            is_part = not part_name.startswith("_") and type(part).__module__.startswith(_OURS)
            if is_part and not callable(part):
                self._watch_one(f"{name}.{part_name}", part)

    def _veiled(
        self, name: str, method: Callable[..., Any], takes: Signature
    ) -> Callable[..., Any]:
        def veiled(*args: Any, **kwargs: Any) -> Any:
            if _inside.get():  # a use case that another one uses: what leaves that one is looked at
                return method(*args, **kwargs)
            actor = next((one for one in args if isinstance(one, Actor)), kwargs.get("actor"))
            if not isinstance(actor, Actor) or holds(actor, Action.SENSITIVE_VIEW):
                return method(*args, **kwargs)
            given = takes.bind_partial(*args, **kwargs)
            look = _Look(self._store, self._clock, actor)
            token = _inside.set(True)
            try:
                look.before(name, given.arguments)
                answer = method(*given.args, **given.kwargs)
                return look.after(name, given.arguments, answer)
            finally:
                _inside.reset(token)

        # As functools.wraps does, in a tenth of the time: there are hundreds at every log-in.
        veiled.__name__ = method.__name__
        veiled.__wrapped__ = method  # type: ignore[attr-defined]
        return veiled


class _Look:
    """One use case asked by somebody without the right."""

    def __init__(self, store: Store, clock: Clock, actor: Actor) -> None:
        self._store = store
        self._today = clock.now().date()
        self._actor = actor
        self._treats = holds(actor, Action.VITALS_RECORD)

    # What was asked -----------------------------------------------------------------------

    def before(self, name: str, given: dict[str, Any]) -> None:
        """Refuses papers that leave as bytes, and puts back what an edited chart never showed."""
        kind, record_id = given.get("kind"), given.get("record_id")
        if isinstance(kind, RecordKind) and isinstance(record_id, str):
            self._refuse_paper(kind, record_id)
            if kind is RecordKind.PATIENT and name.startswith(_WORD_BY_WORD):
                self._refuse_chart(record_id)
        paper = given.get("paper")
        if name == "prints.preview_draft" and isinstance(paper, _PAPERS):
            self._refuse_visits([paper.encounter_id])
        if name == "patients.update" and isinstance(given.get("patient"), Patient):
            given["patient"] = self._whole(given["patient"])

    def _refuse_paper(self, kind: RecordKind, record_id: str) -> None:
        with self._store.read() as work:
            visit = work.privacy.visit_of(kind, record_id)
        self._refuse_visits([visit])

    def _refuse_chart(self, patient_id: str) -> None:
        """Versions of a chart are told word by word, lasting illnesses of that kind too."""
        with self._store.read() as work:
            ranges = ranges_of(work)
            told = [
                one.icd_code
                for info in work.patients.versions(patient_id)
                for one in work.patients.at_version(patient_id, info.version).conditions
            ]
        if is_sensitive(told, ranges, self._today):
            raise PermissionDenied(REFUSED)

    def _refuse_visits(self, visits: Iterable[str]) -> None:
        if self._restricted(visits):
            raise PermissionDenied(REFUSED)

    def _whole(self, patient: Patient) -> Patient:
        with self._store.read() as work:
            stored = work.patients.find(patient.id)
            ranges = ranges_of(work)
        if stored is None:
            return patient
        before = stored.record.conditions
        kept = [
            one
            for one in before
            if one in patient.conditions or is_sensitive([one.icd_code], ranges, self._today)
        ]
        new = [one for one in patient.conditions if one not in before]
        return replace(patient, conditions=(*kept, *new))

    # What was answered --------------------------------------------------------------------

    def after(self, name: str, given: Mapping[str, Any], answer: Any) -> Any:
        if name == "prescriptions.current_lines":
            return self._open_lines(given, answer)
        return self._shown(answer)

    def _open_lines(self, given: Mapping[str, Any], lines: tuple[Any, ...]) -> tuple[Any, ...]:
        """Drugs of restricted visits say as much as their diagnosis."""
        with self._store.read() as work:
            card = work.encounters.timeline(str(given["patient_id"]), 200)
            hidden = set(self._restricted_in(work, [row.encounter_id for row in card]))
            papers = [work.prescriptions.of_encounter(visit) for visit in hidden]
        closed = [line for paper in papers if paper is not None for line in paper.record.lines]
        return tuple(line for line in lines if line not in closed)

    def _shown(self, answer: Any) -> Any:
        if isinstance(answer, tuple):
            if answer and isinstance(answer[0], _ROWS):
                return self._rows(answer)
            return tuple(self._shown(one) for one in answer) if _may_hold(answer) else answer
        if isinstance(answer, Stored):
            return replace(answer, record=self._shown(answer.record))
        if isinstance(answer, PatientCard):
            return replace(
                answer,
                patient=self._person(answer.patient),
                visits=self._rows(answer.visits),
            )
        if isinstance(answer, StandingChart):
            return replace(answer, stored=self._shown(answer.stored))
        if isinstance(answer, Patient):
            return self._person(answer)
        if isinstance(answer, _ROWS):
            return self._rows((answer,))[0]
        return self._record(answer)

    def _record(self, answer: Any) -> Any:
        if isinstance(answer, Encounter):
            self._refuse_visits([answer.id])
        elif isinstance(answer, ReferralFeedback):
            self._refuse_paper(RecordKind.REFERRAL, answer.referral_id)
        elif isinstance(answer, _PAPERS) and self._restricted([answer.encounter_id]):
            if isinstance(answer, Prescription) and holds(self._actor, Action.DISPENSE):
                # Who gives out medicine must see which, and is not told what for.
                return replace(answer, diagnoses=(_BLANK,), advice="")
            raise PermissionDenied(REFUSED)
        return answer

    def _person(self, patient: Patient) -> Patient:
        with self._store.read() as work:
            ranges = ranges_of(work)
        return replace(
            patient,
            conditions=tuple(
                one
                for one in patient.conditions
                if not is_sensitive([one.icd_code], ranges, self._today)
            ),
        )

    def _rows(self, rows: tuple[Any, ...]) -> tuple[Any, ...]:
        hidden = self._restricted([row.encounter_id for row in rows])
        return tuple(_without_words(row) if row.encounter_id in hidden else row for row in rows)

    # Which visits -------------------------------------------------------------------------

    def _restricted(self, visits: Iterable[str]) -> frozenset[str]:
        asked = [one for one in visits if one]
        if not asked:
            return frozenset()
        with self._store.read() as work:
            return self._restricted_in(work, asked)

    def _restricted_in(self, work: Work, visits: Iterable[str]) -> frozenset[str]:
        ranges = ranges_of(work)
        return frozenset(
            visit
            for visit, facts in work.privacy.visits(list(visits)).items()
            if is_sensitive(facts.codes, ranges, self._today) and not self._takes_part(facts)
        )

    def _takes_part(self, facts: VisitFacts) -> bool:
        return self._actor.user.id in facts.authors or (not facts.signed and self._treats)


def _may_hold(answer: tuple[Any, ...]) -> bool:
    """Lists of other things are long and hold no record."""
    return bool(answer) and isinstance(
        answer[0], (Stored, Encounter, Patient, ReferralFeedback, *_PAPERS)
    )


def _without_words(row: Any) -> Any:
    if isinstance(row, QueueRow):
        sent = RESTRICTED if row.referred_to else ""
        return replace(row, reason=RESTRICTED, referred_to=sent)
    if isinstance(row, VisitRow):
        return replace(
            row,
            reason="",
            diagnoses=(RESTRICTED,),
            drugs=(),
            referred_to="",
            referral_id="",
            prescription_id="",
            appointment_id="",
        )
    if isinstance(row, NoticeRow):
        return replace(row, disease=RESTRICTED, icd_code="")
    return replace(row, diagnosis=RESTRICTED, to_facility=RESTRICTED, answer_reason="")
