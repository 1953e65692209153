"""Papers built to stop the program that draws them: pages without an end, fonts that unfold or show one
another.

Each is small, so that what it would do to the drawing library is shown without doing it.
"""

from __future__ import annotations

import io
import zlib
from collections.abc import Callable
from functools import cache

import pytest
from reportlab.pdfgen.canvas import Canvas

from station_emr.domain import pdf_bounds
from station_emr.domain.errors import UserError
from station_emr.domain.pdf_bounds import refuse_hostile
from station_emr.printing.documents import PdfDocuments
from station_emr.ui.kit import paper as pictures
from tests.printing.samples import MARK, REFERRAL

TRUETYPE = (
    b"<</Type/Font/Subtype/TrueType/BaseFont/X/FirstChar 72/LastChar 72/Widths[500]"
    b"/FontDescriptor 6 0 R>>"
)
DESCRIBED = (
    b"<</Type/FontDescriptor/FontName/X/Flags 32/FontBBox[0 0 1 1]/ItalicAngle 0/Ascent 1/Descent 0"
    b"/CapHeight 1/StemV 1/FontFile2 7 0 R>>"
)
WORDS = b"BT /F1 12 Tf 50 700 Td (H) Tj ET"


def stream(head: bytes, body: bytes) -> bytes:
    return b"<<%s/Length %d>>\nstream\n%s\nendstream" % (head, len(body), body)


def pdf(font: bytes, *more: bytes, content: bytes = WORDS, catalog: bytes = b"") -> bytes:
    """One page with one font, which is object 5; ``more`` are the objects from 6 on."""
    page = (
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R"
        b"/Resources<</Font<</F1 5 0 R>>/XObject<</X1 6 0 R>>>>>>"
    )
    objects = (
        b"<</Type/Catalog/Pages 2 0 R%s>>" % catalog,
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        page,
        stream(b"", content),
        font,
        *more,
    )
    made, places = b"%PDF-1.7\n", []
    for number, one in enumerate(objects, 1):
        places.append(len(made))
        made += b"%d 0 obj\n%s\nendobj\n" % (number, one)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    count = len(objects) + 1
    return (
        made
        + b"xref\n0 %d\n0000000000 65535 f \n%strailer <</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF"
        % (
            count,
            table,
            count,
            len(made),
        )
    )


def embedded(head: bytes, body: bytes) -> bytes:
    return pdf(TRUETYPE, DESCRIBED, stream(head, body))


@cache
def packed(megabytes: int) -> bytes:
    packer = zlib.compressobj(9)
    piece = bytes(1 << 20)
    return b"".join([packer.compress(piece) for _ in range(megabytes)]) + packer.flush()


def type_three(levels: int, times: int) -> bytes:
    """Glyphs that show the next font's glyph ``times`` times."""
    objects = []
    for level in range(levels):
        last = level == levels - 1
        inner = b"" if last else b"/Resources<</Font<</F1 %d 0 R>>>>" % (7 + 2 * level)
        objects.append(
            b"<</Type/Font/Subtype/Type3/FontBBox[0 0 9 9]/FontMatrix[.1 0 0 .1 0 0]/FirstChar 72"
            b"/LastChar 72/Widths[9]/Encoding<</Differences[72/a]>>/CharProcs<</a %d 0 R>>%s>>"
            % (6 + 2 * level, inner)
        )
        shown = b"0 0 5 5 re f" if last else b"BT /F1 12 Tf (%s) Tj ET" % (b"H" * times)
        objects.append(stream(b"", b"9 0 d0 " + shown))
    return pdf(objects[0], *objects[1:])


FLATE = b"/Filter/FlateDecode"
BOMBS: dict[str, Callable[[int], bytes]] = {  # by the megabytes they unfold to
    "a font that unfolds beyond the bound": lambda size: embedded(FLATE, packed(size)),
    "an escaped name": lambda size: embedded(b"/Fi#6cter/Fl#61teDecode", packed(size)),
    "packed twice": lambda size: embedded(
        b"/Filter[/FlateDecode/FlateDecode]", zlib.compress(packed(9))
    ),
    "packed as somewhere else says": lambda size: embedded(b"/Filter 9 0 R", packed(1)),
    "packed in a way of its own": lambda size: embedded(b"/Filter/LZWDecode", b"\x80\x0b"),
    "words that pass for the object": lambda size: embedded(
        FLATE + b"/X(\n7 0 obj<<)", packed(size)
    ),
    "a remark that passes for it": lambda size: embedded(FLATE + b"% 7 0 obj<<\n", packed(size)),
    "no zlib inside": lambda size: embedded(FLATE, b"no zlib"),
    "glyphs that show glyphs": lambda size: type_three(9, 10),
    "objects out of sight": lambda size: embedded(
        b"/Type/ObjStm/N 1/First 4", b"8 0 <</Type/Font>>"
    ),
    "drawings that draw drawings": lambda size: pdf(
        TRUETYPE, stream(b"/Subtype/Form/BBox[0 0 9 9]", b"/X1 Do " * 9), content=b"/X1 Do"
    ),
    "a picture as wide as a field": lambda size: embedded(b"/Width 99999/Height 99999", b"x"),
}


@pytest.mark.parametrize("bomb", BOMBS.values(), ids=BOMBS.keys())
def test_a_paper_that_would_stop_the_program_is_not_drawn(bomb) -> None:
    made = bomb(65)
    assert len(made) < 200_000, "small enough to come by any line"
    with pytest.raises(UserError, match="bất thường"):
        refuse_hostile(made)


def test_a_hidden_object_within_a_stream_is_found_too(monkeypatch) -> None:
    """The table at the end may point into what another stream holds."""
    monkeypatch.setattr(pdf_bounds, "LARGEST", 1 << 20)
    inside = b"\n9 0 obj\n" + stream(FLATE, packed(2)) + b"\nendobj\n"
    stored = zlib.compress(inside, 0)
    assert inside in stored
    with pytest.raises(UserError):
        refuse_hostile(embedded(FLATE, stored))


def test_the_drawing_library_itself_would_unfold_it(qapp, monkeypatch) -> None:
    """The weak way: glyphs within glyphs are drawn, four times as many with each level."""
    small = type_three(2, 3)
    with pytest.raises(UserError):
        pictures.render_pages(small, 120)
    monkeypatch.setattr(pictures, "refuse_hostile", lambda _pdf: None)
    (page,) = pictures.render_pages(small, 120)
    assert page.width() == 120


def test_our_own_papers_are_drawn(qapp) -> None:
    ours = PdfDocuments().referral(REFERRAL, MARK)
    refuse_hostile(ours)
    assert len(pictures.render_pages(ours, 120)) >= 1


def test_a_stamp_that_draws_its_picture_is_let_through() -> None:
    form = stream(b"/Subtype/Form/BBox[0 0 9 9]", b"q /X1 Do Q")
    refuse_hostile(pdf(TRUETYPE, form, form, content=b"/X1 Do"))


def test_what_is_only_long_is_refused_before_it_is_read(monkeypatch) -> None:
    plain = embedded(b"", b"x" * 5_000)
    refuse_hostile(plain)
    monkeypatch.setattr(pdf_bounds, "LARGEST", 4_000)
    with pytest.raises(UserError):
        refuse_hostile(plain)


def paper(pages: int, width: float, height: float) -> bytes:
    held = io.BytesIO()
    made = Canvas(held, pagesize=(width, height))
    for _page in range(pages):
        made.drawString(1, 1, "x")
        made.showPage()
    made.save()
    return held.getvalue()


def test_a_page_of_no_possible_size_is_drawn_within_bounds(qapp, monkeypatch) -> None:
    long = paper(1, 10, 3_000)
    (picture,) = pictures.render_pages(long, 200)
    assert picture.height() <= 200 * 8
    monkeypatch.setattr(pictures, "_TALLEST", 10**9)
    (picture,) = pictures.render_pages(long, 200)
    assert picture.height() == 60_000


def test_a_page_for_the_printer_is_bounded_too(qapp, monkeypatch) -> None:
    wide = paper(1, 1_000, 1_000)
    monkeypatch.setattr(pictures, "_MOST_PIXELS", 1_000_000)
    found = pictures.render_page(wide, 0, 150)
    assert 900_000 < found.width() * found.height() <= 1_010_000
    monkeypatch.setattr(pictures, "_MOST_PIXELS", 10**12)
    assert pictures.render_page(wide, 0, 150).width() == 2_083


def test_only_so_many_pages_are_drawn(qapp, monkeypatch) -> None:
    many = paper(5, 200, 200)
    assert len(pictures.render_pages(many, 20)) == 5
    monkeypatch.setattr(pictures, "MOST_PAGES", 2)
    assert len(pictures.render_pages(many, 20)) == 2
