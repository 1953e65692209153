"""Why two charts may be one person's: numbers make it certain, names and villages likely."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Final

from station_emr.domain.birth import BirthDate
from station_emr.domain.patient import Patient
from station_emr.domain.record import RecordStatus, Sex
from station_emr.domain.text import fold, fold_words

from .ports import PersonMatcher, Work
from .views import PatientRow

LIKELY: Final = 88
_NAMESAKES: Final = 200
_NEW_AT_ONCE: Final = 120
_OLD_AT_ONCE: Final = 30
_PAIRS_KEPT: Final = 500
_SWEPT: Final = "duplicates.swept"
_LATEST: Final = 1 << 62

Pair = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Likeness:
    """``why`` are sentences for people, the strongest first; none when the two are not alike."""

    why: tuple[str, ...] = ()
    certain: bool = False


def likeness(one: Patient, other: Patient, matcher: PersonMatcher) -> Likeness:
    """Whether two charts should be shown to a person as perhaps one."""
    numbers = [
        sentence
        for sentence, mine, theirs in (
            ("Trùng số định danh cá nhân.", {one.national_id}, {other.national_id}),
            ("Trùng số chứng minh nhân dân cũ.", {one.old_national_id}, {other.old_national_id}),
            (
                "Trùng số thẻ bảo hiểm y tế.",
                {card.number for card in one.coverages},
                {card.number for card in other.coverages},
            ),
        )
        if (mine & theirs) - {""}
    ]
    score = matcher.likeness(fold(one.full_name), fold(other.full_name))
    near = _near(one, other)
    alike = (
        score >= LIKELY and births_agree(one.birth, other.birth) and same_sex(one.sex, other.sex)
    )
    if not numbers and not (alike and near):
        return Likeness()
    why = [*numbers]
    if alike:
        same = fold(one.full_name) == fold(other.full_name)
        why.append("Họ tên giống nhau." if same else "Họ tên gần giống nhau.")
        why.append("Cùng ngày sinh." if one.birth == other.birth else "Năm sinh gần nhau.")
    return Likeness((*why, *near), certain=bool(numbers))


def births_agree(one: BirthDate, other: BirthDate) -> bool:
    """The same day where both are known to the day; else years at most one apart."""
    if one.day is not None and other.day is not None:
        return one == other
    return abs(one.year - other.year) <= 1


def same_sex(one: Sex, other: Sex) -> bool:
    return one is other or Sex.UNKNOWN in (one, other)


def _near(one: Patient, other: Patient) -> list[str]:
    found = []
    if one.phone and one.phone == other.phone:
        found.append("Cùng số điện thoại.")
    if _same_text(one.address.line, other.address.line):
        found.append("Cùng thôn, làng.")
    codes = (one.address.commune_code, other.address.commune_code)
    if (codes[0] and codes[0] == codes[1]) or _same_text(
        one.address.commune_name, other.address.commune_name
    ):
        found.append("Cùng xã.")
    return found


def _same_text(one: str, other: str) -> bool:
    return bool(fold(one)) and fold(one) == fold(other)


# Looking through the charts ---------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Sweep:
    """Every pair found so far, and where the next look begins (to be kept by :func:`remember`)."""

    pairs: tuple[Pair, ...]
    state: str


def sweep(work: Work, matcher: PersonMatcher, *, whole: bool = True) -> Sweep:
    """Look at the charts that came since the last time, and at some of the older ones. Only reads,
    so that nobody's saving waits for it. Each chart is compared with those that share a number or a word of the name
    and the years around its birth, so the work grows with what is new and not with the station.
    Unless ``whole``, older ones have to wait while there are new ones.
    """
    kept = work.settings.get(_SWEPT)
    state: dict[str, Any] = json.loads(kept) if kept else {"high": 0, "low": _LATEST, "pairs": []}
    new = work.patients.written_between(state["high"], _LATEST, _NEW_AT_ONCE)
    low = state["low"]
    if len(new) == _NEW_AT_ONCE or not kept:
        low = min((place for place, _ in new), default=0)  # what lies between is old from now on
    portion = _OLD_AT_ONCE if whole or not new else 0
    old = work.patients.written_between(0, low, portion) if low and portion else ()
    pairs: dict[Pair, None] = dict.fromkeys((one, other) for one, other in state["pairs"])
    for chart in dict.fromkeys(chart for _, chart in (*new, *old)):
        pairs.update(dict.fromkeys(_pairs_of(work, matcher, chart)))
    found = tuple(pairs)[-_PAIRS_KEPT:]
    after = {
        "high": max([state["high"], *(place for place, _ in new)]),
        "low": min((place for place, _ in old), default=0 if portion else low),
        "pairs": [list(pair) for pair in found],
    }
    return Sweep(found, json.dumps(after))


def remember(work: Work, looked: Sweep, settled: set[Pair]) -> None:
    """Go on from here the next time. Two looks at once cost a look, never a pair: marks and pairs
    are kept together.
    """
    if work.settings.get(_SWEPT) != looked.state:
        work.settings.put(_SWEPT, looked.state)
    forget(work, settled)


def forget(work: Work, pairs: set[Pair]) -> None:
    """Take pairs off the list: they are joined, told apart, or not alike any more."""
    kept = work.settings.get(_SWEPT)
    if kept and pairs:
        state = json.loads(kept)
        state["pairs"] = [pair for pair in state["pairs"] if tuple(pair) not in pairs]
        work.settings.put(_SWEPT, json.dumps(state))


def open_pairs(work: Work) -> tuple[Pair, ...]:
    """Those found so far that nobody has settled, as far as the last look knows."""
    kept = work.settings.get(_SWEPT)
    return tuple((one, other) for one, other in json.loads(kept)["pairs"]) if kept else ()


def has_more(work: Work) -> bool:
    """Whether a look would find charts that were not looked at yet."""
    kept = work.settings.get(_SWEPT)
    state: dict[str, Any] = json.loads(kept) if kept else {"high": 0, "low": _LATEST}
    return bool(state["low"] or work.patients.written_between(state["high"], _LATEST, 1))


def still_alike(work: Work, pair: Pair, matcher: PersonMatcher) -> Likeness:
    """Nothing when the two are one person already, or a list shows other charts for them."""
    if any(work.links.survivor_of(chart) != chart for chart in pair):
        return Likeness()
    one, other = (work.patients.find(chart) for chart in pair)
    if one is None or other is None:
        return Likeness()
    if RecordStatus.VOIDED in (one.status, other.status):
        return Likeness()
    return likeness(one.record, other.record, matcher)


def pair_of(one: str, other: str) -> Pair:
    """The smaller id first, as pairs are kept everywhere."""
    return (one, other) if one < other else (other, one)


def _pairs_of(work: Work, matcher: PersonMatcher, chart_id: str) -> list[Pair]:
    chart = work.patients.get(chart_id).record
    mine = work.links.survivor_of(chart_id)
    numbers = {chart.national_id, chart.old_national_id, *(c.number for c in chart.coverages)}
    candidates: dict[str, None] = {}
    for number in sorted(numbers - {""}):
        candidates.update(dict.fromkeys(row.id for row in work.patients.by_number(number)))
    name = fold(chart.full_name)
    # The given name comes last; the word before it finds a given name that was written otherwise.
    for word in reversed(fold_words(chart.full_name)[-2:]):
        rows = work.patients.same_birth_year(chart.birth.year, word, _NAMESAKES)
        candidates.update(dict.fromkeys(r.id for r in rows if _may_be(chart, name, r, matcher)))
    candidates.pop(mine, None)
    candidates.pop(chart_id, None)
    return [
        pair_of(mine, other)
        for other in candidates
        if likeness(chart, work.patients.get(other).record, matcher).why
    ]


def _may_be(chart: Patient, name: str, row: PatientRow, matcher: PersonMatcher) -> bool:
    """Enough of a likeness to open the other chart."""
    return (
        same_sex(chart.sex, row.sex)
        and births_agree(chart.birth, row.birth)
        and matcher.likeness(name, fold(row.full_name)) >= LIKELY
    )
