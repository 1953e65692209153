"""Forms of privacy: consent, request (Mẫu 04), summary (Mẫu 03), report of a leak.

The layouts of Mẫu 03 and Mẫu 04 of TT 25/2025 were not to be had; these carry what the law asks for
and say so at their head until the official ones are known (docs/open-questions.md).
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from datetime import datetime
from typing import Final

from reportlab.lib.units import mm

from station_emr.domain.consent import PURPOSES, Consent, ConsentForm, ConsentGiver
from station_emr.domain.encounter import Encounter
from station_emr.domain.patient import Patient
from station_emr.domain.privacy_request import Asker, DataBreach, PrivacyRequest, RequestKind
from station_emr.domain.record import StationProfile
from station_emr.services.ports import PrintMark
from station_emr.services.privacy_ports import RecordSummary, SummaryVisit

from .footer import Footer, page_format
from .letterhead import issuer, nation
from .render import About, to_pdf
from .sheet import A4, Block, Sheet
from .typeset import Box, Inline, Text
from .wording import day_inlines, diagnoses_text, full_title, labelled, strong, value, values

_SIDES: Final = (25 * mm, 15 * mm)
_NAMES_LONG: Final = 90.0
_SIGNERS: Final = {
    ConsentGiver.PATIENT: "NGƯỜI ĐỒNG Ý",
    ConsentGiver.GUARDIAN: "NGƯỜI ĐẠI DIỆN",
    ConsentGiver.BOTH: "NGƯỜI BỆNH VÀ NGƯỜI ĐẠI DIỆN",
}
_TEMPLATE: Final = "Mẫu do trạm lập theo nội dung luật định, chờ đối chiếu với mẫu gốc"


class PdfPrivacyPapers:
    """Implements :class:`station_emr.services.privacy_ports.PrivacyPapers`. Safe to call from
    several threads: fonts collect the letters of one document at a time.
    """

    def __init__(self) -> None:
        self._one_at_a_time = threading.Lock()

    def consent_form(
        self, station: StationProfile, patient: Patient, consent: Consent, mark: PrintMark
    ) -> bytes:
        with self._one_at_a_time:
            made, footer = _begin(station, mark, consent.paper_number or "ĐY")
            _title(made, "PHIẾU ĐỒNG Ý XỬ LÝ DỮ LIỆU CÁ NHÂN", "Luật Bảo vệ dữ liệu cá nhân")
            _person(made, patient)
            _consent_lines(made, consent)
            _signatures(made, (_SIGNERS[consent.giver], "NGƯỜI GHI NHẬN"))
            return _end(made, footer, "Phiếu đồng ý xử lý dữ liệu cá nhân", station, mark)

    def request_form(
        self,
        station: StationProfile,
        patient: Patient,
        request: PrivacyRequest | None,
        mark: PrintMark,
    ) -> bytes:
        with self._one_at_a_time:
            number = request.number if request else "YC"
            made, footer = _begin(station, mark, number)
            _title(
                made,
                "ĐƠN YÊU CẦU KHAI THÁC HỒ SƠ BỆNH ÁN",
                f"Mẫu số 04 Thông tư 25/2025/TT-BYT. {_TEMPLATE}",
            )
            made.flow([made.block([strong(f"Kính gửi: {value(station.name)}")], before=6)])
            _request_lines(made, request)
            _person(made, patient)
            _wanted_lines(made, request)
            _signatures(made, ("NGƯỜI NHẬN ĐƠN", "NGƯỜI YÊU CẦU"))
            return _end(made, footer, "Đơn yêu cầu khai thác hồ sơ bệnh án", station, mark)

    def summary(self, summary: RecordSummary, mark: PrintMark) -> bytes:
        with self._one_at_a_time:
            request = summary.request
            made, footer = _begin(summary.station, mark, request.number if request else "TT")
            _title(
                made,
                "BẢN TÓM TẮT HỒ SƠ BỆNH ÁN",
                f"Mẫu số 03 Thông tư 25/2025/TT-BYT. {_TEMPLATE}",
            )
            made.flow([_heading(made, "I. Người bệnh")])
            _person(made, summary.patient)
            _life(made, summary.patient, mark.printed_at)
            _lasting(made, summary.patient)
            made.flow([_heading(made, "II. Các lượt khám, điều trị")])
            if not summary.visits:
                made.flow([made.block([Text("Chưa có lượt khám nào đã ký.")])])
            for number, visit in enumerate(summary.visits, 1):
                _visit(made, number, visit)
            if not summary.whole:
                said = (
                    "Bản tóm tắt không gồm nội dung mà luật yêu cầu giữ riêng, nếu có. Người bệnh cần "
                    "phần đó thì ghi rõ trong đơn yêu cầu."
                )
                made.flow([made.block([Text(said)], size=10, before=8)])
            _signatures(made, ("NGƯỜI NHẬN", "ĐẠI DIỆN TRẠM"))
            return _end(made, footer, "Bản tóm tắt hồ sơ bệnh án", summary.station, mark)

    def breach_report(
        self, station: StationProfile, breach: DataBreach, now: datetime, mark: PrintMark
    ) -> bytes:
        with self._one_at_a_time:
            made, footer = _begin(station, mark, breach.number)
            _title(
                made,
                "THÔNG BÁO VI PHẠM BẢO VỆ DỮ LIỆU CÁ NHÂN",
                f"Hạn gửi: {breach.due:%H:%M ngày %d/%m/%Y} (72 giờ từ lúc phát hiện). {_TEMPLATE}",
            )
            left = breach.hours_left(now)
            clock = f"còn {left} giờ" if left >= 0 else f"đã quá hạn {-left} giờ"
            if breach.reported_at is not None:
                sent = f"{breach.reported_at:%H:%M ngày %d/%m/%Y}"
                clock = f"đã gửi {value(breach.reported_to)} lúc {sent}"
            rows = (
                ("1. Lúc phát hiện:", f"{breach.noticed_at:%H:%M ngày %d/%m/%Y}, {clock}"),
                ("2. Thời gian, nơi xảy ra:", breach.happened),
                ("3. Việc đã xảy ra:", breach.what),
                ("4. Dữ liệu của ai, bao nhiêu người:", breach.who),
                ("5. Loại dữ liệu bị ảnh hưởng:", breach.kinds),
                ("6. Hậu quả có thể có:", breach.effects),
                ("7. Trạm đã và sẽ làm:", breach.done),
                ("8. Người liên hệ, điện thoại:", breach.contact),
            )
            _rows(made, rows, lines=2)
            _signatures(made, ("NGƯỜI LẬP", "GIÁM ĐỐC"))
            return _end(made, footer, "Thông báo vi phạm dữ liệu cá nhân", station, mark)


def _person(made: Sheet, patient: Patient) -> None:
    number = patient.national_id or patient.old_national_id
    _rows(
        made,
        (
            ("Họ và tên người bệnh:", patient.full_name),
            ("Sinh:", f"{patient.birth.display()}, giới tính: {patient.sex.label}"),
            ("Số định danh cá nhân:", number),
            ("Mã người bệnh:", patient.chart_number),
            ("Nơi cư trú:", patient.address.text),
        ),
    )


def _consent_lines(made: Sheet, consent: Consent) -> None:
    if consent.giver is not ConsentGiver.PATIENT:
        guardian = ", ".join(filter(None, (consent.guardian_name, consent.guardian_relationship)))
        _rows(made, ((f"{consent.giver.label}. Người đại diện:", guardian),))
    made.flow(
        [
            made.block(
                [
                    Text(
                        "Tôi được giải thích và tự quyết định cho từng mục đích dưới đây. Không đánh "
                        "dấu là không đồng ý. Không đồng ý thì vẫn được khám, chữa bệnh như mọi "
                        "người."
                    )
                ],
                before=8,
            )
        ]
    )
    for one in PURPOSES:
        box: list[Inline] = [Box(), Text(" "), strong(one.label)]
        note = " (dữ liệu nhạy cảm)" if one.sensitive else ""
        chosen = " – mục đích đang ghi" if one.code == consent.purpose else ""
        made.flow(
            [
                made.block([*box, Text(f"{note}{chosen}")], before=5, with_next=True),
                made.block([Text(one.explained)], size=10, first=16, rest=16),
            ]
        )
    told = [
        ("Nơi được nhận hồ sơ:", consent.receiver),
        ("Có hiệu lực đến ngày:", f"{consent.valid_until:%d/%m/%Y}" if consent.valid_until else ""),
    ]
    if consent.form is ConsentForm.SPOKEN:
        told.append(("Người làm chứng:", consent.witness))
    _rows(made, told, before=6)
    made.flow(
        [
            made.block(
                [
                    Text(
                        "Tôi có quyền rút lại bất cứ lúc nào; trạm trả lời trong 15 ngày. Việc đã "
                        "làm trước lúc rút vẫn hợp pháp. Tôi có quyền xem, sửa, yêu cầu xóa và khiếu "
                        "nại theo luật."
                    )
                ],
                size=10,
                before=6,
            )
        ]
    )


def _request_lines(made: Sheet, request: PrivacyRequest | None) -> None:
    asked = request
    _rows(
        made,
        (
            ("Người yêu cầu:", asked.asker_name if asked else ""),
            ("Số giấy tờ tùy thân:", asked.asker_paper if asked else ""),
            ("Điện thoại:", asked.asker_phone if asked else ""),
            ("Quan hệ với người bệnh:", asked.relationship if asked else ""),
            ("Giấy tờ chứng minh quyền đại diện:", asked.proof if asked else ""),
        ),
    )
    made.flow(
        made.block([Box(asked is not None and asked.asker is one), Text(f" {one.label}")], before=1)
        for one in Asker
    )


def _wanted_lines(made: Sheet, request: PrivacyRequest | None) -> None:
    made.flow([_heading(made, "Nội dung yêu cầu")])
    made.flow(
        made.block(
            [
                Box(request is not None and request.kind is one),
                Text(f" {one.label} (thực hiện trong {one.days} ngày)"),
            ],
            before=1,
        )
        for one in RequestKind
    )
    rows = [
        ("Phần hồ sơ, thời gian:", request.wanted if request else ""),
        ("Mục đích sử dụng:", request.purpose if request else ""),
    ]
    if request is not None:
        rows.append(("Ngày nhận đơn:", f"{request.received_at:%H:%M ngày %d/%m/%Y}"))
        rows.append(
            ("Hạn phản hồi, hạn xong:", f"{request.reply_due:%d/%m/%Y}, {request.due:%d/%m/%Y}")
        )
        if request.answer:
            rows.append(("Trạm trả lời:", request.answer))
    _rows(made, rows, lines=2, before=4)


def _life(made: Sheet, patient: Patient, now: datetime) -> None:
    card = patient.coverage_on(now.date())
    rows = (
        ("Dân tộc:", patient.ethnic_name),
        ("Nghề nghiệp:", patient.occupation_name),
        ("Nơi làm việc:", patient.workplace),
        ("Số thẻ bảo hiểm y tế:", card.number if card else ""),
    )
    _rows(made, [row for row in rows if row[1]])


def _lasting(made: Sheet, patient: Patient) -> None:
    allergies = "; ".join(value(one.substance) for one in patient.allergies)
    if not allergies:
        allergies = "đã hỏi, chưa ghi nhận" if patient.no_known_allergy else "chưa ghi"
    conditions = "; ".join(f"{one.icd_code} {value(one.title)}" for one in patient.conditions)
    _rows(made, (("Dị ứng:", allergies), ("Bệnh mạn tính:", conditions or "chưa ghi")))


def _visit(made: Sheet, number: int, visit: SummaryVisit) -> None:
    """What table 8 of the insurance asks of Mẫu 03, in the order of its elements."""
    one = visit.encounter
    left = f" đến {one.ended_at:%d/%m/%Y}" if _later_day(one) else ""
    head = f"{number}. Ngày {one.arrived_at:%d/%m/%Y}{left}, số khám {value(one.number)}"
    made.flow([_heading(made, head)])
    tests = (
        f"{one.name}: {one.result} {one.unit}".strip().rstrip(":")
        for one in one.procedures
        if one.is_test
    )
    rows = [
        ("Lý do đến khám:", one.reason),
        ("Chẩn đoán lúc vào:", one.preliminary_diagnosis),
        ("Quá trình bệnh:", one.history),
        ("Tiền sử:", one.past_history),
        ("Khám:", one.examination),
        ("Diễn biến:", "\n".join(f"{note.at:%H:%M %d/%m}: {note.text}" for note in one.progress)),
        ("Kết quả xét nghiệm, cận lâm sàng:", "; ".join(tests)),
        ("Chẩn đoán:", diagnoses_text(one.diagnoses)),
        ("Phương pháp điều trị:", one.treatment),
        ("Thủ thuật:", "; ".join(p.name for p in one.procedures if not p.is_test)),
    ]
    if visit.prescription is not None:
        drugs = "; ".join(value(line.label) for line in visit.prescription.lines)
        rows.append(("Thuốc đã kê:", drugs))
    rows.append(("Tình trạng khi kết thúc:", visit.result))
    if visit.referral is not None:
        rows.append(("Đã chuyển đến:", visit.referral.to_facility_name))
    rows.append(("Hướng điều trị tiếp, dặn dò:", one.advice))
    signed = full_title(one.practitioner) if one.practitioner else ""
    rows.append(("Người khám:", signed))
    _rows(made, [row for row in rows if row[1]])


def _later_day(visit: Encounter) -> bool:
    return visit.ended_at is not None and visit.ended_at.date() > visit.arrived_at.date()


def _rows(
    made: Sheet, rows: Iterable[tuple[str, str]], *, lines: int = 1, before: float = 2
) -> None:
    made.flow(
        made.block(
            [strong(f"{label} "), Text(values(text))]
            if values(text)
            else labelled(label, "", lines=lines),
            before=before,
        )
        for label, text in rows
    )


def _begin(station: StationProfile, mark: PrintMark, look_up: str) -> tuple[Sheet, Footer]:
    footer = Footer(A4, _SIDES, mark, station, look_up)
    form = page_format(A4, footer, top=16 * mm, least_bottom=16 * mm)
    made = Sheet(form, size=11.5, leading=16)
    left = made.width * 0.42
    low = issuer(made, station, left, 10.5)
    nation_low = nation(made, made.left + left, made.width - left, 10.5)
    made.y = min(low, nation_low) - 8
    return made, footer


def _title(made: Sheet, title: str, under: str) -> None:
    made.flow(
        [
            made.block([strong(title)], size=14, leading=20, before=10, align="center"),
            made.block([Text(under)], size=9.5, leading=13, align="center"),
        ]
    )
    made.y -= 4


def _heading(made: Sheet, text: str) -> Block:
    return made.block([strong(text)], before=8, with_next=True)


def _signatures(made: Sheet, titles: tuple[str, str]) -> None:
    made.need(42 * mm)
    y = made.y - 24
    half = made.width / 2
    made.text(day_inlines(None, lead="Ngày"), made.left + half, y, width=half, align="center")
    for index, title in enumerate(titles):
        x = made.left + index * half
        made.text([strong(title)], x, y - 16, width=half, align="center")
        made.text([Text("(Ký, ghi rõ họ tên)")], x, y - 30, width=half, size=10, align="center")
    made.y = y - _NAMES_LONG


def _end(
    made: Sheet, footer: Footer, title: str, station: StationProfile, mark: PrintMark
) -> bytes:
    """The person is named on the page, never in the properties of the document."""
    footer.paint(made)
    about = About(
        title=title, author=value(station.name), creator="Station EMR", at=mark.printed_at
    )
    return to_pdf(made.pages, about)
