"""The printed forms behind the ``Documents`` port: signed content in, PDF bytes out."""

from __future__ import annotations

import threading
from contextlib import AbstractContextManager
from datetime import datetime

from station_emr.domain.appointment import Appointment
from station_emr.domain.billing import Bill
from station_emr.domain.certificate import SickLeave
from station_emr.domain.notification import CommunicableDiseaseNotification
from station_emr.domain.prescription import Prescription
from station_emr.domain.record import StationProfile
from station_emr.domain.referral import Referral
from station_emr.services.ports import PrintMark

from . import appointment as appointment_form
from . import bill as bill_form
from . import certificate as certificate_form
from . import notification as notification_form
from . import prescription as prescription_form
from . import recovery_sheet as recovery_form
from . import referral as referral_form
from .footer import watermark
from .render import About, to_pdf
from .sheet import Sheet
from .wording import value


class PdfDocuments:
    """Implements :class:`station_emr.services.ports.Documents`.

    The same content and mark give the same bytes. Safe to call from several threads: fonts collect
    the letters of one document at a time, so documents are made one after the other.
    """

    def __init__(self) -> None:
        self._one_at_a_time = threading.Lock()

    def alone(self) -> AbstractContextManager[object]:
        """While it is held no document is made; for those who compose a form themselves."""
        return self._one_at_a_time

    def referral(self, referral: Referral, mark: PrintMark) -> bytes:
        """Letter on two pages (more when texts are long) and the reply slip."""
        with self._one_at_a_time:
            sheet = referral_form.compose(referral, mark)
            title = f"Phiếu chuyển cơ sở khám bệnh, chữa bệnh {referral.number}"
            return _pdf(sheet, title, referral.station, mark)

    def prescription(self, prescription: Prescription, mark: PrintMark) -> bytes:
        with self._one_at_a_time:
            sheet = prescription_form.compose(prescription, mark)
            return _pdf(sheet, f"Đơn thuốc {prescription.code}", prescription.station, mark)

    def appointment(self, appointment: Appointment, mark: PrintMark) -> bytes:
        with self._one_at_a_time:
            sheet = appointment_form.compose(appointment, mark)
            title = f"Phiếu hẹn khám lại {appointment.number}"
            return _pdf(sheet, title, appointment.station, mark)

    def certificate(self, certificate: SickLeave, mark: PrintMark) -> bytes:
        """Two copies on one A4, a line to cut between."""
        with self._one_at_a_time:
            sheet = certificate_form.compose(certificate, mark)
            title = f"Giấy chứng nhận nghỉ việc hưởng BHXH {certificate.number}"
            return _pdf(sheet, title, certificate.station, mark)

    def notification(self, notification: CommunicableDiseaseNotification, mark: PrintMark) -> bytes:
        with self._one_at_a_time:
            sheet = notification_form.compose(notification, mark)
            title = f"Phiếu báo ca bệnh truyền nhiễm {notification.number}"
            return _pdf(sheet, title, notification.station, mark)

    def bill(self, bill: Bill, mark: PrintMark) -> bytes:
        """Form 01/KBCB: one table per card and benefit level."""
        with self._one_at_a_time:
            sheet = bill_form.compose(bill, mark)
            return _pdf(sheet, f"Bảng kê chi phí {bill.number}", bill.station, mark)

    def recovery_sheet(self, station_name: str, code: str, at: datetime) -> bytes:
        """The code is printed, never put into the properties of the document."""
        with self._one_at_a_time:
            sheet = recovery_form.compose(station_name, code, at)
            about = About(
                title="Phiếu mã khôi phục dữ liệu",
                author=value(station_name),
                creator="Station EMR",
                at=at,
            )
            return to_pdf(sheet.pages, about)


def _pdf(sheet: Sheet, title: str, station: StationProfile | None, mark: PrintMark) -> bytes:
    about = About(
        title=value(title),
        author=value(station.name) if station else "",
        creator=value(mark.system),
        at=mark.printed_at,
        watermark=watermark(mark),
    )
    return to_pdf(sheet.pages, about)
