"""Records that FHIR has no resource for → Basic: its code says which kind of record it is.

R4 gives Basic no status, so an extension says that one was entered in error.
"""

from __future__ import annotations

from typing import Final

from .datatypes import Json, Resource, coding, concept, identifier, present, resource
from .reading import RETIRED, coded
from .uris import UriTable, own_system

TYPE: Final = "Basic"
KIND_SYSTEM: Final = own_system("record-kind")
"""The codes are the words that an operation's line has for the kinds of records."""


def basic_resource(
    kind: str, record_id: str, uris: UriTable, *extensions: Json, **elements: object
) -> Resource:
    """The one resource of a record of ``kind``; ``extensions`` hold what it says."""
    return resource(
        TYPE,
        record_id,
        extension=present(*extensions),
        identifier=present(identifier(uris.record, record_id)),
        code=concept(coding(KIND_SYSTEM, kind)),
        **elements,
    )


def basic_kind(root: Resource) -> str:
    """The word of its kind, "" for a Basic of somebody else."""
    return coded(root["code"], KIND_SYSTEM)[0]


def retired_basic(basic: Resource) -> Resource:
    """The same as entered in error."""
    held = [*basic.get("extension", ()), {"url": RETIRED, "valueBoolean": True}]
    return {**basic, "extension": held}
