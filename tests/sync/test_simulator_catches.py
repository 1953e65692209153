"""The mistakes by which other systems lost data, planted one at a time: a story must end badly.

A simulator that no mistake can turn red proves nothing.
"""

from dataclasses import replace

import pytest

from provincial_server.exchange import feed
from provincial_server.exchange.current import CurrentVersions
from station_emr.db.outbox import OutboxRepository
from station_emr.db.repositories import replicas
from station_emr.domain.merge import Merged
from station_emr.domain.operation import Origin
from station_emr.domain.record import RecordKind
from station_emr.interop.fhir.read_units import read_unit
from station_emr.services import merging
from station_emr.sync.applying import Applier
from station_emr.sync.exchange_engine import CURSOR, Exchange
from tests.sync.simulation import machine
from tests.sync.test_simulator import play, templates  # noqa: F401  a fixture

SEEDS = range(1, 41)


def forget_by_state(monkeypatch):
    """Everything that waits is called sent, also what was written meanwhile or refused."""
    honest = OutboxRepository.acknowledge_numbers

    def planted(self, items, at):
        honest(self, items, at)
        if items:
            self._connection.exec_driver_sql("DELETE FROM outbox WHERE state = 'waiting'")

    monkeypatch.setattr(OutboxRepository, "acknowledge_numbers", planted)


def skip_a_late_commit(monkeypatch):
    """The page misses a row that a slower transaction commits a moment later; its cursor does not."""
    honest = feed.read_page

    def planted(*arguments, **options):
        page = honest(*arguments, **options)
        return replace(page, lines=page.lines[:-1]) if page.lines else page

    monkeypatch.setattr(feed, "read_page", planted)


def last_writer_wins(monkeypatch):
    """Of two versions, the one with the later device clock; nobody is asked."""
    chosen = []
    honest = merging.MergedRecord.merge

    def merge(self, graph, arrived_from, now):
        heads = graph.heads()
        chosen[:] = [max(range(len(heads)), key=lambda at: heads[at].at)]
        return honest(self, graph, arrived_from, now)

    def merged(_kind, _base, sides):
        side = sides[chosen[0]]
        return Merged(record=side.record, status=side.status, open_fields=())

    monkeypatch.setattr(merging.MergedRecord, "merge", merge)
    monkeypatch.setattr(merging, "merge_all", merged)


def delete_what_is_absent(monkeypatch):
    """What the province does not list is taken for deleted there."""
    honest = Applier.page

    def planted(self, work, lines, **options):
        outcome = honest(self, work, lines, **options)
        for item in work.outbox.waiting(100):
            if not work.operations.holds_record(item.kind, item.record_id):
                work._connection.exec_driver_sql(
                    "DELETE FROM outbox WHERE record_id = ?", (item.record_id,)
                )
        return outcome

    monkeypatch.setattr(Applier, "page", planted)


def save_the_cursor_first(monkeypatch):
    """The cursor is on the disk before the page is."""
    honest = Exchange._commit

    def planted(self, request, reply, batch):
        with self._store.write() as work:
            work.settings.put(CURSOR, str(reply.cursor))
        return honest(self, request, reply, batch)

    monkeypatch.setattr(Exchange, "_commit", planted)


def drop_what_was_corrected(monkeypatch):
    """The refused version is thrown out of its record for good when the correction is accepted."""

    def planted(nodes):
        passed_over = {p for n in nodes if n.stands_on is not None for p in n.parents}
        gone = passed_over - {p for n in nodes if n.stands_on is not None for p in n.stands_on}
        return tuple(
            replace(n, refused=True) if n.version in gone and n.origin is Origin.HERE else n
            for n in nodes
        )

    honest = replicas._as_sealed
    monkeypatch.setattr(replicas, "_as_sealed", lambda nodes, lines: planted(honest(nodes, lines)))


FIELD = {
    RecordKind.CERTIFICATE: "workplace",
    RecordKind.BILL: "items",
    RecordKind.CONSENT: "paper_number",
    RecordKind.NOTIFICATION: "contacts",
    RecordKind.REQUEST: "purpose",
    RecordKind.BREACH: "effects",
    RecordKind.SIGNATURE: "evidence_number",
    RecordKind.FEEDBACK: "advice",
    RecordKind.RIGHTS: "ranges",
    RecordKind.STANDING: "rights",
    RecordKind.PRACTITIONER: "phone",
}
"""Where people write in a record of a kind."""
EVENT = {
    RecordKind.CERTIFICATE: "paper",
    RecordKind.BILL: "paper",
    RecordKind.CONSENT: "consent",
    RecordKind.NOTIFICATION: "notice",
    RecordKind.REQUEST: "request",
    RecordKind.BREACH: "leak",
    RecordKind.SIGNATURE: "hand",
    RecordKind.FEEDBACK: "answer",
    RecordKind.RIGHTS: "rights",
    RecordKind.STANDING: "rights",
    RecordKind.PRACTITIONER: "staff",
    RecordKind.FACILITY: "letterhead",
}
"""What makes one of a kind: the more of it, the shorter the story that notices."""
_KNOWN = {RecordKind.CERTIFICATE: 2, RecordKind.BILL: 2, RecordKind.STANDING: 2}


def lose_a_field(monkeypatch, kind):
    """What arrives of this kind comes without what somebody wrote there."""

    def planted(resources):
        read = read_unit(resources)
        if read.kind is not kind:
            return read
        emptied = type(getattr(read.record, FIELD[kind]))()
        return replace(read, record=replace(read.record, **{FIELD[kind]: emptied}))

    monkeypatch.setattr(machine, "read_unit", planted)


def forget_to_send(monkeypatch, kind):
    """What is written of this kind never waits for anybody."""
    honest = OutboxRepository.acknowledge_numbers

    def planted(self, items, at):
        honest(self, items, at)
        self._connection.exec_driver_sql("DELETE FROM outbox WHERE kind = ?", (kind.value,))

    monkeypatch.setattr(OutboxRepository, "acknowledge_numbers", planted)


def show_nobody(monkeypatch, kind):
    """The province takes lines of this kind and its readers see none of them."""
    honest = CurrentVersions.add

    def planted(self, record, *arguments, **options):
        shown = honest(self, record, *arguments, **options)
        return None if record[0] == kind.value else shown

    monkeypatch.setattr(CurrentVersions, "add", planted)


@pytest.mark.parametrize(
    ("plant", "known", "more"),  # a story that is known to notice it comes first
    [
        (forget_by_state, 1, {}),
        (skip_a_late_commit, 1, {}),
        (last_writer_wins, 1, {}),
        (delete_what_is_absent, 1, {}),
        (save_the_cursor_first, 3, {}),
        (drop_what_was_corrected, 6, {"too late": 25}),
    ],
)
def test_a_planted_mistake_is_caught(plant, known, more, monkeypatch, templates):  # noqa: F811
    plant(monkeypatch)
    for seed in (known, *SEEDS):
        try:
            play(seed, templates, steps=60, more=more)
        except AssertionError:
            return
    raise RuntimeError(f"no story of {len(SEEDS)} noticed")


@pytest.mark.parametrize(
    ("plant", "kind", "known"),
    [
        *((lose_a_field, kind, _KNOWN.get(kind, 1)) for kind in FIELD),
        (forget_to_send, RecordKind.BILL, 2),
        (forget_to_send, RecordKind.CONSENT, 1),
        (forget_to_send, RecordKind.SIGNATURE, 1),
        (forget_to_send, RecordKind.FACILITY, 1),
        (show_nobody, RecordKind.CERTIFICATE, 2),
        (show_nobody, RecordKind.NOTIFICATION, 1),
        (show_nobody, RecordKind.STANDING, 1),
    ],
)
def test_no_kind_is_lost_unnoticed(plant, kind, known, monkeypatch, templates):  # noqa: F811
    plant(monkeypatch, kind)
    people = {"register": 30, "visit": 20} if EVENT[kind] in {"paper", "rights"} else {}
    more = {EVENT[kind]: 60, **people}
    for seed in (known, *SEEDS):
        try:
            play(seed, templates, steps=14, more=more)
        except AssertionError:
            return
    raise RuntimeError(f"no story of {len(SEEDS)} noticed")
