"""Consents, requests and a leak of the pictured station, one request from its second PC."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from station_emr.domain.operation import Origin
from station_emr.domain.privacy_request import PrivacyRequest, RequestKind
from station_emr.domain.record import RecordKind, RecordStatus
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
    _arrive(station, request)
    breach = replace(
        privacy.breaches.blank(actor),
        what="Mất một ổ nhớ chép danh sách người bệnh",
        who="Khoảng 20 người",
        done="Đã báo giám đốc, đang liên hệ từng người",
    )
    privacy.breaches.record(actor, breach)


def _arrive(station: OpenStation, request: PrivacyRequest) -> None:
    """What the second PC took in five days ago, and nobody has answered: its first day is over."""
    clock = station.services.clock
    at = clock.now() - timedelta(days=5)
    other = replace(
        request,
        id=clock.new_id(),
        kind=RequestKind.SUMMARY,
        number=f"YC-B.{at:%y}-0001",
        received_at=at,
        asker_name="Người Yêu Cầu Mẫu",
        recorded_by="ĐD. Người Ghi Mẫu",
    )
    with station.store.write() as work:
        work.requests.add_replica(
            other,
            RecordStatus.SIGNED,
            author=("", other.recorded_by),
            at=at,
            parents=(),
            origin=Origin.REPLICA,
            device="Máy 2",
        )
