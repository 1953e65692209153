"""How alike two charts are, and why. It only proposes: a person decides.

A number that is issued to one person alone is needed for a strong likeness. Names, birthdays and
villages are shared by twins, by a father and his son, and by neighbours.
"""

from __future__ import annotations

from dataclasses import dataclass

from rapidfuzz.distance import OSA
from rapidfuzz.fuzz import ratio

from provincial_server.people.facts import Facts, fold, fold_place, marks

STRONG, PROBABLE, WEAK = "strong", "probable", "weak"
_CCCD_DIGITS = 12
_SAME_NAME = 90
_LIKE_NAME = 85
_SHORT = 4
DAY, YEAR, NEAR, APART = "day", "year", "near", "apart"


@dataclass(frozen=True)
class Likeness:
    strength: str
    reasons: tuple[str, ...]


def compare(one: Facts, other: Facts) -> Likeness | None:
    """None when nothing speaks for one person, or something speaks plainly against it."""
    name, said = _names(one.name, other.name)
    birth = _births(one.birth, other.birth)
    reasons = [said, _BIRTH_SAID[birth]]
    differs = _sex_differs(one, other)
    if differs:
        reasons.append("giới tính khác nhau")
    if one.village and fold_place(one.village) == fold_place(other.village):
        reasons.append("cùng thôn, làng")
    if one.numbers & other.numbers:
        return _by_number("cùng số CCCD hoặc CMND", name, birth, differs, reasons)
    distance = _id_distance(one, other)
    if one.person_numbers & other.person_numbers:
        shared = "cùng mã số BHXH trên thẻ BHYT"
        if distance > 1:
            return Likeness(WEAK, (shared, "số CCCD khác hẳn nhau", *reasons))
        return _by_number(shared, name, birth, differs, reasons)
    if distance > 1 or differs:
        return None
    return _without_number(one, other, name, birth, distance, reasons)


def _by_number(shared: str, name: int, birth: str, differs: bool, reasons: list[str]) -> Likeness:
    named, born = name >= _LIKE_NAME, birth in {DAY, YEAR}
    if named and born and not differs:
        return Likeness(STRONG, (shared, *reasons))
    if named or born:
        return Likeness(PROBABLE, (shared, *reasons))
    return Likeness(
        WEAK, (shared, *reasons, "có thể một nơi gõ nhầm số, hoặc dùng giấy của người khác")
    )


def _without_number(
    one: Facts, other: Facts, name: int, birth: str, distance: int, reasons: list[str]
) -> Likeness | None:
    if name < _SAME_NAME or birth == APART:
        return None
    near = bool(one.village) and fold_place(one.village) == fold_place(other.village)
    # Brothers' and sisters' names may differ by a mark alone: Hùng and Hưng are two people.
    marked = _marks_agree(one.name, other.name)
    if not marked:
        reasons.append("dấu trong tên khác nhau: có thể là hai anh chị em")
    if distance == 1:
        reasons.insert(0, "số CCCD chỉ khác một chữ số")
    sure = distance == 1 or near
    if birth == DAY and sure and marked:
        return Likeness(PROBABLE, tuple(reasons))
    if birth == DAY or (near and name == 100) or distance == 1:
        return Likeness(WEAK, tuple(reasons))
    return None


def _id_distance(one: Facts, other: Facts) -> int:
    """Letters to change between the two CCCD numbers; 0 when not both are known."""
    first, second = one.national_id, other.national_id
    if len(first) != _CCCD_DIGITS or len(second) != _CCCD_DIGITS:
        return 0
    return OSA.distance(first, second, score_cutoff=2)


def _sex_differs(one: Facts, other: Facts) -> bool:
    return bool({one.sex, other.sex} == {"male", "female"})


_BIRTH_SAID = {
    DAY: "cùng ngày sinh",
    YEAR: "cùng năm sinh, một nơi không rõ ngày",
    NEAR: "ngày sinh gần giống, có thể gõ nhầm",
    APART: "ngày sinh khác nhau",
}


def _births(one: str, other: str) -> str:
    if not one or not other:
        return APART
    if one == other and len(one) == 10:
        return DAY
    if one[:4] == other[:4] and (len(one) < 10 or len(other) < 10):
        return YEAR
    if len(one) == len(other) == 10:
        swapped = one[:4] == other[:4] and one[5:7] == other[8:10] and one[8:10] == other[5:7]
        if swapped or OSA.distance(one, other, score_cutoff=1) == 1:
            # A digit of the year that differs by ten or more is a generation, not a slip.
            return NEAR if abs(int(one[:4]) - int(other[:4])) < 10 else APART
    return APART


def _names(one: str, other: str) -> tuple[int, str]:
    """0 to 100, and the words for it. Given names come last; where they differ two people are meant,
    however like the rest is."""
    first, second = fold(one).split(), fold(other).split()
    if not first or not second:
        return 0, "thiếu họ tên"
    if first == second:
        return 100, "cùng họ tên"
    if sorted(first) == sorted(second):
        return 100, "cùng họ tên, viết khác thứ tự"
    if "".join(first) == "".join(second):
        return 100, "cùng họ tên, viết rời hay liền"
    alike = round(ratio(" ".join(first), " ".join(second)))
    if first[-1] != second[-1]:
        slip = min(len(first[-1]), len(second[-1])) >= _SHORT and (
            OSA.distance(first[-1], second[-1], score_cutoff=1) == 1
        )
        top = _LIKE_NAME + 2 if slip and first[:-1] == second[:-1] else 80
        return min(alike, top), "tên khác nhau"
    shorter, longer = sorted((first, second), key=len)
    if first[0] == second[0] and set(shorter) <= set(longer):
        return max(alike, _SAME_NAME), "cùng họ và tên, thiếu tên đệm"
    return alike, "họ tên gần giống" if alike >= _LIKE_NAME else "họ tên khác nhau"


def _marks_agree(one: str, other: str) -> bool:
    """A name without any marks agrees with any: it was typed on a machine that had none."""
    first, second = marks(one), marks(other)
    return first == second or not first or not second
