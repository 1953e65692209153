"""Looks for people registered twice while nobody asks, so that somebody is told of them."""

from __future__ import annotations

from .chart_likeness import has_more, remember, still_alike, sweep
from .ports import PersonMatcher, Store


class DuplicateWatch:
    """Nothing that it finds is shown but how many there are: whose they are, the desk shows to those
    who may see patients.
    """

    def __init__(self, store: Store, matcher: PersonMatcher) -> None:
        self._store = store
        self._matcher = matcher
        self._links = -1

    def look(self) -> None:
        """One short portion: the charts that came since the last look, else some that were never
        looked at. Pairs that were settled meanwhile, here or on another machine, go off the list.
        Where nothing changed it costs two questions.
        """
        with self._store.read() as work:
            links = len(work.links.active())
            if links == self._links and not has_more(work):
                return
            looked = sweep(work, self._matcher, whole=False)
            apart = work.links.dismissed()
            past = {
                pair
                for pair in looked.pairs
                if pair in apart or not still_alike(work, pair, self._matcher).why
            }
        with self._store.write() as work:
            remember(work, looked, past)
        self._links = links
