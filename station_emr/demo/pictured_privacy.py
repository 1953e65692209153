"""Consents, a request and a leak of the pictured station."""

from __future__ import annotations

from dataclasses import replace

from station_emr.domain.record import RecordKind
from station_emr.station import OpenStation


def note_privacy(station: OpenStation) -> None:
    """Consents of one person, one taken back, a request whose answer is due, and a leak."""
    privacy, actor = station.services.privacy, station.actor
    person = station.services.patients.search(actor, "nguyen")[0]
    made = []
    for number, purpose in enumerate(("contact-phone", "health-book", "research"), 1):
        blank = privacy.consents.blank(actor, person.id)
        changes = privacy.consents.give(
            actor,
            replace(
                blank,
                purpose=purpose,
                paper_number=f"ĐY-MẪU-{number}",
                guardian_name=blank.guardian_name or "Người Đại Diện Mẫu",
                guardian_relationship=blank.guardian_relationship or "Mẹ",
            ),
        )
        made.append(changes.id_of(RecordKind.CONSENT))
    privacy.consents.withdraw(actor, made[-1], "Người bệnh", "Không muốn tham gia nữa", "RĐY-MẪU-1")
    request = replace(
        privacy.requests.blank(actor, person.id), asker_paper="MẪU-0001", purpose="Khám ở nơi khác"
    )
    privacy.requests.receive(actor, request)
    breach = replace(
        privacy.breaches.blank(actor),
        what="Mất một ổ nhớ chép danh sách người bệnh",
        who="Khoảng 20 người",
        done="Đã báo giám đốc, đang liên hệ từng người",
    )
    privacy.breaches.record(actor, breach)
