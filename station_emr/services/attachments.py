"""Printed forms that follow their records to the province (docs/sync.md, "Printed forms").

The record itself says everything; its form is for those who read paper. So forms go last, and only
from the machine that signed.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from station_emr.domain.errors import NotFound
from station_emr.domain.record import Changed, RecordKind, RecordStatus
from station_emr.domain.referral import Referral

from .ports import Documents, PrintMark, Store, Work
from .sync_ports import Attachment

FOLLOWED: Final = frozenset({RecordKind.REFERRAL})
"""Kinds of which the form is sent."""


def follow(work: Work, changed: Changed, number: str, at: datetime) -> None:
    """Queue the form of a version signed here, in its transaction. What of earlier versions was not
    sent yet need not go any more, and a voided paper has no form to send.
    """
    if changed.kind not in FOLLOWED:
        return
    work.attachments.drop(changed.kind, changed.record_id)
    if changed.status is not RecordStatus.VOIDED:
        title = f"Phiếu chuyển số {number}"
        work.attachments.queue(changed.kind, changed.record_id, changed.version, at, title=title)


class FormMaker:
    """Makes the form of a signed version when its turn to be sent comes."""

    def __init__(self, store: Store, documents: Documents) -> None:
        self._store = store
        self._documents = documents

    def __call__(self, one: Attachment) -> bytes | None:
        """The PDF; None when there is nothing to send any more."""
        if one.kind is not RecordKind.REFERRAL:
            return None
        with self._store.read() as work:
            try:
                stored = work.referrals.get(one.record_id)
                letter = work.referrals.at_version(one.record_id, one.version)
            except NotFound:
                return None
            signed = work.signatures.document_of(one.kind, one.record_id, one.version)
        if stored.status is RecordStatus.VOIDED:
            return None
        if signed is not None:  # the file that carries the digital signature
            return signed
        return self._documents.referral(letter, _mark(letter, one))


def _mark(letter: Referral, one: Attachment) -> PrintMark:
    """Nothing of this moment, so that the same version always gives the same bytes."""
    signature = letter.signature
    return PrintMark(
        printed_at=signature.at if signature else one.created_at,
        printed_by=signature.by.printed_name if signature else "",
        copy=1,
        version=one.version,
        electronic=True,
    )
