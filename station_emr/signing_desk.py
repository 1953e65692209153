"""Joins what signs: keys and files, forms with room for a stamp, the person's own password."""

from __future__ import annotations

from dataclasses import dataclass

from station_emr.printing.documents import PdfDocuments
from station_emr.printing.signature_stamp import PdfStamps
from station_emr.security.signing.tools import LocalSigningTools
from station_emr.services.ports import Clock, Store
from station_emr.services.signatures import Signatures
from station_emr.services.signing import PasswordCheck, Signing
from station_emr.services.signing_ports import SigningTools


@dataclass(frozen=True, slots=True)
class SigningDesk:
    """Fields as in :class:`StationServices`."""

    signing: Signing
    signatures: Signatures


def build_signing(
    store: Store, clock: Clock, passwords: PasswordCheck, tools: SigningTools | None = None
) -> SigningDesk:
    """``tools`` are those of this machine when none are given."""
    tools = tools or LocalSigningTools()
    forms = PdfStamps(PdfDocuments())
    return SigningDesk(
        signing=Signing(store, clock, tools, forms, passwords),
        signatures=Signatures(store, clock, tools),
    )
