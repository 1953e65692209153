"""What must hold whatever happened: nothing lost, nothing doubled, the same everywhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from station_emr.domain.operation import Origin
from station_emr.domain.record import RecordKind

if TYPE_CHECKING:
    from .machine import Machine
    from .world import Mark, World

TYPES = {
    RecordKind.PATIENT: "Patient",
    RecordKind.ENCOUNTER: "Encounter",
    RecordKind.LINK: "Linkage",
}


def nothing_passed_over(world: World, machine: Machine) -> None:
    """A cursor only grows, and everything up to it is here or asked for. Only between a new epoch and
    the end of the repair after it may something be missing: the comparison at the end of every run
    finds it.
    """
    epoch, cursor = machine.cursor()
    before_epoch, before = machine.seen_cursor
    assert epoch != before_epoch or cursor >= before, f"{machine.name}: the cursor went back"
    machine.seen_cursor = (epoch, cursor)
    if epoch != world.province.epoch() or epoch != machine.sure_epoch:
        return
    log = world.province.log()
    if log and log[-1][0] < cursor:
        return  # restored without a word: the next contact will tell
    passed = [op_id for sequence, op_id in log if sequence <= cursor]
    missing = set(passed) - machine.knows(passed)
    assert not missing, f"{machine.name}: {len(missing)} operations before the cursor are not here"


def agree(world: World) -> None:
    """At rest: one log, one newest content, nothing waiting, every mark where it must be."""
    log = {op_id for _, op_id in world.province.log()}
    resources = world.province.resources()
    for machine in world.machines:
        assert machine.waiting() == 0, f"{machine.name} still waits"
        lacking, own = log - machine.op_ids(), machine.op_ids() - log
        assert not lacking, f"{machine.name} lacks {len(lacking)} operations of the province"
        # What was refused for its content stays where it was written; its correction has travelled.
        assert not machine.sound(own), f"the province lacks {len(own)} of {machine.name}"
    nothing_vanished(world)
    for kind, ids in world.records.items():
        for record_id in sorted(ids):
            shown = [machine.newest(kind, record_id) for machine in world.machines]
            if all(one is None for one in shown):
                continue  # its only copy was destroyed; nothing_vanished has checked that
            assert all(one == shown[0] for one in shown), _difference(kind, record_id, shown)
            assert f"{TYPES[kind]}/{record_id}" in resources, f"{kind} is not at the province"
    for mark in world.marks:
        _has_its_place(world.machines[0], mark)
    twice = {number for number in world.printed if world.printed.count(number) > 1}
    assert not twice, f"printed twice: {twice}"


def _difference(kind: RecordKind, record_id: str, shown: list[Any]) -> str:
    texts = [str(one) for one in shown]
    other = next(text for text in texts if text != texts[0])
    at = next((at for at, (a, b) in enumerate(zip(texts[0], other, strict=False)) if a != b), 0)
    around = slice(max(0, at - 60), at + 60)
    return f"{kind} {record_id} differs: {texts[0][around]!r} and {other[around]!r}"


def nothing_vanished(world: World, *, forget: bool = False) -> None:
    """Every value that a person wrote stands in some version on some disk. After a disk was lost
    (``forget``), what went with it is not asked for any more; otherwise each machine has all of it.
    """
    texts = [_all_text(machine) for machine in world.machines]
    if forget:
        texts.append(b"\n".join(world.province.lines()))
        world.marks = {m for m in world.marks if any(m.value.encode() in text for text in texts)}
        return
    for machine, text in zip(world.machines, texts, strict=True):
        gone = [mark for mark in world.marks if mark.value.encode() not in text]
        assert not gone, f"{machine.name} lost {gone[:3]}"


def _all_text(machine: Machine) -> bytes:
    with machine.store.read() as work:
        rows = work._connection.exec_driver_sql("SELECT content FROM record_version")
        return "\n".join(row[0] for row in rows).encode()


def _has_its_place(machine: Machine, mark: Mark) -> None:
    """A value is shown, or open, or a person who had it (or the open question) in front of them
    wrote something else. The rule alone never takes it away.
    """
    versions = machine.graph(mark.kind, mark.record_id)
    content = {node.version: record for node, record in versions}
    nodes = {node.version: node for node, _ in versions}
    newest = machine.newest(mark.kind, mark.record_id)
    assert newest is not None
    if getattr(newest[0], mark.path) == mark.value or mark.path in newest[2]:
        return

    def holds(version: int) -> bool:
        shown: Any = getattr(content[version], mark.path)
        return shown == mark.value or mark.path in nodes[version].open_fields

    replaced = any(
        not _by_rule(node)
        and not holds(node.version)
        and any(holds(parent) and _below(nodes, parent, mark, content) for parent in node.parents)
        for node in nodes.values()
    )
    assert replaced, f"nobody took {mark} away, and it is not shown"


def _below(nodes: dict[int, Any], version: int, mark: Mark, content: dict[int, Any]) -> bool:
    """Whether the version is the one that brought the value, or was built on it."""
    seen, todo = set(), [version]
    while todo:
        one = todo.pop()
        if one in seen:
            continue
        seen.add(one)
        if getattr(content[one], mark.path) == mark.value:
            return True
        todo += nodes[one].parents
    return False


def _by_rule(node: Any) -> bool:
    return node.origin is Origin.MERGE or node.author_name == "Tự gộp hai bản"
