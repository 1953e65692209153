"""Undo what keyboard-wedge scanners do to Vietnamese text.

A USB scanner types its code like a keyboard, so the text passes through a code page and perhaps
through a Vietnamese input method. What can be undone with certainty is undone; what is a guess
is handed back marked as uncertain, and the nurse reads the name from the card.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import Final

from station_emr.domain.text import clean

# The AIM prefix (ISO/IEC 15424) that some scanners send before the content, such as ]Q1.
_AIM_PREFIX: Final = re.compile(r"^\][A-Za-z][0-9A-Za-z]")
_CODE_PAGES: Final = ("cp1252", "cp1258", "latin-1")
_HEX: Final = re.compile(r"(?:[0-9A-Fa-f]{2})+")
_NAME_LETTER_CATEGORIES: Final = frozenset({"Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Mc"})
_NAME_SIGNS: Final = frozenset(" '’‘ʼ.-,()/")

_CIRCUMFLEX, _BREVE, _HORN = "\u0302", "\u0306", "\u031b"
_TONES_TELEX: Final = {
    "s": "\u0301",
    "f": "\u0300",
    "r": "\u0309",
    "x": "\u0303",
    "j": "\u0323",
}
_TONES_VNI: Final = {"1": "\u0301", "2": "\u0300", "3": "\u0309", "4": "\u0303", "5": "\u0323"}
_VNI_BY_MARK: Final = {mark: key for key, mark in _TONES_VNI.items()} | {
    _CIRCUMFLEX: "6",
    _HORN: "7",
    _BREVE: "8",
}
_TELEX_BY_MARK: Final = {mark: key for key, mark in _TONES_TELEX.items()} | {
    _HORN: "w",
    _BREVE: "w",
}
_TELEX_DOUBLE: Final = re.compile(r"(?i)(aa|ee|oo|dd|[aou]w)")
_VNI_DIGIT: Final = re.compile(r"[A-Za-z]+[1-9]")
_TELEX_TONE: Final = re.compile(r"(?i)[aeiouyw](?:ng|nh|ch|[cmnpt])?[sfrxj]$")


def decode_bytes(raw: bytes) -> str:
    """Scanner bytes as text: UTF-8 where it is, otherwise one character per byte."""
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def strip_wrapping(text: str) -> str:
    """Without byte-order mark, AIM prefix, and the control characters around the content."""
    text = text.strip(" \t\r\n\ufeff\x00\x02\x03\x04\x06\x1c\x1d\x1e\x1f")
    return _AIM_PREFIX.sub("", text).strip()


def _to_bytes(text: str, code_page: str) -> bytes | None:
    """The bytes a code page shows as ``text``; undefined places stand for themselves."""
    out = bytearray()
    for char in text:
        try:
            out += char.encode(code_page)
        except UnicodeEncodeError:
            if ord(char) > 255:
                return None
            out.append(ord(char))
    return bytes(out)


def undo_code_page(text: str) -> str:
    """Text whose UTF-8 bytes were shown as one character each, put right; else unchanged.

    >>> undo_code_page("LÃª VÄƒn Máº«u")
    'Lê Văn Mẫu'
    """
    if text.isascii():
        return text
    for code_page in _CODE_PAGES:
        raw = _to_bytes(text, code_page)
        if raw is None:
            continue
        try:
            return raw.decode("utf-8")
        except UnicodeDecodeError:
            continue
    return text


def undo_code_page_roughly(text: str) -> str:
    """Like :func:`undo_code_page` where some bytes were lost: the letters that survive."""
    raw = None if text.isascii() else _to_bytes(text, "cp1252")
    return text if raw is None else raw.decode("utf-8", "ignore")


def undo_input_method(text: str) -> Iterator[str]:
    """The keys that an input method may have swallowed to give ``text``: VNI, then Telex.

    ``TÉ520…`` was ``TE1520…`` before VNI took the 1; ``4Ê`` was ``4E6`` (VNI) or ``4EE`` (Telex).
    """
    yield _typed_keys(text, _VNI_BY_MARK, "9", double_circumflex=False)
    yield _typed_keys(text, _TELEX_BY_MARK, None, double_circumflex=True)


def _typed_keys(
    text: str, keys: dict[str, str], stroke: str | None, *, double_circumflex: bool
) -> str:
    out: list[str] = []
    for char in unicodedata.normalize("NFC", text):
        base, *marks = list(unicodedata.normalize("NFD", char))
        if base in "đĐ":
            plain = "d" if base == "đ" else "D"
            out.append(plain + (stroke or plain))
            continue
        out.append(base)
        for mark in marks:
            if mark == _CIRCUMFLEX and double_circumflex:
                out.append(base)
                continue
            key = keys.get(mark)
            out.append(mark if key is None else key.upper() if base.isupper() else key)
    return "".join(out)


def raw_keys_to_text(text: str) -> str | None:
    """A name that arrived as Telex or VNI keys (``Nguyeexn``, ``Nguye6n4``), composed.

    None when nothing points to such keys. The result is a guess: names of minority peoples may
    end in the same letters.
    """
    if not text.isascii():
        return None
    if _VNI_DIGIT.search(text) and not re.search(r"(?<![A-Za-z0-9])[0-9]", text):
        return " ".join(_compose(word, vni=True) for word in text.split())
    if _TELEX_DOUBLE.search(text):
        return " ".join(_compose(word, vni=False) for word in text.split())
    return None


def _compose(word: str, *, vni: bool) -> str:
    tone = ""
    if vni:
        for key, mark in _TONES_VNI.items():
            if key in word:
                tone, word = mark, word.replace(key, "")
        for key, mark in (("6", _CIRCUMFLEX), ("7", _HORN), ("8", _BREVE)):
            word = _mark_vowels(word, key, mark)
        word = re.sub(r"([dD])9", lambda m: "đ" if m[1] == "d" else "Đ", word)
    else:
        if _TELEX_TONE.search(word):
            tone, word = _TONES_TELEX[word[-1].lower()], word[:-1]
        else:
            inner = re.search(r"(?i)(?<=[aeiouyw])[sfrxj](?=[aeioucmnpthg]+$)", word)
            if inner:
                tone = _TONES_TELEX[inner[0].lower()]
                word = word[: inner.start()] + word[inner.end() :]
        word = re.sub(r"(?i)dd", lambda m: "đ" if m[0] == "dd" else "Đ", word)
        word = re.sub(r"(?i)(a|e|o)\1", lambda m: m[0][0] + _CIRCUMFLEX, word)
        word = re.sub(r"(?i)uow", lambda m: m[0][0] + _HORN + m[0][1] + _HORN, word)
        word = re.sub(r"(?i)aw", lambda m: m[0][0] + _BREVE, word)
        word = re.sub(r"(?i)[ou]w", lambda m: m[0][0] + _HORN, word)
    return unicodedata.normalize("NFC", _place_tone(word, tone))


def _mark_vowels(word: str, key: str, mark: str) -> str:
    if key not in word:
        return word
    word = word.replace(key, "")
    wanted = {"6": "aeo", "7": "ou", "8": "a"}[key]
    if key == "7" and "uo" in word.lower():
        at = word.lower().index("uo")
        return word[: at + 1] + mark + word[at + 1] + mark + word[at + 2 :]
    for at in range(len(word) - 1, -1, -1):
        if word[at].lower() in wanted:
            return word[: at + 1] + mark + word[at + 1 :]
    return word


def _place_tone(word: str, tone: str) -> str:
    """Put the tone where spelling puts it: on a marked vowel, else by the old rule."""
    if not tone:
        return word
    letters = list(unicodedata.normalize("NFC", word))
    bases = [unicodedata.normalize("NFD", c)[0].lower() for c in letters]
    start = 1 if bases[:1] == ["g"] and bases[1:2] == ["i"] and len(bases) > 2 else 0
    start = 1 if bases[:2] == ["q", "u"] else start
    vowels = [
        i for i, b in enumerate(bases) if b in "aeiouy" and not (start and i == start and i == 1)
    ]
    if not vowels:
        return word
    marked = [i for i in vowels if len(unicodedata.normalize("NFD", letters[i])) > 1]
    if marked:
        at = marked[-1]
    elif len(vowels) == 1 or vowels[-1] == len(letters) - 1:
        at = vowels[0] if len(vowels) < 3 else vowels[1]
    else:
        at = vowels[-1] if len(vowels) < 3 else vowels[1]
    letters[at] += tone
    return "".join(letters)


def decode_hex(field: str) -> str | None:
    """The text of a hexadecimal UTF-8 field, also when an input method bit into the digits.

    None when the field holds hexadecimal that cannot be read.
    """
    squeezed = field.replace(" ", "")
    candidates = [squeezed] if squeezed.isascii() else list(undo_input_method(squeezed))
    for candidate in candidates:
        if _HEX.fullmatch(candidate):
            try:
                return clean(bytes.fromhex(candidate).decode("utf-8"))
            except UnicodeDecodeError:
                continue
    return None


def looks_damaged(name: str) -> bool:
    """Whether a name holds signs that no name has: code-page rubbish, question marks, digits."""
    if not name or not any(c.isalpha() for c in name):
        return True
    for char in name:
        if char in _NAME_SIGNS:
            continue
        if unicodedata.category(char) not in _NAME_LETTER_CATEGORIES:
            return True
        if not _is_vietnamese_letter(char):
            return True
    return False


def _is_vietnamese_letter(char: str) -> bool:
    """Letters of Vietnamese and of the languages of the Central Highlands."""
    base, *marks = list(unicodedata.normalize("NFD", char))
    if base in "đĐƀɃ" or unicodedata.combining(base):
        return True
    return (
        base.isascii()
        and base.isalpha()
        and all(
            mark in "\u0300\u0301\u0302\u0303\u0306\u0309\u030c\u031b\u0323\u0327" for mark in marks
        )
    )


def undo_caps_lock(name: str) -> str:
    """A name typed with Caps Lock on (``nGUYỄN vĂN``) in its own case again."""
    words = [word for word in name.split() if len(word) > 1]
    if words and all(word[0].islower() and word[1:].isupper() for word in words):
        return name.swapcase()
    return name
