"""Letter content to compact bytes and back: CBOR with small keys, deflate with a fixed dictionary.

The layout is version 1 of the letter code. Keys are only ever added; a reader ignores keys it
does not know. Texts are cut by rule, least needed first, until the code fits.
"""

from __future__ import annotations

import zlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, Final, NoReturn, cast

import cbor2

from station_emr.domain.birth import BirthDate
from station_emr.domain.letter import LetterContent

_TEXT_KEYS: Final = {
    "letter_number": 1,
    "from_code": 2,
    "from_name": 3,
    "to_code": 4,
    "to_name": 5,
    "patient_name": 6,
    "national_id": 9,
    "insurance_number": 10,
    "main_diagnosis": 12,
    "diagnosis_text": 14,
    "allergies": 15,
    "treatment": 16,
    "signs": 17,
    "reason": 18,
    "prescriber_name": 19,
    "prescriber_licence": 20,
}
_BIRTH, _SEX, _ISSUED, _OTHERS, _FLAGS = 7, 8, 11, 13, 21
_SEXES: Final = ("unknown", "male", "female")
_ONE_YEAR, _EMERGENCY, _SHORTENED = 1, 2, 4
_REQUIRED: Final = ("letter_number", "from_code", "patient_name", "prescriber_name")

# Least needed first. Allergies are last: a receiving doctor must never miss one.
_CUTS: Final = (
    ("treatment", (280, 180, 120)),
    ("diagnosis_text", (120, 60)),
    ("signs", (110, 80)),
    ("treatment", (60, 0)),
    ("from_name", (60, 40)),
    ("to_name", (60, 40)),
    ("diagnosis_text", (0,)),
    ("signs", (40, 0)),
    ("allergies", (160, 100, 60)),
)
_MAX_OTHER_DIAGNOSES: Final = 5
_MAX_INFLATED: Final = 4096

# Shared with every reader of version 1: never edit, a new dictionary is a new version.
_DICTIONARY: Final = (
    "Không ghi nhận dị ứng, chưa rõ dị ứng Penicillin Amoxicillin Cefuroxim Paracetamol Ibuprofen "
    "Hạ sốt Kháng sinh truyền dịch Natri clorid 0,9% Ringer lactat Salbutamol khí dung thở oxy "
    "Amlodipin Enalapril Losartan Perindopril Metformin Gliclazid Furosemid Nifedipin Adrenalin "
    "Đái tháo đường Tăng huyết áp Viêm phổi Hen phế quản Sốt xuất huyết Dengue Đau thắt ngực "
    "Nhồi máu cơ tim Đột quỵ Tai biến mạch máu não Chấn thương gãy xương Tiền sản giật thai tuần "
    "viên mg ml lần/ngày uống tiêm bắp tĩnh mạch sáng chiều tối trong ngày x 1 x 2 x 3 "
    "M 80 l/ph; HA 120/80 mmHg; T 37,0 °C; NT 20 l/ph; SpO2 98%; CN 50 kg; tri giác tỉnh "
    "Nguyễn Thị Trần Văn Lê Phạm Hoàng Siu Ksor Rơ Châm Rmah H' Y Kpă Rah Lan "
    "BV Bệnh viện Đa khoa tỉnh Trung tâm Y tế khu vực Gia Lai Pleiku An Khê Ayun Pa Quy Nhơn "
    "Trạm Y tế xã phường /2026/PCCKCB /2027/PCCKCB 064"
).encode()


class Unreadable(ValueError):
    """The bytes are no letter content of this version."""


class DoesNotFit(ValueError):
    """What may never be cut is already too long."""


def pack(content: LetterContent) -> bytes:
    """The content as it stands, compressed."""
    fields: dict[int, Any] = {
        key: text for name, key in _TEXT_KEYS.items() if (text := getattr(content, name))
    }
    fields[_BIRTH] = content.birth.to_iso()
    fields[_SEX] = _SEXES.index(content.sex) if content.sex in _SEXES else 0
    offset = content.issued_at.utcoffset() or timedelta()
    fields[_ISSUED] = [int(content.issued_at.timestamp()), int(offset.total_seconds() // 60)]
    if content.other_diagnoses:
        fields[_OTHERS] = list(content.other_diagnoses)
    flags = (
        _ONE_YEAR * content.one_year
        | _EMERGENCY * content.emergency
        | _SHORTENED * content.shortened
    )
    if flags:
        fields[_FLAGS] = flags
    squeeze = zlib.compressobj(9, zlib.DEFLATED, -15, 9, zlib.Z_DEFAULT_STRATEGY, _DICTIONARY)
    return squeeze.compress(cbor2.dumps(fields, canonical=True)) + squeeze.flush()


def pack_to_fit(content: LetterContent, limit: int) -> bytes:
    """The content in at most ``limit`` bytes, cut by rule where it must be.

    Raises :class:`DoesNotFit` when the names and numbers alone do not fit.
    """
    if len(content.other_diagnoses) > _MAX_OTHER_DIAGNOSES:
        content = replace(
            content,
            other_diagnoses=content.other_diagnoses[:_MAX_OTHER_DIAGNOSES],
            shortened=True,
        )
    packed = pack(content)
    for name, sizes in _CUTS:
        for size in sizes:
            if len(packed) <= limit:
                return packed
            text: str = getattr(content, name)
            if len(text) > size:
                cut = text[: size - 1].rstrip() + "…" if size else "…"
                content = replace(content, shortened=True, **cast("Any", {name: cut}))
                packed = pack(content)
    if len(packed) <= limit:
        return packed
    raise DoesNotFit("the names and numbers of the letter do not fit its code")


def unpack(packed: bytes) -> LetterContent:
    """Read :func:`pack` again. Raises :class:`Unreadable` for anything else."""
    fields = _decode(_inflate(packed))
    texts = {name: _text(fields, key) for name, key in _TEXT_KEYS.items()}
    if not all(texts[name] for name in _REQUIRED):
        raise Unreadable("a required field is missing")
    flags, sex, others = fields.get(_FLAGS, 0), fields.get(_SEX, 0), fields.get(_OTHERS, [])
    if type(flags) is not int or type(sex) is not int or not 0 <= sex < len(_SEXES):
        raise Unreadable("a field of another type")
    if type(others) is not list or not all(type(code) is str for code in others):
        raise Unreadable("a field of another type")
    try:
        birth = BirthDate.from_iso(_text(fields, _BIRTH))
    except ValueError as error:
        raise Unreadable("no birth date") from error
    return LetterContent(
        **texts,
        birth=birth,
        sex=_SEXES[sex],
        issued_at=_time(fields.get(_ISSUED)),
        other_diagnoses=tuple(others),
        one_year=bool(flags & _ONE_YEAR),
        emergency=bool(flags & _EMERGENCY),
        shortened=bool(flags & _SHORTENED),
    )


def _inflate(packed: bytes) -> bytes:
    """At most a few kilobytes come out, whatever a hostile code promises."""
    inflate = zlib.decompressobj(-15, zdict=_DICTIONARY)
    try:
        plain = inflate.decompress(packed, _MAX_INFLATED)
    except zlib.error as error:
        raise Unreadable("not deflated content") from error
    if not inflate.eof or inflate.unconsumed_tail or inflate.unused_data:
        raise Unreadable("not deflated content")
    return plain


def _refuse_tag(*_: Any) -> NoReturn:
    """Refuse every CBOR tag: decoders of big floats or patterns are an attacker's playground."""
    raise Unreadable("a tagged value")


_NO_TAGS: Final = dict.fromkeys((*range(1024), 43000, 55799), _refuse_tag)


def _decode(plain: bytes) -> dict[Any, Any]:
    try:
        fields = cbor2.loads(
            plain,
            tag_hook=_refuse_tag,
            semantic_decoders=_NO_TAGS,
            max_depth=4,
            allow_indefinite=False,
            allow_duplicate_keys=False,
        )
    except (cbor2.CBORDecodeError, ValueError, TypeError, OverflowError) as error:
        raise Unreadable("not CBOR") from error
    if type(fields) is not dict:
        raise Unreadable("not a map")
    return fields


def _text(fields: dict[Any, Any], key: int) -> str:
    text = fields.get(key, "")
    if type(text) is not str:
        raise Unreadable("a field of another type")
    return text


def _time(parts: Any) -> datetime:
    if type(parts) is not list or len(parts) != 2 or not all(type(p) is int for p in parts):
        raise Unreadable("no time of issue")
    try:
        return datetime.fromtimestamp(parts[0], tz=UTC).astimezone(
            timezone(timedelta(minutes=parts[1]))
        )
    except (ValueError, OverflowError, OSError) as error:
        raise Unreadable("no time of issue") from error
