"""The versions of one record with what they say, and the merge that the rule makes of their heads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from station_emr.domain.encounter import Encounter, Stage
from station_emr.domain.lineage import Lineage, by_rule
from station_emr.domain.merge import Written, merge_all, paths, value_of
from station_emr.domain.operation import (
    MERGE_AUTHOR_ID,
    MERGE_AUTHOR_NAME,
    Applied,
    Origin,
    VersionNode,
)
from station_emr.domain.record import Changed, RecordKind

from .ports import RecordStore, Work
from .record_stores import patient_of, record_store


class UnsealedVersion(Exception):
    """A merge needs the operation id of a version that has none yet. Nothing was written: seal
    that version (and queue it, when nobody else can know it) and try again.
    """

    def __init__(self, kind: RecordKind, record_id: str, version: int) -> None:
        super().__init__(f"version {version} of a {kind.value} is not sealed")
        self.kind = kind
        self.record_id = record_id
        self.version = version


class MergedRecord:
    """One record that two people may have written."""

    def __init__(self, work: Work, kind: RecordKind, record_id: str) -> None:
        self.work = work
        self.kind = kind
        self.id = record_id
        self.store: RecordStore[Any] = record_store(work, kind)
        self.nodes = self.store.lineage(record_id)
        self.contents: dict[int, Any] = {}

    def content(self, version: int) -> Any:
        if version not in self.contents:
            self.contents[version] = self.store.at_version(self.id, version)
        return self.contents[version]

    def same(self, one: VersionNode, other: VersionNode) -> bool:
        return (
            one.status is other.status
            and set(one.open_fields) == set(other.open_fields)
            and bool(says(self.content(one.version)) == says(self.content(other.version)))
        )

    def must_be_sealed(self, graph: Lineage, new: VersionNode | None = None) -> None:
        """Ids order the sides of a merge, so each side needs one. Raises UnsealedVersion."""
        rivals = list(graph.heads())
        if new is not None and by_rule(new):
            merges = {node.version for node in graph.nodes if by_rule(node)}
            rivals += [graph[v] for v in merges if set(graph[v].parents) == set(new.parents)]
        for node in rivals:
            if not node.op_id:
                raise UnsealedVersion(self.kind, self.id, node.version)

    def merge(self, graph: Lineage, arrived_from: str, now: datetime) -> tuple[Applied, Changed]:
        """Write the version that the rule makes of what people wrote beside one another."""
        heads = graph.heads()
        common = graph.nearest_common(head.version for head in heads)
        merged = merge_all(
            self.kind,
            None if common is None else self._written(common),
            [self._written(head) for head in heads],
        )
        opened = tuple(sorted({*merged.open_fields, *self._asked_anew(graph, heads)}))
        latest = max(heads, key=lambda head: head.at)  # the first of equals, by operation id
        changed = self.store.add_replica(
            merged.record,
            merged.status,
            author=(MERGE_AUTHOR_ID, MERGE_AUTHOR_NAME),
            at=latest.at,
            parents=sorted(head.version for head in heads),
            origin=Origin.MERGE,
            open_fields=opened,
        )
        applied = Applied.CONFLICT if opened else Applied.MERGED
        self._log(applied, opened, merged.record, arrived_from, now)
        return applied, changed

    def _asked_anew(self, graph: Lineage, heads: Sequence[VersionNode]) -> set[str]:
        """Fields open in one side for a value of which the side that closed them never heard: that
        was the answer to another question.
        """
        found: set[str] = set()
        for head in heads:
            for other in heads:
                closed = set(head.open_fields) - set(other.open_fields)
                closed &= set(paths(self.kind))
                unheard = graph.ancestors(head.version) - graph.ancestors(other.version)
                for node in (graph[version] for version in unheard if closed):
                    if not by_rule(node):
                        found |= {p for p in closed if self._brought(node, other, p)}
        return found

    def _brought(self, node: VersionNode, other: VersionNode, path: str) -> bool:
        """Whether its author wrote a value there that the other side does not have."""
        value = value_of(self.content(node.version), path)
        before = [value_of(self.content(parent), path) for parent in node.parents]
        return value not in [value_of(self.content(other.version), path), *before]

    def _written(self, node: VersionNode) -> Written:
        return Written(
            record=self.content(node.version),
            status=node.status,
            open_fields=node.open_fields,
        )

    def _log(
        self,
        applied: Applied,
        open_fields: Sequence[str],
        record: Any,
        arrived_from: str,
        now: datetime,
    ) -> None:
        detail = {"from": arrived_from}
        if open_fields:
            detail["fields"] = ",".join(open_fields)
        self.work.audit.append(
            None,
            "sync.conflict" if applied is Applied.CONFLICT else "sync.merge",
            now,
            kind=self.kind.value,
            record_id=self.id,
            patient_id=patient_of(self.kind, record),
            detail=detail,
        )


def says(record: Any) -> Any:
    """The record without what does not travel: where in the queue a visit stood when it was signed."""
    return replace(record, stage=Stage.FINISHED) if isinstance(record, Encounter) else record
