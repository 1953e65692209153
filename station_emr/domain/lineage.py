"""The graph of a record's versions: who wrote on what, and which versions nobody wrote on yet.

A version that the merge rule wrote is no statement of a person. So it is never merged again: when
a third version arrives beside a merge, the three that people wrote are merged anew. The outcome
then depends on the set of versions alone, never on the order in which machines heard of them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace

from .operation import MERGE_AUTHOR_ID, VersionNode


def by_rule(node: VersionNode) -> bool:
    """Whether the merge rule wrote it, here or on another machine."""
    return node.author_id == MERGE_AUTHOR_ID


def leaves(nodes: Iterable[VersionNode]) -> tuple[VersionNode, ...]:
    """Versions that no other version is based on, by operation id."""
    known = list(nodes)
    used = {parent for node in known for parent in node.parents}
    return tuple(sorted((n for n in known if n.version not in used), key=_order))


class Lineage:
    """The versions of one record. One that the province refused counts only until its author has
    corrected it: the correction stands on what that one was written on, here as on the machines that
    never see it. Taken late after all, it counts again, beside its correction.

    ``same``, where given, says whether two versions written on the same base say the same (two people corrected
    the same letter, or the server wrote down what a station had sent it): these count as one.
    """

    def __init__(
        self,
        nodes: Iterable[VersionNode],
        same: Callable[[VersionNode, VersionNode], bool] | None = None,
    ) -> None:
        self._all: Mapping[int, VersionNode] = {node.version: node for node in nodes}
        self._nodes = _without_corrected(self._all)
        self._class = {} if same is None else self._classes(same)
        self._above: dict[int, frozenset[int]] = {}

    def __getitem__(self, version: int) -> VersionNode:
        return self._all[version]

    def __len__(self) -> int:
        return len(self._nodes)

    @property
    def nodes(self) -> tuple[VersionNode, ...]:
        return tuple(self._nodes[version] for version in sorted(self._nodes))

    def stands_for(self, version: int) -> VersionNode:
        """The version itself, or the one of the same content with the smallest operation id."""
        return self._at(self._class.get(version, version))

    def _at(self, version: int) -> VersionNode:
        return self._nodes.get(version) or self._all[version]

    def ancestors(self, version: int) -> frozenset[int]:
        """Every version this one builds on, itself included; of equal ones the one that stands."""
        version = self.stands_for(version).version
        known = self._above.get(version)
        if known is None:
            above: set[int] = {version}
            waiting = self._parents(version)
            while waiting:
                parent = waiting.pop()
                if parent not in above:
                    above.add(parent)
                    waiting |= self._parents(parent)
            known = self._above[version] = frozenset(above)
        return known

    def _parents(self, version: int) -> set[int]:
        """What any of the equal versions was written on."""
        members = [v for v, standing in self._class.items() if standing == version] or [version]
        return {
            self.stands_for(parent).version
            for member in members
            for parent in self._at(member).parents
            if parent in self._nodes
        }

    def heads(self) -> tuple[VersionNode, ...]:
        """What people wrote and no person's version builds on, by operation id."""
        people = {
            self.stands_for(n.version).version for n in self._nodes.values() if not by_rule(n)
        }
        covered = {above for v in people for above in self.ancestors(v) if above != v}
        return tuple(sorted((self._nodes[v] for v in people - covered), key=_order))

    def merge_of(self, heads: Collection[VersionNode]) -> VersionNode | None:
        """The version by rule over exactly these; where programs differed, the smallest id."""
        wanted = {self.stands_for(head.version).version for head in heads}
        found = [
            node
            for node in self._nodes.values()
            if by_rule(node) and {self.stands_for(p).version for p in node.parents} == wanted
        ]
        return min(found, key=_order) if found else None

    def newest(self) -> VersionNode | None:
        """The version the chart shows; None when a merge has to be written first."""
        heads = self.heads()
        if len(heads) == 1:
            return heads[0]
        return self.merge_of(heads) if heads else None

    def nearest_common(self, versions: Iterable[int]) -> VersionNode | None:
        """The deepest version that all of these build on; None when they share nothing."""
        shared: frozenset[int] | None = None
        for version in versions:
            above = self.ancestors(version)
            shared = above if shared is None else shared & above
        if not shared:
            return None
        deepest = max(len(self.ancestors(version)) for version in shared)
        return min((self._at(v) for v in shared if len(self.ancestors(v)) == deepest), key=_order)

    def _classes(self, same: Callable[[VersionNode, VersionNode], bool]) -> dict[int, int]:
        """Version → the one that stands for it, where there is more than one of the same."""
        first: dict[int, int] = {}  # version → the first version here that says the same
        by_base: dict[tuple[int, ...], list[VersionNode]] = {}
        for node in self.nodes:  # what a version is based on has a smaller number
            base = tuple(sorted({first.get(parent, parent) for parent in node.parents}))
            known = by_base.setdefault(base, [])
            for other in known:
                if by_rule(node) == by_rule(other) and same(other, node):
                    first[other.version] = first[node.version] = other.version
                    break
            else:
                known.append(node)
        members: dict[int, list[VersionNode]] = {}
        for version, leader in first.items():
            members.setdefault(leader, []).append(self._nodes[version])
        return {
            version: min(members[leader], key=_order).version for version, leader in first.items()
        }


def _without_corrected(nodes: Mapping[int, VersionNode]) -> dict[int, VersionNode]:
    corrected: set[int] = set()
    if any(node.refused for node in nodes.values()):
        for node in nodes.values():
            if not by_rule(node):
                corrected |= _refused_above(node, nodes)
    if not corrected and all(node.stands_on is None for node in nodes.values()):
        return dict(nodes)

    def standing(parents: Iterable[int]) -> set[int]:
        found: set[int] = set()
        for parent in parents:
            found |= standing(nodes[parent].parents) if parent in corrected else {parent}
        return found

    return {
        version: replace(
            node,
            parents=tuple(
                sorted(standing(node.parents if node.stands_on is None else node.stands_on))
            ),
        )
        for version, node in nodes.items()
        if version not in corrected
    }


def _refused_above(node: VersionNode, nodes: Mapping[int, VersionNode]) -> set[int]:
    """Up to the first that others know. What the rule made of a refused version they do not."""
    found: set[int] = set()
    waiting, seen = list(node.parents), set[int]()
    while waiting:
        above = nodes.get(waiting.pop())
        if above is None or above.version in seen:
            continue
        seen.add(above.version)
        if above.refused:
            found.add(above.version)
        if above.refused or by_rule(above):
            waiting += above.parents
    return found


def nearest_common(nodes: Iterable[VersionNode], a: int, b: int) -> VersionNode | None:
    """The version both are based on that is deepest in the graph; ties by operation id."""
    return Lineage(nodes).nearest_common((a, b))


def _order(node: VersionNode) -> tuple[str, int]:
    return node.op_id, node.version
