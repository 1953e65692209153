"""What travels: one record's resources, applied by the server whole or not at all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from station_emr.domain.operation import ReadRecord
from station_emr.domain.record import RecordKind, RecordStatus

Resource = dict[str, Any]


class BuildUnit(Protocol):
    """Turns a record into resources; joined with the mapping in the composition root."""

    def __call__(
        self,
        kind: RecordKind,
        record: Any,
        status: RecordStatus,
        earlier: Sequence[Any] = (),
    ) -> tuple[Resource, ...]: ...


class ReadUnit(Protocol):
    """The reverse of :class:`BuildUnit`. Raises ValueError (with no patient data in its text) for
    resources that are not a whole unit of ours.
    """

    def __call__(self, resources: Sequence[Resource]) -> ReadRecord: ...


class CarryOver(Protocol):
    """``resources`` with everything that ``before`` (the unit of a version it was written on) holds
    and the mapping does not know.
    """

    def __call__(
        self, before: Sequence[Resource], resources: Sequence[Resource]
    ) -> tuple[Resource, ...]: ...


def key_of(resource: Resource) -> str:
    """``Type/id``, the name of a resource on the wire and in the remembered ETags."""
    return f"{resource['resourceType']}/{resource['id']}"


@dataclass(frozen=True, slots=True)
class Unit:
    """``etags`` holds, by ``Type/id``, the versions this station believes the server has; a
    resource that is not named there was never acknowledged and is sent without a condition.
    """

    resources: tuple[Resource, ...]
    etags: Mapping[str, str] = field(default_factory=dict)

    @property
    def keys(self) -> tuple[str, ...]:
        return tuple(key_of(resource) for resource in self.resources)
