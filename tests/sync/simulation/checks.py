"""What must hold whatever happened: nothing lost, nothing doubled, the same everywhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from station_emr.domain.operation import Origin
from station_emr.domain.record import RecordKind

if TYPE_CHECKING:
    from .machine import Machine
    from .people import Mark
    from .world import World

TYPES = {
    RecordKind.PATIENT: "Patient",
    RecordKind.ENCOUNTER: "Encounter",
    RecordKind.LINK: "Linkage",
    RecordKind.PRESCRIPTION: "MedicationRequest",
    RecordKind.REFERRAL: "ServiceRequest",
    RecordKind.APPOINTMENT: "Appointment",
    RecordKind.FEEDBACK: "Task",
    RecordKind.SIGNATURE: "Provenance",
    RecordKind.CONSENT: "Consent",
    RecordKind.CERTIFICATE: "QuestionnaireResponse",
    RecordKind.NOTIFICATION: "Communication",
    RecordKind.BILL: "Invoice",
    RecordKind.RIGHTS: "Basic",
    RecordKind.STANDING: "Basic",
    RecordKind.REQUEST: "Basic",
    RecordKind.BREACH: "Basic",
    RecordKind.PRACTITIONER: "Practitioner",
}
_ONE_OF_TWO_STANDS = frozenset({RecordKind.PRACTITIONER, RecordKind.FACILITY})
"""Never merged: what does not stand is in the history, or in the lines of the machine whose it is."""


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
    passed = {op_id for sequence, op_id in log if sequence <= cursor}
    missing = passed - machine.knows(passed)
    assert not missing, f"{machine.name}: {len(missing)} operations before the cursor are not here"


def agree(world: World) -> None:
    """At rest: one log, one newest content, nothing waiting, every mark where it must be."""
    log = {op_id for _, op_id in world.province.log()}
    resources = world.province.resources()
    refused = frozenset[str]().union(
        *(one.op_ids() - log - one.sound(one.op_ids() - log) for one in world.machines)
    )
    for machine in world.machines:
        assert machine.waiting() == 0, f"{machine.name} still waits"
        here = machine.op_ids()
        lacking, own = log - here, here - log
        assert not lacking, f"{machine.name} lacks {len(lacking)} operations of the province"
        # What was refused for its content stays where it was written; its correction has travelled.
        assert not machine.sound(own) - refused, f"the province lacks {len(own)} of {machine.name}"
        assert not machine.unanswerable(), f"{machine.name} asks what nobody can answer"
    _count_what_was_taken(world)
    nothing_vanished(world, refused=refused)
    for kind, ids in world.records.items():
        heads = [machine.heads(kind) for machine in world.machines]
        for record_id in sorted(ids):
            _shown_alike(world, kind, record_id, [head.get(record_id) for head in heads])
            if heads[0].get(record_id) is not None:
                unit = world.province.unit(world.machines[0].shown_line(kind, record_id))
                assert any(at.startswith(f"{TYPES[kind]}/{record_id}") for at in unit)
                differing = [at for at, shown in unit.items() if resources.get(at) != shown]
                assert not differing, f"the province shows another {kind}: {differing}"
    for (kind, record_id), marks in _by_record(world.marks).items():
        if kind not in _ONE_OF_TWO_STANDS:
            _have_their_place(world, kind, record_id, marks, refused)
    signatures_find_what_they_sign(world, log)
    rights_hold_everywhere(world)
    what_was_taken_back_stays_so(world)
    twice = {number for number in world.printed if world.printed.count(number) > 1}
    assert not twice, f"printed twice: {twice}"


def _count_what_was_taken(world: World) -> None:
    """What had been refused and was taken late is a value like any other."""
    text = b"\n".join(world.province.lines())
    world.marks |= {mark for mark in world.maybe if mark.value.encode() in text}


def _shown_alike(world: World, kind: RecordKind, record_id: str, kept: list[Any]) -> None:
    """None of them has it when its only copy was destroyed; nothing_vanished has checked that."""
    if all(one == kept[0] for one in kept):
        return
    shown = [machine.newest(kind, record_id) for machine in world.machines]
    assert all(one == shown[0] for one in shown), _difference(kind, record_id, shown)


def _by_record(marks: set[Mark]) -> dict[tuple[RecordKind, str], list[Mark]]:
    found: dict[tuple[RecordKind, str], list[Mark]] = {}
    for mark in marks:
        found.setdefault((mark.kind, mark.record_id), []).append(mark)
    return found


def _difference(kind: RecordKind, record_id: str, shown: list[Any]) -> str:
    texts = [str(one) for one in shown]
    other = next(text for text in texts if text != texts[0])
    at = next((at for at, (a, b) in enumerate(zip(texts[0], other, strict=False)) if a != b), 0)
    around = slice(max(0, at - 60), at + 60)
    return f"{kind} {record_id} differs: {texts[0][around]!r} and {other[around]!r}"


def nothing_vanished(
    world: World, *, forget: bool = False, refused: frozenset[str] = frozenset()
) -> None:
    """Every value that a person wrote stands in some version on some disk. After a disk was lost
    (``forget``), what went with it is not asked for any more; otherwise each machine has all of it, but
    for what stands in ``refused`` operations alone.
    """
    texts = [_all_text(machine) for machine in world.machines]
    if forget:
        texts.append(b"\n".join(world.province.lines()))
        world.marks = {m for m in world.marks if any(m.value.encode() in text for text in texts)}
        return
    for machine, text in zip(world.machines, texts, strict=True):
        gone = [
            mark
            for mark in world.marks
            if mark.value.encode() not in text and not _only_in_refused(world, mark, refused)
        ]
        assert not gone, f"{machine.name} lost {gone[:3]}"


def _only_in_refused(world: World, mark: Mark, refused: frozenset[str]) -> bool:
    """What was written on a refused version stays where it was written, once a person replaced it.
    Another machine may have the line and not know what became of the version under it.
    """
    if mark.kind in _ONE_OF_TWO_STANDS:
        return False
    found = {
        node.op_id
        for machine in world.machines
        for node, record in machine.graph(mark.kind, mark.record_id)
        if mark.stands_in(record)
    }
    return bool(found) and found <= refused


def _all_text(machine: Machine) -> bytes:
    written = "\n".join(row[0] for row in machine.look("SELECT content FROM record_version"))
    return written.encode() + machine.text_of(RecordKind.FACILITY)  # kept, and shown to nobody


def _have_their_place(
    world: World,
    kind: RecordKind,
    record_id: str,
    marks: list[Mark],
    refused: frozenset[str],
) -> None:
    """A value is shown, or open, or a person who had it (or the open question) in front of them
    wrote something else. The rule alone never takes it away. What stands in refused versions alone
    is judged by the history of a machine that has them.
    """
    newest = world.machines[0].newest(kind, record_id)
    assert newest is not None
    histories: dict[str, list[tuple[Any, Any]]] = {}
    for mark in marks:
        if mark.stands_in(newest[0]) or mark.path in newest[2]:
            continue
        judges = world.machines if _only_in_refused(world, mark, refused) else world.machines[:1]
        for judge in judges:
            if judge.name not in histories:
                histories[judge.name] = judge.graph(kind, record_id)
        taken = any(_taken_away(histories[judge.name], mark) for judge in judges)
        assert taken, f"nobody took {mark} away, and it is not shown"


def _taken_away(versions: list[tuple[Any, Any]], mark: Mark) -> bool:
    """Whether a person replaced it with the value, or the question about it, before them."""
    content = {node.version: record for node, record in versions}
    nodes = {node.version: node for node, _ in versions}

    def holds(version: int) -> bool:
        return mark.stands_in(content[version]) or mark.path in nodes[version].open_fields

    return any(
        not _by_rule(node)
        and not holds(node.version)
        and any(holds(parent) and _below(nodes, parent, mark, content) for parent in node.parents)
        for node in nodes.values()
    )


def _below(nodes: dict[int, Any], version: int, mark: Mark, content: dict[int, Any]) -> bool:
    """Whether the version is the one that brought the value, or was built on it."""
    seen, todo = set(), [version]
    while todo:
        one = todo.pop()
        if one in seen:
            continue
        seen.add(one)
        if mark.stands_in(content[one]):
            return True
        todo += nodes[one].parents
    return False


def _by_rule(node: Any) -> bool:
    return node.origin is Origin.MERGE or node.author_name == "Tự gộp hai bản"


def signatures_find_what_they_sign(world: World, log: set[str]) -> None:
    """A version that the province holds is the same, byte for byte, wherever its signature came."""
    for signature_id in world.records[RecordKind.SIGNATURE]:
        if world.machines[0].newest(RecordKind.SIGNATURE, signature_id) is None:
            continue  # its only copy was destroyed
        found = [machine.signed_versions(signature_id) for machine in world.machines]
        if any(op_id in log for versions in found for op_id in versions):
            lost = [
                m.name for m, versions in zip(world.machines, found, strict=True) if not versions
            ]
            assert not lost, f"the version that {signature_id} signs is not at {lost}"


def rights_hold_everywhere(world: World) -> None:
    """What directors decided is in force on every machine: nobody here says what he may not."""
    for machine in world.machines:
        for kind in (RecordKind.RIGHTS, RecordKind.STANDING):
            for record_id in world.records[kind]:
                left = machine.not_in_force(kind, record_id)
                assert not left, f"{machine.name}: {kind} says and does not bring about {left}"


def what_was_taken_back_stays_so(world: World) -> None:
    """No merge and no choice at the desk brings a consent back that somebody has taken back."""
    machine = world.machines[0]
    for consent_id in world.records[RecordKind.CONSENT]:
        versions = machine.graph(RecordKind.CONSENT, consent_id)
        if any(record.withdrawn_at is not None for _, record in versions):
            newest = machine.newest(RecordKind.CONSENT, consent_id)
            assert newest[0].withdrawn_at is not None, f"{consent_id} counts again"
