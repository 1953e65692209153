"""Which printed forms are here, asked by the device that brought them.

Forms are no operations: count and sum of the exchange do not speak of them. So a device compares, rarely,
how many it brought and their sum; only where these differ does it name its forms, and hears which are
missing (docs/sync.md, "Printed forms", 8).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from provincial_server import wire
from provincial_server.auth import Caller
from provincial_server.binaries import FORM_ID, Binary
from provincial_server.faults import refuse

MOST_NAMED = 500
_WHOLE = 1 << 64


@dataclass(frozen=True, slots=True)
class FormTally:
    """Of the forms that one device brought: how many, and their sum. `missing`: of those that it named,
    whoever brought them."""

    count: int
    total: int
    missing: tuple[str, ...] = ()

    def as_fhir(self) -> str:
        said = [
            {"name": "count", "valueInteger": self.count},
            {"name": "sum", "valueString": f"{self.total:016x}"},
            *({"name": "missing", "valueString": name} for name in self.missing),
        ]
        return wire.canonical({"resourceType": "Parameters", "parameter": said})


def tally(session: Session, caller: Caller, named: Sequence[str] = ()) -> FormTally:
    """Reads no form, only what its row says of it."""
    own = Binary.facility_code == caller.facility_code
    count = total = 0
    rows = select(Binary.sha256).where(own, Binary.device_id == caller.device_id)
    for sha256 in session.scalars(rows):
        count, total = count + 1, (total + weight(sha256)) % _WHOLE
    here = set(session.scalars(select(Binary.id).where(own, Binary.id.in_(named))) if named else ())
    return FormTally(count, total, tuple(name for name in named if name not in here))


def weight(sha256: bytes) -> int:
    """A form's share of the sum."""
    return int.from_bytes(sha256[:8], "big")


def read_names(body: object) -> list[str]:
    """The ids that a FHIR Parameters names, each as `id`."""
    items = body.get("parameter", []) if isinstance(body, dict) else None
    if not isinstance(body, dict) or body.get("resourceType") != "Parameters":
        raise refuse(400, "structure", "Parameters are expected")
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise refuse(400, "structure", "Parameters.parameter is a list", "Parameters.parameter")
    if len(items) > MOST_NAMED:
        text = f"at most {MOST_NAMED} forms are named at once"
        raise refuse(413, "too-long", text, "Parameters.parameter")
    names = [item.get("valueString") for item in items if item.get("name") == "id"]
    if len(names) != len(items) or not all(
        isinstance(name, str) and FORM_ID.fullmatch(name) for name in names
    ):
        raise refuse(400, "value", "each parameter is the id of a form", "Parameters.parameter")
    return [str(name) for name in names]
