"""What the province says of a newer program, wherever it is told. No widgets."""

from __future__ import annotations

from station_emr.domain.catalog_pack import ProgramNotice
from station_emr.services.i18n import _
from station_emr.ui.models.moments import show_day


def program_words(notice: ProgramNotice) -> str:
    words = _("Tỉnh báo có chương trình bản {version}, cài được từ {day}. {note}")
    return words.format(
        version=notice.version, day=show_day(notice.available), note=notice.note
    ).strip()
