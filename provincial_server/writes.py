"""One resource to be written: what, where, and under which conditions."""

from __future__ import annotations

from dataclasses import dataclass

from provincial_server.exchange.fast_check import explained
from provincial_server.faults import FhirFault, refuse
from provincial_server.resources import Key, Preconditions, Writer, Written, new_id
from provincial_server.validation import Checked


@dataclass(frozen=True)
class Write:
    """A resource that passed, and what was asked of it."""

    checked: Checked
    key: Key | None
    """None while a condition decides which resource it is."""
    conditions: Preconditions
    identifier: tuple[str, str] | None
    """Of a conditional create or update."""
    creates: bool
    id_if_new: str = ""
    """Of the resource that a condition makes where nothing fits it; empty: any."""

    @property
    def own_key(self) -> Key | None:
        """Where it will stand, as far as that is certain without the store."""
        given = self.checked.resource.get("id")
        if self.key or self.creates or given is None:
            return self.key
        return self.checked.resource_type, given

    @property
    def new_key(self) -> Key:
        """Where it will stand when nothing fits its condition."""
        return self.own_key or (self.checked.resource_type, self.id_if_new or new_id())


def apply_write(writer: Writer, write: Write, coming: set[Key]) -> Written:
    """One write inside the transaction; raises `FhirFault` before anything of it is staged."""
    missing = writer.missing_parents(write.checked.parents, coming)
    if missing:
        places = explained(write.checked).parents
        raise FhirFault(422, writer.missing_parents(places, coming))
    resource_type, resource_id = write.new_key
    if write.identifier:
        found = writer.find_by_identifier(write.checked.resource_type, *write.identifier)
        if len(found) > 1:
            raise refuse(412, "multiple-matches", "the condition fits more than one resource")
        if found and write.creates:
            return writer.current((resource_type, found[0]))
        if not found:
            return _put_as_new(writer, write, resource_id)
        given = write.checked.resource.get("id")
        if given not in {None, found[0]}:
            problem = "the resource that fits the condition has another id"
            raise refuse(400, "invariant", problem, f"{resource_type}.id")
        resource_id = found[0]
    return writer.put(write.checked, resource_id, write.conditions)


def _put_as_new(writer: Writer, write: Write, resource_id: str) -> Written:
    """Nothing fits the condition. The id that the client chose may be another's: that one stays as it
    is, unless it holds this very content, so that a replay is harmless."""
    only_new = Preconditions(write.conditions.if_match, if_none_match="*")
    try:
        return writer.put(write.checked, resource_id, only_new)
    except FhirFault:
        if write.conditions.if_match is not None:
            raise
        problem = "nothing fits the condition, and another resource has this id"
        raise refuse(409, "conflict", problem, f"{write.checked.resource_type}.id") from None
