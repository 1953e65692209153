"""Pages to PDF bytes. The same pages give the same bytes, so a print can be known by its hash."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from reportlab.pdfgen.canvas import Canvas

from . import qr
from .fonts import BOLD, face
from .sheet import Code, Dots, Frame, Page, Ring, Rule, Shape, Square


@dataclass(frozen=True, slots=True)
class About:
    """Document properties. They never hold a person's name: files are listed in folders."""

    title: str
    author: str
    creator: str
    at: datetime
    watermark: str = ""


def to_pdf(pages: Sequence[Page], about: About) -> bytes:
    """Draw the pages."""
    target = io.BytesIO()
    canvas = Canvas(target, pagesize=pages[0].size, invariant=1, pageCompression=1, lang="vi-VN")
    canvas.setTitle(about.title)
    canvas.setAuthor(about.author)
    canvas.setCreator(about.creator)
    canvas.setSubject("")
    canvas.setDateFormatter(lambda *_: _pdf_date(about.at))
    for page in pages:
        canvas.setPageSize(page.size)
        if about.watermark:
            _watermark(canvas, page, about.watermark)
        for shape in page.shapes:
            _draw(canvas, shape)
        _write(canvas, page)
        canvas.showPage()
    canvas.save()
    return target.getvalue()


def _pdf_date(at: datetime) -> str:
    zone = at.strftime("%z")
    return f"D:{at:%Y%m%d%H%M%S}" + (f"{zone[:3]}'{zone[3:5]}'" if zone else "")


def _write(canvas: Canvas, page: Page) -> None:
    text = canvas.beginText()
    current = None
    for run in page.runs:
        if current != (run.face, run.size):
            current = (run.face, run.size)
            text.setFont(run.face, run.size)
        text.setTextOrigin(run.x, run.y)
        text.textOut(run.text)
    canvas.drawText(text)


def _draw(canvas: Canvas, shape: Shape) -> None:
    match shape:
        case Rule():
            canvas.setLineWidth(shape.weight)
            canvas.line(shape.x1, shape.y1, shape.x2, shape.y2)
        case Dots():
            canvas.saveState()
            canvas.setLineWidth(0.7)
            canvas.setLineCap(1)
            canvas.setDash([0.01, 2.4])
            canvas.line(shape.x1, shape.y, shape.x2, shape.y)
            canvas.restoreState()
        case Square():
            canvas.setLineWidth(0.7)
            canvas.rect(shape.x, shape.y, shape.side, shape.side)
            if shape.ticked:
                inset = 0.14 * shape.side
                near_x, near_y = shape.x + inset, shape.y + inset
                far_x, far_y = shape.x + shape.side - inset, shape.y + shape.side - inset
                canvas.setLineWidth(1.1)
                canvas.line(near_x, near_y, far_x, far_y)
                canvas.line(near_x, far_y, far_x, near_y)
        case Frame():
            canvas.saveState()
            canvas.setLineWidth(0.6)
            if shape.dashed:
                canvas.setDash([3, 3])
            canvas.rect(shape.x, shape.y, shape.width, shape.height)
            canvas.restoreState()
        case Ring():
            canvas.setLineWidth(0.9)
            canvas.circle(shape.x, shape.y, shape.radius)
        case Code():
            canvas.addLiteral(qr.operators(shape))


def _watermark(canvas: Canvas, page: Page, words: str) -> None:
    """Large, grey and under the text, from corner to corner."""
    width, height = page.size
    long = (width * width + height * height) ** 0.5 * 0.66
    size = min(96.0, long / face(BOLD).width(words, 1.0))
    canvas.saveState()
    canvas.setFillGray(0.88)
    canvas.translate(width / 2, height / 2)
    canvas.rotate(52)
    canvas.setFont(BOLD, size)
    canvas.drawCentredString(0, -size / 3, words)
    canvas.restoreState()
