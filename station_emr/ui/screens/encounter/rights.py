"""What this person may do with a visit, and the sentence that says why not."""

from __future__ import annotations

from station_emr.domain.permissions import Action, may_sign
from station_emr.services.i18n import _
from station_emr.ui.models.session import Session


class Rights:
    """Fixed for a log-in."""

    def __init__(self, session: Session) -> None:
        user = session.actor.user
        self.edit = session.may(Action.ENCOUNTER_EDIT)
        self.correct_person = session.may(Action.PATIENT_EDIT)
        self.print = session.may(Action.PRINT)
        self._signer = session.may(Action.ENCOUNTER_SIGN)
        self.sign = self._signer and may_sign(user.role, user.licence_no)

    def why_not(self, *, is_draft: bool) -> str:
        """Why the person cannot sign or change this visit; empty when nothing is in the way."""
        if not self.edit:
            return _("Bạn xem được lượt khám này nhưng không ghi vào được.")
        if not is_draft or self.sign:
            return ""
        if self._signer:
            return _(
                "Chưa có số giấy phép hành nghề nên chưa ký được. "
                "Nhờ giám đốc ghi số giấy phép trong mục Người dùng."
            )
        return _(
            "Bác sĩ, y sĩ hoặc giám đốc trạm mới ký được. "
            "Phần bạn ghi được giữ trong nháp để người khám ký."
        )

    @property
    def how_to_mend(self) -> str:
        """For a signed visit that the province did not take."""
        if self.sign:
            return _("Máy chủ tỉnh chưa nhận mục này. Bấm “Sửa đổi có lý do” để sửa và ký lại.")
        return _("Máy chủ tỉnh chưa nhận mục này. Người được ký lượt khám mới sửa được.")
