"""Counters without gaps, settings, unfinished forms, prints."""

from __future__ import annotations

import threading
from dataclasses import replace

from station_emr.db.store import EncryptedStore
from station_emr.services.views import DraftForm

from .records import DOCTOR, LATER, NOW, record_id

TAKERS, EACH = 4, 12


def test_counters_of_two_threads_have_no_gap_and_no_twin(store: EncryptedStore) -> None:
    taken: list[int] = []
    trouble: list[BaseException] = []

    def take(thread: int) -> None:
        try:
            for turn in range(EACH):
                try:
                    with store.write() as work:
                        number = work.counters.next("referral", "A", 2026)
                        if (turn + thread) % 3 == 0:
                            raise KeyError  # noqa: TRY301  # the command fails after taking its number
                except KeyError:
                    continue
                taken.append(number)
        except BaseException as error:  # noqa: BLE001
            trouble.append(error)

    threads = [threading.Thread(target=take, args=(n,)) for n in range(TAKERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert trouble == []
    assert sorted(taken) == list(range(1, len(taken) + 1))
    assert len(taken) == TAKERS * EACH * 2 // 3


def test_each_series_and_year_counts_for_itself(store: EncryptedStore) -> None:
    with store.write() as work:
        assert [work.counters.next("referral", "A", 2026) for _ in range(3)] == [1, 2, 3]
        assert work.counters.next("referral", "B", 2026) == 1
        assert work.counters.next("referral", "A", 2027) == 1
        assert work.counters.next("chart", "A", 2026) == 1
    with store.read() as work:
        assert work.counters.peek("referral", "A", 2026) == 4
        assert work.counters.peek("referral", "A", 2026) == 4


def test_settings(store: EncryptedStore) -> None:
    with store.write() as work:
        work.settings.put("theme", "dark")
        work.settings.put("theme", "light")
    with store.read() as work:
        assert work.settings.get("theme") == "light"
        assert work.settings.get("none") is None


def test_unfinished_forms(store: EncryptedStore) -> None:
    form = DraftForm(key="u1/encounter/1", user_id="u1", content='{"a":1}', saved_at=NOW)
    newer = replace(form, key="u1/patient/new", saved_at=LATER)
    with store.write() as work:
        work.drafts.put(form)
        work.drafts.put(newer)
        work.drafts.put(replace(form, content='{"a":2}'))
    with store.read() as work:
        assert work.drafts.get(form.key) == replace(form, content='{"a":2}')
        assert [draft.key for draft in work.drafts.all()] == [newer.key, form.key]
    with store.write() as work:
        work.drafts.drop(form.key)
        work.drafts.drop("never was")
    with store.read() as work:
        assert work.drafts.get(form.key) is None


def test_prints_are_counted_per_version_of_a_document(store: EncryptedStore) -> None:
    with store.write() as work:
        for _ in range(2):
            work.prints.add("referral", record_id(1), 1, NOW, DOCTOR, "ab")
        assert work.prints.add("referral", record_id(1), 2, LATER, DOCTOR, "cd") == 1
        assert work.prints.add("prescription", record_id(1), 1, LATER, DOCTOR, "ef") == 1
    with store.read() as work:
        assert work.prints.copies("referral", record_id(1), 1) == 2
        assert work.prints.copies("referral", record_id(1), 2) == 1
        assert work.prints.copies("referral", record_id(2), 1) == 0
        rows = work.prints.rows(3)
    assert [(row.kind, row.copy, row.version) for row in rows] == [
        ("prescription", 1, 1),
        ("referral", 1, 2),
        ("referral", 2, 1),
    ]
    assert (rows[0].user_name, rows[0].printed_at, rows[0].sha256) == (
        DOCTOR.full_name,
        LATER,
        "ef",
    )
