"""A printed form waits, goes in pieces, and leaves only its name behind."""

from __future__ import annotations

from datetime import timedelta

from station_emr.db.store import EncryptedStore
from station_emr.domain.record import RecordKind
from station_emr.services.sync_ports import Attachment, AttachmentState

from .records import LATER, NOW, record_id

PDF = b"%PDF" + bytes(2000)


def test_a_form_goes_through_its_states(store: EncryptedStore) -> None:
    with store.write() as work:
        files = work.attachments
        later = files.queue(RecordKind.REFERRAL, record_id(302), 1, LATER)
        first = files.queue(RecordKind.REFERRAL, record_id(301), 2, NOW, title="Phiếu chuyển")
        assert first == files.queue(RecordKind.REFERRAL, record_id(301), 2, LATER)
        assert [one.id for one in files.due(9)] == [first, later]
        assert files.due(1) == (
            Attachment(
                id=first,
                kind=RecordKind.REFERRAL,
                record_id=record_id(301),
                version=2,
                title="Phiếu chuyển",
                content_type="application/pdf",
                sha256="",
                size=0,
                sent=0,
                state=AttachmentState.EMPTY,
                created_at=NOW,
            ),
        )
        files.progress(first, 7)  # there is nothing to send yet
        files.fill(first, PDF, "ab")
        assert files.counts() == (2, len(PDF))
        files.progress(first, 1500)
    with store.write() as work:
        files = work.attachments
        (found,) = files.due(1)
        assert (found.sent, found.size, found.sha256, found.state) == (
            1500,
            len(PDF),
            "ab",
            AttachmentState.READY,
        )
        assert files.content(first) == PDF
        assert files.counts() == (2, len(PDF) - 1500)
        files.done(first)
        files.fill(first, PDF, "cd")  # nothing brings it back
        files.progress(first, 0)
        assert files.content(first) is None
        assert [one.id for one in files.due(9)] == [later]
        assert files.counts() == (1, 0)


def test_a_form_filled_anew_starts_anew(store: EncryptedStore) -> None:
    with store.write() as work:
        one = work.attachments.queue(
            RecordKind.APPOINTMENT, record_id(401), 1, NOW + timedelta(days=1)
        )
        work.attachments.fill(one, PDF, "ab")
        work.attachments.progress(one, 100)
        work.attachments.fill(one, PDF * 2, "cd")
        assert work.attachments.due(1)[0].sent == 0
        assert work.attachments.counts() == (1, 2 * len(PDF))
