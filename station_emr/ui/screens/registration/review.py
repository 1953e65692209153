"""What is asked while the form is typed: unusual values at once, likenesses a moment later."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Final

from PySide6.QtCore import QObject, QTimer

from station_emr.domain.errors import Problem
from station_emr.domain.patient import Patient
from station_emr.services.i18n import _
from station_emr.ui.models.session import Session

from .duplicates import DuplicatePanel, Likeness, find_alike
from .page import FormPage
from .reading import patient_of

_PAUSE_MS: Final = 250


class Review(QObject):
    """Keeps the questions of the form and the panel of people in step with what is typed."""

    def __init__(self, session: Session, form: FormPage, panel: DuplicatePanel) -> None:
        super().__init__(form)
        self._session = session
        self._form = form
        self._panel = panel
        self.base: Patient | None = None
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_PAUSE_MS)
        self._timer.timeout.connect(self._look)

    def _today(self) -> date:
        return self._session.services.clock.now().date()

    def start(self, base: Patient | None) -> None:
        """Another form: nobody is alike yet."""
        self.base = base
        self._panel.show_people((), None)
        self.again()

    def again(self) -> None:
        """Something changed."""
        self._form.show_questions(self.questions())
        self._timer.start()

    def stop(self) -> None:
        self._timer.stop()

    def patient(self) -> tuple[Patient | None, tuple[Problem, ...]]:
        """The person as typed with everything wrong or unusual, or only what is missing."""
        patient, problems = patient_of(self._form.state, self.base, self._today())
        if patient is not None:
            problems += self._session.services.patients.check(patient)
        return patient, problems

    def questions(self, refused: Sequence[Problem] = ()) -> list[Problem]:
        """All questions of the moment; ``refused`` are those that the service asked."""
        state = self._form.state
        found = [*self.patient()[1]]
        if state.name_uncertain and state.full_name:
            found.append(_uncertain_name())
        certain = self._panel.certain
        if certain is not None and not state.editing:
            found.append(_certain_duplicate(certain))
        keys = {(problem.field, problem.code) for problem in found}
        found += [problem for problem in refused if (problem.field, problem.code) not in keys]
        return [problem for problem in found if problem.severity == "confirm"]

    def _look(self) -> None:
        state, session = self._form.state, self._session
        patient, _unread = patient_of(state, self.base, self._today())

        def show(people: tuple[Likeness, ...]) -> None:
            before = self._panel.certain
            self._panel.show_people(people, self._today())
            if self._panel.certain != before:
                self._form.show_questions(self.questions())

        session.ask(
            lambda: find_alike(session.services.patients, session.actor, state, patient),
            show,
            owner=self,
            latest="registration.alike",
        )


def _uncertain_name() -> Problem:
    return Problem(
        field="full_name",
        code="name-uncertain",
        message=_(
            "Máy quét có thể đã làm mất dấu của họ tên. Hãy so với thẻ và sửa; "
            "nếu đã đúng, đánh dấu Xác nhận."
        ),
        severity="confirm",
    )


def _certain_duplicate(like: Likeness) -> Problem:
    return Problem(
        field="national_id",
        code="duplicate",
        message=_(
            "Số định danh này đã có: {name}, sinh {birth}. Hãy mở hồ sơ đó ở cột bên phải; "
            "chỉ xác nhận khi chắc chắn là hai người."
        ).format(name=like.row.full_name, birth=like.row.birth.display()),
        severity="confirm",
    )
