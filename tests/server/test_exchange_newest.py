"""The version that counts, whatever the order in which the stations sent."""

import itertools

import pytest

from provincial_server.exchange.newest import Version, newest


def person(content, *base):
    return Version(frozenset(base), by_rule=False, content=content)


def rule(content, *base):
    return Version(frozenset(base), by_rule=True, content=content)


ROOT = {"r": person("root")}
CASES = {
    "one after another": ({"a": person(1, "r"), "b": person(2, "a")}, "b"),
    "two beside one another wait for a merge": ({"a": person(1, "r"), "b": person(2, "r")}, None),
    "their merge": ({"a": person(1, "r"), "b": person(2, "r"), "m": rule(3, "a", "b")}, "m"),
    "a third beside the merge of two": (
        {"a": person(1, "r"), "b": person(2, "r"), "m": rule(3, "a", "b"), "c": person(4, "r")},
        None,
    ),
    "all three merged, over a smaller merge": (
        {
            "a": person(1, "r"),
            "b": person(2, "r"),
            "c": person(4, "r"),
            "m": rule(3, "a", "b"),
            "n": rule(5, "a", "b", "c"),
            "o": rule(6, "b", "c"),
        },
        "n",
    ),
    "a decision": (
        {
            "a": person(1, "r"),
            "b": person(2, "r"),
            "m": rule(3, "a", "b"),
            "d": person(4, "m"),
        },
        "d",
    ),
    "two rules over the same": (
        {"a": person(1, "r"), "b": person(2, "r"), "m": rule(3, "a", "b"), "l": rule(9, "a", "b")},
        "l",
    ),
    "the same written twice": ({"b": person(1, "r"), "a": person(1, "r")}, "a"),
    "written on the other of the same": (
        {"b": person(1, "r"), "a": person(1, "r"), "c": person(2, "b")},
        "c",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_the_set_decides(name):
    versions, expected = CASES[name]
    whole = {**ROOT, **versions}
    for order in itertools.islice(itertools.permutations(whole), 60):
        assert newest({op_id: whole[op_id] for op_id in order}) == expected


def test_a_base_that_is_missing_or_a_ring_is_refused():
    with pytest.raises(ValueError, match="based on"):
        newest({"a": person(1, "zz")})
    with pytest.raises(ValueError, match="based on"):
        newest({"a": person(1, "b"), "b": person(2, "a")})
