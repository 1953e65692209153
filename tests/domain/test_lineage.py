"""The graph of a record's versions where the province refused one of them."""

from datetime import UTC, datetime

from station_emr.domain.lineage import Lineage
from station_emr.domain.operation import MERGE_AUTHOR_ID, Origin, VersionNode
from station_emr.domain.record import RecordStatus


def node(version, op_id, *parents, says="", refused=False, by="a person"):
    return VersionNode(
        version=version,
        status=RecordStatus.AMENDED,
        parents=parents,
        op_id=op_id,
        origin=Origin.HERE,
        author_id=by,
        author_name="Người Mẫu",
        at=datetime(2026, 3, 2, tzinfo=UTC),
        reason=says,
        refused=refused,
    )


def graph(*nodes):
    return Lineage(nodes, lambda one, other: one.reason == other.reason)


def test_the_author_of_a_refused_version_sees_what_the_others_see():
    """One wrote ``bad``, which was refused, and corrected it; then again. Somebody wrote the same
    as the correction.
    """
    here = graph(
        node(1, "bad", says="bad", refused=True),
        node(2, "c0", 1, says="good"),
        node(3, "d0", 2, says="newest"),
        node(4, "a0", says="good"),
    )
    there = graph(
        node(1, "a0", says="good"),
        node(2, "c0", says="good"),
        node(3, "d0", 2, says="newest"),
    )
    assert [head.op_id for head in here.heads()] == [head.op_id for head in there.heads()] == ["d0"]
    assert here.newest() == here[3]


def test_the_nearest_common_version_is_the_same_with_and_without_a_refused_one():
    def base_of(*refused):
        shift = len(refused)
        found = graph(
            node(1, "b1"),
            *refused,
            node(2 + shift, "left", 1 + shift, says="left"),
            node(3 + shift, "c1", 1, says="other"),
            node(4 + shift, "one", 2 + shift, 3 + shift, says="one"),
            node(5 + shift, "two", 2 + shift, 3 + shift, says="two"),
        )
        return found.nearest_common((4 + shift, 5 + shift)).op_id

    assert base_of() == "c1"
    assert base_of(node(2, "refused", 1, says="refused", refused=True)) == "c1"


def test_a_refused_version_that_nobody_corrected_is_still_what_its_author_sees():
    bad = node(2, "bad", 1, refused=True, says="bad")
    merged = node(4, "m", 2, 3, by=MERGE_AUTHOR_ID)
    found = graph(node(1, "a"), bad, node(3, "b", 1, says="other"), merged)
    assert [head.op_id for head in found.heads()] == ["b", "bad"]
    assert graph(node(1, "a"), bad).newest() == bad


def test_a_decision_about_a_refused_version_ends_it_and_the_merge_over_it():
    found = graph(
        node(1, "a"),
        node(2, "bad", 1, refused=True, says="bad"),
        node(3, "b", 1, says="other"),
        node(4, "m", 2, 3, by=MERGE_AUTHOR_ID, refused=True),
        node(5, "d", 4, says="decided"),
    )
    assert [head.op_id for head in found.heads()] == ["d"]
    assert {found[v].op_id for v in found.ancestors(5)} == {"a", "b", "d"}
    assert found[2].op_id == "bad"  # what an arrived version names can always be looked up
    assert found.ancestors(2) == {1, 2}
