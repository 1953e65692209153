"""What stands in the way of saving: problems beside their fields, or a colleague who was faster."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QObject, Signal

from station_emr.domain.errors import Conflict, InvalidRecord, Problem, StationError
from station_emr.domain.patient import Patient
from station_emr.services.i18n import _
from station_emr.services.ports import Stored
from station_emr.ui.kit import Severity
from station_emr.ui.models.session import Session

from .notices import Notices
from .page import FormPage
from .review import Review
from .state import RegistrationState, merge, state_of


class Refusals(QObject):
    """``merged(state, newer)``: what was typed, laid upon what a colleague has saved meanwhile.

    ``base`` is the record as it was when the form was opened, None for a new person.
    """

    merged = Signal(object, object)

    def __init__(self, session: Session, form: FormPage, review: Review, banner: Notices) -> None:
        super().__init__()
        self._session = session
        self._form = form
        self._review = review
        self._banner = banner
        self.base: RegistrationState | None = None

    def tell(self, error: StationError) -> None:
        """Why the record was not written, and what can be done."""
        if isinstance(error, InvalidRecord):
            self.show(error.problems)
        elif isinstance(error, Conflict):
            self._banner.tell(
                _(
                    "Người khác vừa sửa hồ sơ này. Chưa lưu gì; những chỗ bạn gõ vẫn còn đây. "
                    "Bấm để lấy bản mới rồi đặt những chỗ bạn sửa lên trên."
                ),
                Severity.WARNING,
                action_text=_("Ghép với bản mới"),
                action=self._merge_newer,
            )
        else:
            self._banner.tell(str(error), Severity.DANGER)

    def show(self, problems: Sequence[Problem]) -> None:
        """Each problem beside its field; what has no field stands above the form."""
        asked = [problem for problem in problems if problem.severity == "confirm"]
        self._form.show_questions(self._review.questions(asked))
        homeless = self._form.show_problems(problems)
        if homeless:
            words = " ".join(problem.message for problem in homeless)
            self._banner.tell(words, Severity.DANGER)
            return
        if len(asked) == len(problems):
            self._form.focus_question()
        self._banner.tell(
            _("Chưa lưu: còn mục cần xem lại, được đánh dấu bên dưới. Không mất gì đã gõ."),
            Severity.WARNING,
        )

    def _merge_newer(self) -> None:
        session, mine, base = self._session, self._form.state, self.base

        def lay_upon(stored: Stored[Patient]) -> None:
            theirs = state_of(stored.record, stored.version)
            state, clashes = merge(mine, base or theirs, theirs)
            self.merged.emit(state, stored)
            text = _("Đã lấy bản mới và giữ những chỗ bạn sửa. Hãy xem lại rồi lưu.")
            if clashes:
                text = _(
                    "Đã lấy bản mới. Có {count} chỗ cả hai người cùng sửa: đang giữ phần bạn gõ. "
                    "Hãy xem lại rồi lưu."
                ).format(count=len(clashes))
            self._banner.tell(text)

        session.ask(
            lambda: session.services.patients.get(session.actor, mine.patient_id),
            lay_upon,
            owner=self,
            failed=self.tell,
        )
