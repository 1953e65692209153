"""Every printed form, filled from a small made-up station, to be looked at beside its source.

One row of :data:`GALLERY` is one form. A new form adds its row here and its page appears in
``docs/forms`` and in ``station-emr forms``.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Final

from station_emr.domain.billing import ItemKind, Sources
from station_emr.domain.errors import EnvironmentFailure, UserError
from station_emr.domain.record import RecordKind
from station_emr.services.clock import VIETNAM
from station_emr.services.guards import confirmation_key
from station_emr.services.timekeeping import NEWEST_SEEN
from station_emr.station import OpenStation, open_station

from .claims import fill_in_claims
from .clock import DemoClock
from .form_visits import FilledPapers, fill_papers
from .scripted import DIRECTOR, create_demo_station
from .station import DEMO_PASSWORD

MOMENT: Final = datetime(2026, 11, 20, 9, 12, 33, tzinfo=VIETNAM)  # a Friday morning
_SEED: Final = 7
_DPI: Final = {"A4": 76, "A5": 96}


@dataclass(frozen=True, slots=True)
class Desk:
    """The open station of the gallery and what was written in it."""

    station: OpenStation
    papers: FilledPapers


@dataclass(frozen=True, slots=True)
class GalleryForm:
    """``basis`` names the text that the form follows; ``checked`` says that its layout was known."""

    name: str
    title: str
    basis: str
    paper: str
    make: Callable[[Desk], bytes]
    checked: bool = True


def _print(kind: RecordKind, which: str) -> Callable[[Desk], bytes]:
    def make(desk: Desk) -> bytes:
        prints, actor = desk.station.services.prints, desk.station.actor
        return prints.print(actor, kind, getattr(desk.papers, which)).pdf

    return make


def _visit(form: str, which: str) -> Callable[[Desk], bytes]:
    def make(desk: Desk) -> bytes:
        forms, actor = desk.station.services.visit_forms, desk.station.actor
        visit = getattr(desk.papers, which)
        return forms.print(actor, RecordKind.ENCOUNTER, visit, form).pdf

    return make


def _bill(desk: Desk) -> bytes:
    """Of the visit, with a material added and a part paid by somebody else."""
    services, actor = desk.station.services, desk.station.actor
    bill = services.billing.prepare(actor, desk.papers.visit)
    bill = services.billing.add(
        actor, bill, services.billing.search(ItemKind.MATERIAL, "nep go")[0]
    )
    helped = replace(bill.items[-1], sources=Sources(vttn=Decimal(5000)))
    bill = replace(bill, items=(*bill.items[:-1], helped))
    patient = services.patients.standing(actor, bill.patient_id).stored.record
    yes = [confirmation_key(one) for one in services.billing.check(bill, patient)]
    closed = services.billing.sign(actor, bill, yes).id_of(RecordKind.BILL)
    return services.prints.print(actor, RecordKind.BILL, closed).pdf


def _summary(desk: Desk) -> bytes:
    requests = desk.station.services.privacy.requests
    return requests.summary(desk.station.actor, desk.papers.request)


def _request(desk: Desk) -> bytes:
    requests = desk.station.services.privacy.requests
    return requests.form(desk.station.actor, desk.papers.patient, desk.papers.request)


GALLERY: Final[tuple[GalleryForm, ...]] = (
    GalleryForm(
        "phieu-chuyen",
        "Phiếu chuyển cơ sở khám bệnh, chữa bệnh",
        "TT 01/2025/TT-BYT, phụ lục VI",
        "A4",
        _print(RecordKind.REFERRAL, "referral"),
    ),
    GalleryForm(
        "phieu-hen",
        "Phiếu hẹn khám lại",
        "TT 01/2025/TT-BYT, phụ lục V",
        "A5",
        _print(RecordKind.APPOINTMENT, "appointment"),
    ),
    GalleryForm(
        "don-thuoc",
        "Đơn thuốc",
        "TT 26/2025/TT-BYT",
        "A5",
        _print(RecordKind.PRESCRIPTION, "prescription"),
    ),
    GalleryForm(
        "giay-nghi-bhxh",
        "Giấy chứng nhận nghỉ việc hưởng BHXH",
        "TT 25/2025/TT-BYT, mẫu 07",
        "A4",
        _print(RecordKind.CERTIFICATE, "certificate"),
    ),
    GalleryForm(
        "giay-nghi-bhxh-cap-lai",
        "Giấy chứng nhận nghỉ việc hưởng BHXH, cấp lại cho trẻ dưới 07 tuổi",
        "TT 25/2025/TT-BYT, mẫu 07",
        "A4",
        _print(RecordKind.CERTIFICATE, "reissued"),
    ),
    GalleryForm(
        "benh-an-17bv1",
        "Bệnh án dành cho tuyến xã, phường",
        "TT 32/2023/TT-BYT, phụ lục XXVIII, mẫu 17/BV1",
        "A4",
        _visit("record-17-bv1", "visit"),
        checked=False,
    ),
    GalleryForm(
        "benh-an-15bv1",
        "Bệnh án ngoại trú chung",
        "TT 32/2023/TT-BYT, phụ lục XXVIII, mẫu 15/BV1",
        "A4",
        _visit("record-15-bv1", "visit"),
        checked=False,
    ),
    GalleryForm(
        "cam-ket-chuyen",
        "Giấy cam kết chuyển cơ sở khám bệnh, chữa bệnh",
        "TT 32/2023/TT-BYT, phụ lục XXIX, mẫu 45/BV2",
        "A5",
        _visit("transfer-consent", "transfer"),
        checked=False,
    ),
    GalleryForm(
        "bao-benh-truyen-nhiem",
        "Phiếu báo ca bệnh truyền nhiễm",
        "TT 15/2026/TT-BYT, điều 10",
        "A4",
        _print(RecordKind.NOTIFICATION, "notification"),
        checked=False,
    ),
    GalleryForm(
        "bang-ke",
        "Bảng kê chi phí khám bệnh, chữa bệnh",
        "QĐ 697/QĐ-BYT 2026, mẫu 01/KBCB",
        "A4",
        _bill,
        checked=False,
    ),
    GalleryForm(
        "tom-tat-hsba",
        "Bản tóm tắt hồ sơ bệnh án",
        "TT 25/2025/TT-BYT, mẫu 03",
        "A4",
        _summary,
        checked=False,
    ),
    GalleryForm(
        "don-yeu-cau",
        "Đơn yêu cầu khai thác hồ sơ bệnh án",
        "TT 25/2025/TT-BYT, mẫu 04",
        "A4",
        _request,
        checked=False,
    ),
)


def gallery_form(name: str) -> GalleryForm:
    """Raises UserError with the names there are."""
    found = next((form for form in GALLERY if form.name == name), None)
    if found is None:
        names = ", ".join(form.name for form in GALLERY)
        raise UserError(f"Không có mẫu “{name}”. Các mẫu: {names}.")
    return found


def make_forms(names: Iterable[str] = ()) -> dict[str, bytes]:
    """The forms of these names (all of them when none is named) as PDF, from a station made for it."""
    wanted = [gallery_form(name) for name in names] or list(GALLERY)
    with tempfile.TemporaryDirectory(prefix="station-emr-forms-") as place:
        folder = Path(place) / "station"
        create_demo_station(folder)
        clock = DemoClock(MOMENT, _SEED)
        with closing(open_station(folder, DIRECTOR, DEMO_PASSWORD, clock)) as station:
            with station.store.write() as work:
                work.settings.put(NEWEST_SEEN, "")  # it was founded today and lives on its own day
            fill_in_claims(station)
            desk = Desk(station, fill_papers(station, clock))
            return {form.name: form.make(desk) for form in wanted}


def draw_pictures(pdfs: dict[str, bytes], folder: Path) -> list[Path]:
    """Each page as a PNG beside its name. Raises EnvironmentFailure without poppler."""
    program = shutil.which("pdftoppm")
    if program is None:
        raise EnvironmentFailure(
            "Máy này chưa có pdftoppm (gói poppler-utils) nên chưa vẽ được ảnh của mẫu. "
            "Hãy cài gói đó rồi chạy lại."
        )
    folder.mkdir(parents=True, exist_ok=True)
    made: list[Path] = []
    for name, pdf in pdfs.items():
        for old in folder.glob(f"{name}-[0-9].png"):
            old.unlink()
        source = folder / f"{name}.pdf"
        source.write_bytes(pdf)
        dpi = _DPI[gallery_form(name).paper]
        subprocess.run(
            [program, "-r", str(dpi), "-gray", "-png", str(source), str(folder / name)], check=True
        )
        source.unlink()
        made += sorted(folder.glob(f"{name}-[0-9].png"))
    return made
