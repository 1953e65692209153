"""Taking the log out of the program: an Excel file, pages, its end for the file, one person's list."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

from station_emr.domain.audit import AuditFilter
from station_emr.domain.errors import EnvironmentFailure, StationError
from station_emr.domain.os_words import os_words
from station_emr.services.audit_report_words import thousands
from station_emr.services.audit_trail import MOST_ON_PAPER
from station_emr.services.i18n import _
from station_emr.ui.kit import Option, Screen, Severity, dialogs
from station_emr.ui.models.session import Session
from station_emr.ui.tasks import Lane

_PDF: Final = "PDF (*.pdf)"
_EXCEL: Final = "Excel (*.xlsx)"


class TakingOut:
    """Asks where to, makes it off the GUI thread, and says that it is done."""

    def __init__(self, screen: Screen, session: Session) -> None:
        self._screen, self._session = screen, session
        self._trail, self._actor = session.services.trail, session.actor

    def offer(self, wanted: AuditFilter) -> None:
        """Excel or pages, as the person chooses; which of them holds everything is said before."""
        self._session.ask(
            lambda: self._trail.count(self._actor, wanted),
            lambda total: self._choose(wanted, total),
            owner=self._screen,
            failed=self._failed,
            latest="audit.count",
        )

    def _choose(self, wanted: AuditFilter, total: int) -> None:
        told = _("{total} dòng khớp với bộ lọc. Việc xuất được ghi vào nhật ký.").format(
            total=thousands(total)
        )
        paper = _("Tệp PDF để in")
        if total > MOST_ON_PAPER:
            most = thousands(MOST_ON_PAPER)
            paper = _("Tệp PDF để in, chỉ {most} dòng mới nhất").format(most=most)
            words = _("Tệp Excel có đủ; tệp PDF chỉ có {most} dòng mới nhất, hãy lọc theo ngày.")
            told = f"{told} {words.format(most=most)}"
        kind = dialogs.choose(
            self._screen,
            _("Xuất nhật ký"),
            told,
            (Option(_EXCEL, _("Tệp Excel")), Option(_PDF, paper)),
        )
        if kind is not None:
            self._export(wanted, as_pdf=kind == _PDF)

    def _export(self, wanted: AuditFilter, *, as_pdf: bool) -> None:
        name = _("nhat-ky.pdf") if as_pdf else _("nhat-ky.xlsx")
        self._save(
            _("Xuất nhật ký"),
            name,
            _PDF if as_pdf else _EXCEL,
            lambda: self._trail.export(self._actor, wanted, as_pdf=as_pdf),
        )

    def head_sheet(self) -> None:
        self._save(
            _("Lưu phiếu mốc nhật ký"),
            _("moc-nhat-ky.pdf"),
            _PDF,
            lambda: self._trail.head_sheet(self._actor),
            _("In ra, giám đốc ký và lưu cùng hồ sơ giấy của trạm."),
        )

    def access_report(self, patient_id: str) -> None:
        asked = dialogs.ask_text(
            self._screen,
            _("Danh sách ai đã xem hồ sơ"),
            _("Ai đề nghị danh sách này? Tên người đề nghị được ghi vào nhật ký."),
            label=_("Người đề nghị"),
            start=_("Người bệnh"),
        )
        if asked is None:
            return
        self._save(
            _("Lưu danh sách ai đã xem hồ sơ"),
            _("ai-da-xem-ho-so.pdf"),
            _PDF,
            lambda: self._trail.access_report_pdf(self._actor, patient_id, asked),
            _("In ra, giao cho người bệnh rồi xóa tệp này."),
        )

    def _save(
        self, title: str, name: str, kind: str, make: Callable[[], bytes], then: str = ""
    ) -> None:
        chosen = dialogs.save_file(self._screen, title, Path.home() / name, kind)
        if chosen is None:
            return
        self._screen.say(_("Đang lập tệp…"), Severity.INFO)
        self._session.runner.run(
            lambda: _write(chosen, make()),
            done=lambda path: self._screen.say(
                " ".join((_("Đã lưu {file}.").format(file=path), then)).strip(), Severity.SUCCESS
            ),
            failed=self._failed,
            owner=self._screen,
            lane=Lane.POOL,
        )

    def _failed(self, error: StationError) -> None:
        self._screen.say(str(error), Severity.DANGER)


def _write(path: Path, content: bytes) -> Path:
    try:
        path.write_bytes(content)
    except OSError as failure:
        raise EnvironmentFailure(
            _("Chưa lưu được tệp: {why}. Hãy chọn thư mục khác.").format(why=os_words(failure))
        ) from failure
    return path
