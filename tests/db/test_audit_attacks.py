"""A thief with the key and a database tool, against the log. Each attack is shown to work where the
check that finds it is left out, so that none of these tests can pass for nothing.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from station_emr.db import audit
from station_emr.db import connection as connections
from station_emr.db.audit import chain_hash
from station_emr.db.store import EncryptedStore
from station_emr.domain.audit import BreakKind, Comparison, Evidence, EvidenceKind, compare

from .records import ACTOR, KEY, NOW, record_id

LINES = 9
SEQ, LINKED, CONTENT, COUNTED = "_is_missing", "_is_unlinked", "_is_changed", "_counted"


@pytest.fixture
def chained(store: EncryptedStore) -> EncryptedStore:
    with store.write() as work:
        for number in range(LINES):
            work.audit.append(
                ACTOR,
                "patient.view",
                NOW + timedelta(minutes=number),
                kind="patient",
                record_id=record_id(number),
                patient_id=record_id(number),
            )
    return store


@pytest.fixture
def thief(chained: EncryptedStore):
    raw = connections.connect(chained.path, KEY)
    for name in ("update", "delete", "insert"):
        raw.execute(f"DROP TRIGGER audit_entry_{name}")
        if name != "insert":
            raw.execute(f"DROP TRIGGER audit_anchor_{name}")
    yield raw
    raw.close()


def lines(raw) -> list[dict]:
    names = [column[1] for column in raw.execute("PRAGMA table_info(audit_entry)")]
    return [
        dict(zip(names, row, strict=True))
        for row in raw.execute("SELECT * FROM audit_entry ORDER BY seq")
    ]


def write_anew(raw, kept: list[dict]) -> None:
    """The whole chain again, whole in itself: what the formula cannot tell from the truth."""
    raw.execute("DELETE FROM audit_entry")
    before = ""
    for number, line in enumerate(kept, 1):
        own = {**line, "seq": number, "prev_hash": before}
        own["hash"] = before = chain_hash(before, number, own)
        names = ", ".join(own)
        raw.execute(
            f"INSERT INTO audit_entry ({names}) VALUES ({', '.join('?' * len(own))})",
            tuple(own.values()),
        )
    raw.execute("UPDATE sqlite_sequence SET seq = ? WHERE name = 'audit_entry'", (len(kept),))


def check(store: EncryptedStore):
    with store.read() as work:
        return work.audit.check()


def blind(monkeypatch, *left_out: str) -> None:
    """A build without these checks."""
    kept = tuple(link for link in audit._LINKS if link.__name__ not in left_out)
    monkeypatch.setattr(audit, "_LINKS", kept)
    if COUNTED in left_out:
        monkeypatch.setattr(audit, "_counted", lambda _connection: 0)


RELINK = "UPDATE audit_entry SET prev_hash = (SELECT b.hash FROM audit_entry AS b WHERE b.seq = {0} - 1) WHERE seq = {0}"
ATTACKS = {
    "deletion": (["DELETE FROM audit_entry WHERE seq = 4"], 4, BreakKind.MISSING, {SEQ, LINKED}),
    "deletion, renumbered": (
        [
            "DELETE FROM audit_entry WHERE seq = 4",
            *(f"UPDATE audit_entry SET seq = {n - 1} WHERE seq = {n}" for n in range(5, LINES + 1)),
            "UPDATE sqlite_sequence SET seq = seq - 1 WHERE name = 'audit_entry'",
        ],
        4,
        BreakKind.UNLINKED,
        {LINKED, CONTENT},
    ),
    "edit of who": (
        ["UPDATE audit_entry SET user_name = 'Người Khác' WHERE seq = 3"],
        3,
        BreakKind.CHANGED,
        {CONTENT},
    ),
    "edit of the result": (
        ["UPDATE audit_entry SET result = 'refused' WHERE seq = 3"],
        3,
        BreakKind.CHANGED,
        {CONTENT},
    ),
    "edit of the purpose": (
        ["UPDATE audit_entry SET purpose = 'care', source = 'cli' WHERE seq = 3"],
        3,
        BreakKind.CHANGED,
        {CONTENT},
    ),
    "edit of the server's clock": (
        ["UPDATE audit_entry SET skew = 999 WHERE seq = 5"],
        5,
        BreakKind.CHANGED,
        {CONTENT},
    ),
    "a new line passed off as an old one": (
        ["UPDATE audit_entry SET form = 1, account = 'aikhac' WHERE seq = 5"],
        5,
        BreakKind.CHANGED,
        {CONTENT},
    ),
    "edit of the time": (
        ["UPDATE audit_entry SET at_utc = '2026-01-01T00:00:00.000000Z' WHERE seq = 6"],
        6,
        BreakKind.CHANGED,
        {CONTENT},
    ),
    "reorder": (
        [
            "UPDATE audit_entry SET seq = 100 WHERE seq = 5",
            "UPDATE audit_entry SET seq = 5 WHERE seq = 6",
            "UPDATE audit_entry SET seq = 6 WHERE seq = 100",
        ],
        5,
        BreakKind.UNLINKED,
        {LINKED, CONTENT},
    ),
    "reorder, linked again": (
        [
            "UPDATE audit_entry SET seq = 100 WHERE seq = 5",
            "UPDATE audit_entry SET seq = 5 WHERE seq = 6",
            "UPDATE audit_entry SET seq = 6 WHERE seq = 100",
            RELINK.format(5),
            RELINK.format(6),
            RELINK.format(7),
        ],
        5,
        BreakKind.CHANGED,
        {CONTENT},
    ),
    "insertion": (
        [
            *(f"UPDATE audit_entry SET seq = {n + 1} WHERE seq = {n}" for n in range(LINES, 4, -1)),
            (
                "INSERT INTO audit_entry SELECT 5, at_utc, at_offset, user_id, user_name, role, "
                "device, 'patient.print', kind, record_id, patient_id, detail, hash, 'f00d', form, "
                "source, account, purpose, result, skew FROM audit_entry WHERE seq = 4"
            ),
        ],
        5,
        BreakKind.CHANGED,
        {LINKED, CONTENT},
    ),
    "truncation": (
        ["DELETE FROM audit_entry WHERE seq >= 8"],
        8,
        BreakKind.CUT,
        {COUNTED},
    ),
    "everything gone": (["DELETE FROM audit_entry"], 1, BreakKind.CUT, {COUNTED}),
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_the_first_broken_link_is_named(chained, thief, attack: str) -> None:
    statements, seq, kind, _needed = ATTACKS[attack]
    for statement in statements:
        thief.execute(statement)

    broken = check(chained).broken

    assert (broken.seq, broken.kind) == (seq, kind)


@pytest.mark.parametrize("attack", ATTACKS)
def test_without_its_check_the_attack_works(chained, thief, attack: str, monkeypatch) -> None:
    statements, _seq, _kind, needed = ATTACKS[attack]
    for statement in statements:
        thief.execute(statement)
    blind(monkeypatch, *needed)

    assert check(chained).broken is None


# -- what the chain cannot tell by itself ------------------------------------------------------------


def seen(store: EncryptedStore, kind: EvidenceKind = EvidenceKind.PRINTED) -> Evidence:
    with store.read() as work:
        return Evidence(kind=kind, head=work.audit.head())


def compared(store: EncryptedStore, evidence: Evidence) -> Comparison:
    with store.read() as work:
        done = work.audit.check()
        assert done.broken is None, "the chain itself must look whole here"
        there = work.audit.hash_at(evidence.head.seq)
        return compare(evidence, done.lines, there).comparison


def test_a_cut_with_the_counter_set_back_is_told_by_an_anchor(chained, thief) -> None:
    before = seen(chained)
    thief.execute("DELETE FROM audit_entry WHERE seq >= 8")
    thief.execute("UPDATE sqlite_sequence SET seq = 7 WHERE name = 'audit_entry'")

    assert check(chained).broken is None, "without an anchor it works"
    assert compared(chained, before) is Comparison.SHORTER


def test_a_cut_that_was_written_over_again_is_told_by_an_anchor(chained, thief) -> None:
    before = seen(chained)
    thief.execute("DELETE FROM audit_entry WHERE seq >= 8")
    thief.execute("UPDATE sqlite_sequence SET seq = 7 WHERE name = 'audit_entry'")
    write_anew(thief, [*lines(thief), *lines(thief)[:5]])

    assert compared(chained, before) is Comparison.DIFFERS


@pytest.mark.parametrize("how", ["deletion", "edit", "reorder", "insertion"])
def test_a_chain_written_anew_is_told_by_an_anchor(chained, thief, how: str) -> None:
    before = seen(chained)
    kept = lines(thief)
    if how == "deletion":
        del kept[2]
        kept.append({**kept[-1], "record_id": "later"})
    elif how == "edit":
        kept[2]["user_name"] = "Người Khác"
    elif how == "reorder":
        kept[2], kept[3] = kept[3], kept[2]
    else:
        kept.insert(2, {**kept[2], "action": "patient.print"})
    write_anew(thief, kept)

    assert check(chained).broken is None, "without an anchor it works"
    assert compared(chained, before) is Comparison.DIFFERS


def test_an_anchor_of_the_true_chain_goes_on_agreeing(chained) -> None:
    before = seen(chained)
    with chained.write() as work:
        work.audit.append(ACTOR, "account.log_out", NOW + timedelta(hours=1))
    assert compared(chained, before) is Comparison.AGREES
    assert compared(chained, seen(chained)) is Comparison.AGREES


def test_an_end_that_was_explained_is_listed_and_no_alarm(chained, thief) -> None:
    before = seen(chained)
    thief.execute("DELETE FROM audit_entry WHERE seq >= 8")
    thief.execute("UPDATE sqlite_sequence SET seq = 7 WHERE name = 'audit_entry'")
    with chained.read() as work:
        there = work.audit.hash_at(before.head.seq)
    answer = compare(before, 7, there, [before.head.words])
    assert answer.comparison is Comparison.ACCEPTED
    assert not answer.disagrees


# -- the clock -----------------------------------------------------------------------------------------


def test_times_that_go_back_are_flagged_and_not_refused(chained) -> None:
    with chained.write() as work:
        work.audit.append(ACTOR, "patient.view", NOW - timedelta(days=3))
        work.audit.append(ACTOR, "patient.view", NOW - timedelta(days=3) + timedelta(minutes=1))
        work.audit.append(ACTOR, "patient.view", NOW + timedelta(hours=1))
        work.audit.append(ACTOR, "patient.view", NOW - timedelta(days=1))

    done = check(chained)

    assert done.broken is None
    assert [(step.seq, step.at) for step in done.steps] == [
        (LINES + 1, NOW - timedelta(days=3)),
        (LINES + 4, NOW - timedelta(days=1)),
    ]
    assert done.step_count == 2
    assert done.steps[0].before == NOW + timedelta(minutes=LINES - 1)


def test_two_windows_at_the_same_moment_are_not_suspicious(chained) -> None:
    with chained.write() as work:
        work.audit.append(ACTOR, "patient.view", NOW + timedelta(minutes=LINES))
        work.audit.append(ACTOR, "patient.view", NOW + timedelta(minutes=LINES, seconds=-2))
    assert check(chained).step_count == 0


def test_without_the_tolerance_they_would_be(chained, monkeypatch) -> None:
    with chained.write() as work:
        work.audit.append(ACTOR, "patient.view", NOW + timedelta(minutes=LINES))
        work.audit.append(ACTOR, "patient.view", NOW + timedelta(minutes=LINES, seconds=-2))
    monkeypatch.setattr(audit, "_SAME_MOMENT", timedelta())
    assert check(chained).step_count == 1


def test_many_odd_times_are_counted_and_few_are_listed(chained) -> None:
    with chained.write() as work:
        for number in range(130):
            odd = timedelta(hours=number % 2)
            work.audit.append(ACTOR, "patient.view", NOW + timedelta(days=1) + odd)
    done = check(chained)
    assert done.step_count == 64
    assert len(done.steps) == 50


# -- reading -------------------------------------------------------------------------------------------


def test_reading_can_be_stopped_and_says_so(chained, monkeypatch) -> None:
    monkeypatch.setattr(audit, "_AT_ONCE", 2)
    told = []

    def two_portions(done: int, total: int) -> bool:
        told.append((done, total))
        return len(told) < 2

    with chained.read() as work:
        done = work.audit.check(two_portions)

    assert told == [(2, LINES), (4, LINES)]
    assert (done.finished, done.lines, done.broken) == (False, 4, None)


def test_lines_of_the_first_releases_hold_their_own_form(chained, thief) -> None:
    """A chain that begins with old lines and goes on with new ones."""
    old = [replace_line(line, form=1) for line in lines(thief)[:4]]
    write_anew(thief, [*old, *lines(thief)[4:]])
    assert check(chained).broken is None
    thief.execute('UPDATE audit_entry SET detail = \'{"a":"b"}\' WHERE seq = 2')
    assert check(chained).broken.seq == 2


def replace_line(line: dict, **changes) -> dict:
    return {**line, **changes}


def test_anchors_are_never_changed_nor_taken_away(chained) -> None:
    with chained.write() as work:
        head = replace(work.audit.head(), incarnation="a1")
        work.audit.add_anchor(EvidenceKind.PROVINCE, head, NOW)
    raw = connections.connect(chained.path, KEY)
    for statement in ("DELETE FROM audit_anchor", "UPDATE audit_anchor SET seq = 1"):
        with pytest.raises(Exception, match="audit_anchor"):
            raw.execute(statement)
    raw.close()
    with chained.read() as work:
        (kept,) = work.audit.anchors()
    assert (kept.head.seq, kept.head.incarnation, kept.head.at) == (LINES, "a1", NOW)
