"""Names of the lists, and what an import changes, as words. No widgets."""

from __future__ import annotations

from typing import Final

from station_emr.domain.catalog import CatalogKind, CatalogPreview, CatalogRow
from station_emr.services.catalog_packs import ProvinceNews
from station_emr.services.i18n import _
from station_emr.ui.models.moments import show_day
from station_emr.ui.models.program_words import program_words

_ATTRIBUTES: Final = {
    "strength": "hàm lượng",
    "form": "dạng",
    "route": "đường dùng",
    "unit": "đơn vị",
    "brand": "tên thương mại",
    "inn": "hoạt chất",
    "ingredients": "thành phần",
    "groups": "nhóm",
    "bhyt_code": "mã hoạt chất",
    "max_daily": "tối đa mỗi ngày",
    "control": "kiểm soát đặc biệt",
    "toxic": "thuốc độc",
    "level": "cấp",
    "province": "tỉnh",
    "condition": "điều kiện",
    "not_main": "không làm bệnh chính",
    "discouraged_main": "không nên làm bệnh chính",
    "more_specific_exists": "có mã chi tiết hơn",
    "death_only": "chỉ dùng cho tử vong",
    "female_only": "chỉ dùng cho nữ",
    "male_only": "chỉ dùng cho nam",
    "mark": "dấu",
    "common": "thường gặp",
    "title_en": "tiếng Anh",
}


def province_text(news: ProvinceNews, kind: CatalogKind | None) -> str:
    """What the province says of the list in front, and of the program: a line each, or nothing."""
    lines: list[str] = []
    standing = news.standings.get(kind) if kind is not None else None
    if standing is not None:
        if standing.in_force is not None:
            lines.append(
                _("Bản của tỉnh đang dùng: {version}, từ {day}.").format(
                    version=standing.in_force.version, day=show_day(standing.in_force.effective)
                )
            )
        if standing.coming is not None:
            lines.append(
                _("Bản kế tiếp của tỉnh: {version}, dùng từ {day}.").format(
                    version=standing.coming.version, day=show_day(standing.coming.effective)
                )
            )
        lines.append(standing.problem)
    lines.append(news.problem)
    if news.notice is not None:
        lines.append(program_words(news.notice))
    return "\n".join(dict.fromkeys(line.strip() for line in lines if line))


_PLAIN: Final = (
    "strength",
    "form",
    "route",
    "condition",
    "inn",
)  # speak for themselves
_DROPS_MANY: Final = 0.2


def number(count: int) -> str:
    """``15.844``, as Vietnamese writes it."""
    return f"{count:,}".replace(",", ".")


def attributes_text(row: CatalogRow) -> str:
    """What else the row holds that a person would look for; English titles are for searching."""
    parts = []
    for key, words in _ATTRIBUTES.items():
        value = None if key == "title_en" else row.attributes.get(key)
        if value is True:
            parts.append(_(words))
        elif value not in (None, "", False):
            parts.append(str(value) if key in _PLAIN else f"{_(words)} {value}")
    return ", ".join(parts)


def change_text(old: CatalogRow, new: CatalogRow) -> str:
    """Only what differs: ``tên: A → B; hàm lượng: 5 mg → 10 mg``."""
    parts = [f"{_('tên')}: {old.name} → {new.name}"] if old.name != new.name else []
    for key in sorted({*old.attributes, *new.attributes}):
        before, after = _value(old.attributes.get(key)), _value(new.attributes.get(key))
        if before != after:
            parts.append(f"{_(_ATTRIBUTES.get(key, key))}: {before} → {after}")
    return "; ".join(parts) or _("nguồn hoặc ngày hiệu lực")


def _value(value: object) -> str:
    if value is True:
        return _("có")
    return str(value) if value not in (None, "", False) else _("không")


def drops_many(preview: CatalogPreview) -> bool:
    """A file that lacks many rows in force is probably only a part of the list."""
    current = len(preview.closed) + len(preview.changed) + preview.unchanged
    return len(preview.closed) > max(3, current * _DROPS_MANY)


def changes_nothing(preview: CatalogPreview) -> bool:
    return not (preview.added or preview.changed or preview.closed)
