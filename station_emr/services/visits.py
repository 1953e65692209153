"""Close a visit: its diagnosis, prescription, appointment and letter in one transaction."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace

from station_emr.domain.appointment import Appointment
from station_emr.domain.encounter import Encounter, Stage
from station_emr.domain.errors import InvalidRecord, Problem, StateError
from station_emr.domain.permissions import Action
from station_emr.domain.prescription import Prescription
from station_emr.domain.record import Changed, Changes
from station_emr.domain.referral import Referral
from station_emr.domain.user import Actor

from .appointments import Appointments
from .encounters import Encounters
from .guards import begin_signing
from .ports import Store
from .prescriptions import Prescriptions
from .referrals import Referrals


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitPapers:
    """What comes out of a visit. ``prescription`` and the rest stay None when not needed."""

    encounter: Encounter
    prescription: Prescription | None = None
    appointment: Appointment | None = None
    referral: Referral | None = None


class Visits:
    """Signs everything a visit produced, whole or not at all."""

    def __init__(
        self,
        store: Store,
        encounters: Encounters,
        prescriptions: Prescriptions,
        appointments: Appointments,
        referrals: Referrals,
    ) -> None:
        self._store = store
        self._encounters = encounters
        self._prescriptions = prescriptions
        self._appointments = appointments
        self._referrals = referrals

    def sign(self, actor: Actor, papers: VisitPapers, confirmed: Collection[str] = ()) -> Changes:
        """Sign the visit with its papers in one transaction.

        Problems of all papers are collected, their fields prefixed with the paper's name
        (``prescription.lines.0.days``), and raised together as InvalidRecord; then nothing is
        written. ``confirmed`` uses the same prefixed keys.
        """
        encounter = papers.encounter
        if papers.prescription is not None and encounter.stage is not Stage.FINISHED:
            encounter = replace(encounter, stage=Stage.AWAITING_MEDICINE)
        diagnoses = encounter.diagnoses
        for paper in (papers.prescription, papers.appointment, papers.referral):
            if paper is not None and paper.encounter_id != encounter.id:
                raise StateError("Giấy này thuộc một lượt khám khác nên chưa ký. Hãy lập lại giấy.")
        with self._store.write() as work:
            begin_signing(work, actor, Action.ENCOUNTER_SIGN, self._encounters.now())
            steps: list[tuple[str, Callable[[Collection[str]], Changed]]] = [
                (
                    "",
                    lambda yes: self._encounters.sign_within(work, actor, encounter, yes),
                )
            ]
            if papers.prescription is not None:
                prescription = replace(
                    papers.prescription,
                    diagnoses=diagnoses,
                    advice=papers.prescription.advice or encounter.advice,
                )
                steps.append(
                    (
                        "prescription.",
                        lambda yes: self._prescriptions.sign_within(work, actor, prescription, yes),
                    )
                )
            if papers.appointment is not None:
                appointment = replace(papers.appointment, diagnoses=diagnoses)
                steps.append(
                    (
                        "appointment.",
                        lambda yes: self._appointments.sign_within(work, actor, appointment, yes),
                    )
                )
            if papers.referral is not None:
                referral = papers.referral
                steps.append(
                    (
                        "referral.",
                        lambda yes: self._referrals.sign_within(work, actor, referral, yes),
                    )
                )
            changed: list[Changed] = []
            problems: list[Problem] = []
            for prefix, step in steps:
                own = {key.removeprefix(prefix) for key in confirmed if key.startswith(prefix)}
                try:
                    changed.append(step(own))
                except InvalidRecord as refused:
                    if not prefix:  # the papers are judged by the visit as typed; nothing stays
                        work.encounters.save_draft(encounter, self._encounters.now())
                    problems += [
                        replace(problem, field=f"{prefix}{problem.field}")
                        for problem in refused.problems
                    ]
            if problems:
                raise InvalidRecord(tuple(problems))
            return Changes(tuple(changed))
