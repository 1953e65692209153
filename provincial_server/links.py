"""What a reference may say besides Type/id: the fullUrl of another entry, a condition, and an address
of this server itself.

A condition, and the fullUrl of an entry that has one, mean a resource that only the store can tell.
Until then an id that nobody else has stands in for it, so everything is judged before the lock is
taken; under the lock `settle` puts the right ones in their places.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from provincial_server.conditions import read_condition
from provincial_server.faults import FhirFault, refuse
from provincial_server.resources import Key, Writer, new_id
from provincial_server.search_values import read_values
from provincial_server.structure import STORED_TYPES
from provincial_server.validation import Checked, Parent
from provincial_server.writes import Write

_Identifiers = frozenset[tuple[str, str]]


class Links(Mapping[str, str]):
    """Reference → `Type/id`. `base`: this server's own address; `conditional`: conditions may stand
    in references, which R4 allows in a transaction."""

    def __init__(self, base: str = "", *, conditional: bool = False) -> None:
        self._base = f"{base}/" if base else None
        self._conditional = conditional
        self._known: dict[str, str] = {}
        self._uncertain: set[str] = set()
        self.conditions: dict[str, tuple[str, str]] = {}
        """What stands in for a resource → the identifier by which it was meant."""
        self.need_settling = False
        """Whether anything refers to a resource that only the store can tell."""

    def add(self, full_url: str, target: str, *, uncertain: bool) -> None:
        """`uncertain`: a condition may find that it is another one."""
        self._known[full_url] = target
        if uncertain:
            self._uncertain.add(full_url)

    def is_taken(self, full_url: str) -> bool:
        return full_url in self._known

    def id_of(self, full_url: str | None) -> str | None:
        """Of the entry that has this fullUrl."""
        target = self._known.get(full_url) if full_url is not None else None
        return target.partition("/")[2] if target else None

    def __getitem__(self, text: str) -> str:
        known = self._known.get(text)
        if known is None:
            known = self._known[text] = self._read(text)
        self.need_settling |= text in self._uncertain or known in self.conditions
        return known

    def __iter__(self) -> Iterator[str]:
        return iter(self._known)

    def __len__(self) -> int:
        return len(self._known)

    def _read(self, text: str) -> str:
        own = self._base is not None and text.startswith(self._base)
        inner = text[len(self._base or "") :] if own else text
        resource_type, mark, query = inner.partition("?")
        if not mark:
            if own:
                return inner
            raise KeyError(text)
        if not self._conditional or resource_type not in STORED_TYPES:
            raise KeyError(text)
        try:
            identifier = read_condition(query)
        except FhirFault:
            raise KeyError(text) from None
        stand_in = f"{resource_type}/{new_id()}"
        self.conditions[stand_in] = identifier
        return stand_in


def settle(writer: Writer, writes: Sequence[Write], links: Links) -> list[Write]:
    """The writes of one transaction with every reference as it will be stored. Raises 412 for a
    condition in a reference that not exactly one resource fits, of the store and the transaction."""
    moved: dict[str, str] = {}
    settled: list[Write] = []
    coming: dict[Key, _Identifiers] = {}
    for write in writes:
        resource_type, resource_id = write.new_key
        stays = False
        if write.identifier:
            found = writer.find_by_identifier(resource_type, *write.identifier)
            if found:  # several are refused when it comes to be written
                moved[f"{resource_type}/{resource_id}"] = f"{resource_type}/{found[0]}"
                resource_id, stays = found[0], write.creates
            settled.append(replace(write, id_if_new=resource_id))
        else:
            settled.append(write)
        if not stays:
            coming[resource_type, resource_id] = read_values(write.checked.resource).identifiers
    for stand_in, identifier in links.conditions.items():
        resource_type = stand_in.partition("/")[0]
        fitting = _fitting(writer, resource_type, identifier, coming)
        if len(fitting) != 1:
            raise _no_target(settled, stand_in, several=bool(fitting))
        moved[stand_in] = f"{resource_type}/{fitting.pop()}"
    return [replace(write, checked=_moved(write.checked, moved)) for write in settled]


def _fitting(
    writer: Writer,
    resource_type: str,
    identifier: tuple[str, str],
    coming: Mapping[Key, _Identifiers],
) -> set[str]:
    """Ids of those that will carry the identifier when the transaction is done."""
    stored = writer.find_by_identifier(resource_type, *identifier, most=len(coming) + 2)
    return {one for one in stored if (resource_type, one) not in coming} | {
        one for (kind, one), held in coming.items() if kind == resource_type and identifier in held
    }


def _no_target(writes: Sequence[Write], stand_in: str, *, several: bool) -> FhirFault:
    code, what = ("multiple-matches", "more than one") if several else ("not-found", "no")
    place = next(
        f"Bundle.entry[{number}].resource{path}"
        for number, write in enumerate(writes)
        for path in _places(write.checked.resource, stand_in)
    )
    return refuse(412, code, f"{what} resource fits the condition of this reference", place)


def _places(value: Any, reference: str, path: str = "") -> Iterator[str]:
    if isinstance(value, dict):
        for name, item in value.items():
            if name == "reference" and item == reference:
                yield f"{path}.{name}"
            yield from _places(item, reference, f"{path}.{name}")
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from _places(item, reference, f"{path}[{number}]")


def _moved(checked: Checked, moved: Mapping[str, str]) -> Checked:
    parents = []
    for parent in checked.parents:
        known = f"{parent.resource_type}/{parent.resource_id}"
        resource_type, _, resource_id = moved.get(known, known).partition("/")
        parents.append(Parent(resource_type, resource_id, parent.path))
    return Checked(checked.resource_type, _rewritten(checked.resource, moved), tuple(parents))


def _rewritten(value: Any, moved: Mapping[str, str]) -> Any:
    """A copy: the transaction may have to be begun again."""
    if isinstance(value, dict):
        return {
            name: moved.get(item, item)
            if name == "reference" and isinstance(item, str)
            else _rewritten(item, moved)
            for name, item in value.items()
        }
    if isinstance(value, list):
        return [_rewritten(item, moved) for item in value]
    return value
