from hypothesis import given
from hypothesis import strategies as st

from station_emr.domain.text import clean, clean_lines, fold, fold_words, strip_marks


def test_minority_names_fold_to_plain_letters():
    assert fold("Rơ Châm H'Bĕ̆") == "ro cham hbe"
    assert fold("Ksor Ŏ") == "ksor o"
    assert fold("Đỗ  H’Nhung ") == "do hnhung"
    assert strip_marks("ƀŭt Ƀ") == "but b"


def test_clean_keeps_case_and_order():
    assert clean("  kpă   Y  Blơi \u0007") == "kpă Y Blơi"
    assert clean_lines("a  b\n\n  c \n") == "a b\n\nc"


def test_clean_makes_one_normal_form():
    composed, decomposed = "Lê Thị", "Le\u0302 Thi\u0323"
    assert clean(decomposed) == composed


@given(st.text(max_size=60))
def test_fold_is_stable_and_searchable(text):
    folded = fold(text)
    assert fold(folded) == folded
    assert all(c in "0123456789abcdefghijklmnopqrstuvwxyz " for c in folded)
    assert fold_words(text) == tuple(folded.split())
