"""The formats of one visit, behind one door."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from station_emr.domain.record import RecordKind, RecordStatus
from station_emr.domain.visit_record import VisitRecord
from station_emr.services.export_ports import VisitFormat

from .fhir.document import visit_document
from .fhir.json_text import write_json as fhir_json
from .fhir.units import build_unit
from .hoso.layout import read_layout


class VisitFiles:
    """Implements :class:`station_emr.services.export_ports.VisitWriter`."""

    def write(
        self, visit: VisitRecord, form: VisitFormat, document_id: str, made_at: datetime
    ) -> bytes:
        from .hoso.writer import write_json, write_xml  # noqa: PLC0415  loads the XML library

        if form is VisitFormat.FHIR:
            return visit_document(visit, document_id, made_at)
        if form is VisitFormat.HOSO_XML:
            return write_xml(visit, read_layout("ho_so_benh_an"))
        if form is VisitFormat.HOSO_JSON:
            return write_json(visit, read_layout("ho_so_benh_an"))
        if form is VisitFormat.CHECK_UP:
            return write_json(visit, read_layout("kham_suc_khoe"))
        raise ValueError(f"{form} is no file of one record")

    def resources(
        self, kind: RecordKind, record: Any, status: RecordStatus
    ) -> Iterable[tuple[str, bytes]]:
        for one in build_unit(kind, record, status):
            yield one["resourceType"], fhir_json(one)
