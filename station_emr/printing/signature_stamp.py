"""The visible mark of a digital signature, and where a form has room for it.

It is drawn with the faces of the forms and put into the signed file as a picture of vectors, because
the text stamps of signing libraries pull the letters of Vietnamese words apart.
"""

from __future__ import annotations

import io
from datetime import datetime
from typing import Any, Final

from reportlab.pdfgen.canvas import Canvas

from station_emr.domain.record import RecordKind
from station_emr.services.ports import PrintMark
from station_emr.services.signing_ports import Stamp

from . import appointment, bill, certificate, prescription, referral
from .documents import PdfDocuments
from .fonts import BOLD, REGULAR, face
from .sheet import Run, Sheet
from .wording import value

_FORMS: Final = {
    RecordKind.REFERRAL: (referral, "(Ký tên, đóng dấu)", 44),
    RecordKind.PRESCRIPTION: (prescription, "(Ký, ghi rõ họ tên)", 21),
    RecordKind.APPOINTMENT: (appointment, "(ký tên)", 28),
    RecordKind.CERTIFICATE: (certificate, "(Ký, ghi rõ họ tên)", 24),
    RecordKind.BILL: (bill, bill.SIGN_HERE, 28),
}
"""Form, the words above the room for the signature, the height of that room in points."""

_WIDTH: Final = 196
_EDGE: Final = 4.0
_BLUE: Final = (0.09, 0.29, 0.55)
_LEAST: Final = 4.6


class PdfStamps:
    """Implements :class:`station_emr.services.signing_ports.StampedForms`."""

    def __init__(self, documents: PdfDocuments) -> None:
        self._documents = documents

    def form(self, kind: RecordKind, record: Any, signed_at: datetime, version: int) -> bytes:
        """The electronic form: no copy number, the same bytes for the same version."""
        mark = _mark(record, signed_at, version)
        return bytes(getattr(self._documents, kind.value)(record, mark))

    def stamp(
        self,
        kind: RecordKind,
        record: Any,
        version: int,
        *,
        signer: str,
        issuer: str,
        signed_at: datetime,
    ) -> Stamp | None:
        """None for a form without room for one; the signature is then invisible."""
        made = _FORMS.get(kind)
        if made is None:
            return None
        form, words, height = made
        with self._documents.alone():
            sheet = form.compose(record, _mark(record, signed_at, version))
            found = _find(sheet, words)
            if found is None:
                return None
            page, run = found
            middle = run.x + face(run.face).width(run.text, run.size) / 2
            left = int(min(max(middle - _WIDTH / 2, 12), sheet.format.paper[0] - _WIDTH - 12))
            top = int(run.y - 3)
            title = f"ĐÃ KÝ SỐ lúc {signed_at:%H:%M:%S} ngày {signed_at:%d/%m/%Y}"
            lines = (f"Ký bởi: {value(signer)}", f"Nơi cấp chứng thư: {value(issuer)}")
            drawing = draw(title, lines, _WIDTH, height)
        return Stamp(page=page, box=(left, top - height, left + _WIDTH, top), drawing=drawing)


def _mark(record: Any, at: datetime, version: int) -> PrintMark:
    """Nothing of this moment beyond the record's own signature: the seal says when it was made."""
    signature = record.signature
    return PrintMark(
        printed_at=signature.at if signature else at,
        printed_by=signature.by.printed_name if signature else "",
        copy=1,
        version=version,
        electronic=True,
    )


def _find(sheet: Sheet, words: str) -> tuple[int, Run] | None:
    for number, page in enumerate(sheet.pages):
        for run in page.runs:
            if run.text.strip() == words:
                return number, run
    return None


def draw(title: str, lines: tuple[str, ...], width: float, height: float) -> bytes:
    """A one-page PDF of this size: a frame, the title and the lines, each as large as it fits."""
    face(REGULAR)
    face(BOLD)
    target = io.BytesIO()
    canvas = Canvas(
        target, pagesize=(width, height), invariant=1, pageCompression=1, initialFontName=REGULAR
    )
    canvas.setStrokeColorRGB(*_BLUE)
    canvas.setFillColorRGB(*_BLUE)
    canvas.setLineWidth(0.8)
    canvas.rect(0.5, 0.5, width - 1, height - 1)
    step = (height - 3) / (len(lines) + 1)
    size = min(step * 0.86, 9.0)
    y = height - 1.5 - step * 0.82
    canvas.setFont(BOLD, _fitting(title, BOLD, size, width))
    canvas.drawString(_EDGE, y, title)
    for line in lines:
        y -= step
        canvas.setFont(REGULAR, _fitting(line, REGULAR, size, width))
        canvas.drawString(_EDGE, y, line)
    canvas.showPage()
    canvas.save()
    return target.getvalue()


def _fitting(text: str, name: str, size: float, width: float) -> float:
    wide = face(name).width(text, 1.0)
    return max(min(size, (width - 2 * _EDGE) / wide), _LEAST) if wide else size
