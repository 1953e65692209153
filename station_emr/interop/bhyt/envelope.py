"""The files as they are sent: GIAMDINHHS with the tables of one encounter in base64, and XML0 alone."""

from __future__ import annotations

import base64
from datetime import date
from typing import Final
from xml.sax.saxutils import escape

from station_emr.domain.claim import CHECK_IN, TABLES, ClaimFile

from .schema import schema
from .writer import SIGNATURE_PLACE, table_document

ROOT: Final = "GIAMDINHHS"
_HEAD: Final = (
    '<?xml version="1.0" encoding="utf-8"?>\n'
    f'<{ROOT} xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
    'xmlns:xsd="http://www.w3.org/2001/XMLSchema">'
)


def record_file(claim: ClaimFile) -> bytes:
    """The envelope with every table of the claim but the check-in; its signature's place is empty.

    Raises ValueError when the claim has no table to send, or one that its decision cannot hold.
    """
    tables = schema(claim.version)
    parts = []
    for name in TABLES:
        rows = claim.rows(name)
        if name == CHECK_IN or not rows:
            continue
        document = table_document(tables.table(name), rows)
        parts.append(
            f"<FILEHOSO><LOAIHOSO>{name}</LOAIHOSO>"
            f"<NOIDUNGFILE>{base64.b64encode(document).decode('ascii')}</NOIDUNGFILE></FILEHOSO>"
        )
    if not parts:
        raise ValueError("a claim without tables")
    return _envelope(claim.facility_code, claim.made_on, "".join(parts)).encode("utf-8")


def check_in_file(claim: ClaimFile) -> bytes:
    """XML0 as a file of its own. Raises ValueError when the claim has none."""
    table = schema(claim.version).table(CHECK_IN)
    return table_document(table, claim.rows(CHECK_IN), signature_place=True)


def _envelope(facility_code: str, made_on: date, files: str) -> str:
    code = escape(facility_code)
    return (
        f"{_HEAD}<THONGTINDONVI><MACSKCB>{code}</MACSKCB></THONGTINDONVI>"
        f"<THONGTINHOSO><NGAYLAP>{made_on:%Y%m%d}</NGAYLAP><SOLUONGHOSO>1</SOLUONGHOSO>"
        f"<DANHSACHHOSO><HOSO>{files}</HOSO></DANHSACHHOSO></THONGTINHOSO>"
        f"<{SIGNATURE_PLACE}/></{ROOT}>"
    )
