"""Pages to PDF bytes. The same pages give the same bytes, so a print can be known by its hash."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from reportlab import rl_config
from reportlab.pdfgen.canvas import Canvas

from . import qr
from .dense_ink import DenseInk
from .fonts import BOLD, REGULAR, face
from .sheet import Bar, Code, Dots, Frame, Page, Ring, Rule, Shape

# Streams as bytes: the text form is a fifth larger and costs a quarter of the drawing time.
rl_config.useA85 = 0


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
    face(REGULAR)  # the canvas names its first font; left alone it would name one not embedded
    target = io.BytesIO()
    canvas = Canvas(
        target,
        pagesize=pages[0].size,
        invariant=1,
        pageCompression=1,
        lang="vi-VN",
        initialFontName=REGULAR,
    )
    canvas.setTitle(about.title)
    canvas.setAuthor(about.author)
    canvas.setCreator(about.creator)
    canvas.setSubject("")
    canvas.setDateFormatter(lambda *_: _pdf_date(about.at))
    codes = _codes(canvas, pages)
    ink = DenseInk(canvas)
    for page in pages:
        canvas.setPageSize(page.size)
        if about.watermark:
            _watermark(canvas, page, about.watermark)
        for shape in page.shapes:
            _draw(canvas, shape, codes)
        _write(canvas, page)
        ink.write(page)
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
        text.textLine(run.text)  # unlike textOut it does not measure again
    canvas.drawText(text)


def _codes(canvas: Canvas, pages: Sequence[Page]) -> dict[str, str]:
    """Each QR code once, under a name: letter and reply slip carry the same one."""
    names: dict[str, str] = {}
    for page in pages:
        for shape in page.shapes:
            if isinstance(shape, Code) and shape.text not in names:
                name = names[shape.text] = f"qr{len(names)}"
                side = qr.modules(shape.text)
                canvas.beginForm(name, 0, 0, side, side)
                canvas.addLiteral(qr.operators(shape.text))
                canvas.endForm()
    return names


def _draw(canvas: Canvas, shape: Shape, codes: dict[str, str]) -> None:
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
        case Frame():
            canvas.saveState()
            canvas.setLineWidth(0.6)
            if shape.dashed:
                canvas.setDash([3, 3])
            canvas.rect(shape.x, shape.y, shape.width, shape.height)
            canvas.restoreState()
        case Bar():
            canvas.saveState()
            canvas.setFillGray(shape.grey)
            canvas.rect(shape.x, shape.y, shape.width, shape.height, stroke=0, fill=1)
            canvas.restoreState()
        case Ring():
            canvas.setLineWidth(0.9)
            canvas.circle(shape.x, shape.y, shape.radius)
        case Code():
            scale = shape.side / qr.modules(shape.text)
            canvas.saveState()
            canvas.transform(scale, 0, 0, scale, shape.x, shape.y)
            canvas.doForm(codes[shape.text])
            canvas.restoreState()


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
