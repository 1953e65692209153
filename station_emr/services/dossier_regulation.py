"""The station's regulation: text blocks kept as data, filled with what the station has set.

A block the station wrote anew is kept in its settings; names in braces are filled in all the same,
so that a changed setting is never at odds with the printed page.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Final

from station_emr.domain.access import (
    ADMIN_PASSWORD_DAYS,
    EMERGENCY_LASTS,
    IDLE_DAYS,
    REVIEW_WITHIN,
)
from station_emr.domain.dossier import Block
from station_emr.domain.errors import UserError
from station_emr.domain.permissions import Action, PermissionTable, Role, idle_minutes
from station_emr.domain.signature import SIGNED_KINDS, Reentry, SignMethod

from .dossier_ports import Facts
from .ports import Work
from .resources import resource_path

BLOCKS: Final = "dossier.blocks"
LONGEST: Final = 6000
_NAME: Final = re.compile(r"\{([a-z_]+)\}")
_KINDS: Final = {
    "encounter": "lượt khám",
    "prescription": "đơn thuốc",
    "referral": "phiếu chuyển",
    "appointment": "phiếu hẹn",
    "certificate": "giấy nghỉ việc hưởng BHXH",
    "bill": "bảng kê chi phí",
}
_REENTRY: Final = {
    Reentry.LOG_IN: "Xác nhận điện tử dựa trên lần đăng nhập của người ký",
    Reentry.QUARTER_HOUR: "Người ký nhập lại mật khẩu nếu đã quá 15 phút",
    Reentry.EACH_TIME: "Người ký nhập lại mật khẩu mỗi lần xác nhận",
}


def template() -> tuple[Block, ...]:
    """The blocks as they ship, nothing filled in."""
    kept = json.loads(resource_path("dossier", "regulation.json").read_text(encoding="utf-8"))
    return tuple(
        Block(key=one["key"], heading=one["heading"], text=one["text"], raw=one["text"])
        for one in kept["blocks"]
    )


def read_own(work: Work) -> dict[str, str]:
    """What the station wrote itself, by block."""
    try:
        kept: Any = json.loads(work.settings.get(BLOCKS) or "{}")
    except ValueError:
        return {}
    return {str(key): str(text) for key, text in kept.items()} if isinstance(kept, dict) else {}


def write_own(work: Work, key: str, text: str, names: Mapping[str, str]) -> None:
    """An empty text brings the shipped one back. Raises UserError for one that cannot be printed."""
    known = {one.key: one for one in template()}
    if key not in known:
        raise UserError("Không có điều này trong quy chế. Chưa đổi gì.")
    if len(text) > LONGEST:
        raise UserError(f"Một điều dài nhất {LONGEST} ký tự. Chưa đổi gì; hãy rút gọn.")
    wrong = [name for name in _NAME.findall(text) if name not in names]
    if wrong:
        raise UserError(
            f"Không có chỗ điền “{{{wrong[0]}}}”. Chưa đổi gì; hãy dùng các tên đã có trong bản mẫu."
        )
    own = read_own(work)
    if text.strip() and text.strip() != known[key].raw.strip():
        own[key] = text.strip()
    else:
        own.pop(key, None)
    work.settings.put(BLOCKS, json.dumps(own, ensure_ascii=False, sort_keys=True))


def filled(own: Mapping[str, str], names: Mapping[str, str]) -> tuple[Block, ...]:
    """Every block with the station's settings in place of the names."""
    found = []
    for one in template():
        raw = own.get(one.key, one.raw)
        text = _NAME.sub(lambda name: names.get(name[1], name[0]), raw)
        found.append(
            Block(key=one.key, heading=one.heading, text=text, own=one.key in own, raw=raw)
        )
    return tuple(found)


def names_of(facts: Facts, table: PermissionTable) -> dict[str, str]:
    """What stands for each name in braces."""
    settings, plan = facts.settings, facts.backup.plan
    if settings.level_decision_on is not None:
        level = (
            f"Quyết định phê duyệt cấp độ số {settings.level_decision_no} "
            f"ngày {settings.level_decision_on:%d/%m/%Y}."
        )
    else:
        level = "Quyết định phê duyệt cấp độ: …………………………"
    return {
        "station": facts.station.name,
        "version": facts.file.version,
        "complete_hours": str(settings.complete_hours),
        "amenders": _roles(table, Action.RECORD_AMEND),
        "restorers": _roles(table, Action.RECORD_RESTORE),
        "signers": _roles(table, Action.ENCOUNTER_SIGN),
        "sign_methods": _methods(facts),
        "reentry": f"{_REENTRY[facts.signing.reentry]}.",
        "second_factor_roles": _listed([role.label.lower() for role in facts.second_factor_roles]),
        "admin_password_days": str(ADMIN_PASSWORD_DAYS),
        "tries": str(facts.door.tries),
        "lock_minutes": str(idle_minutes(Role.DOCTOR)),
        "admin_lock_minutes": str(idle_minutes(Role.ADMINISTRATOR)),
        "idle_days": str(IDLE_DAYS),
        "emergency_hours": f"{EMERGENCY_LASTS.total_seconds() / 3600:.0f}",
        "review_days": str(REVIEW_WITHIN.days),
        "level_decision": level,
        "officer": settings.officer or "…………………………",
        "backup_places": _listed([one.path for one in facts.backup.places])
        or "………………………… (trạm chưa chọn nơi sao lưu)",
        "keep_days": str(plan.days),
        "keep_weeks": str(plan.weeks),
        "keep_months": str(plan.months),
    }


def _roles(table: PermissionTable, action: Action) -> str:
    return _listed([role.label.lower() for role in Role if action in table[role]])


def _methods(facts: Facts) -> str:
    said = []
    for method in (SignMethod.DIGITAL_CERT, SignMethod.E_CONFIRM):
        kinds = [
            _KINDS[kind.value]
            for kind in SIGNED_KINDS
            if facts.signing.method(kind) is method and kind.value in _KINDS
        ]
        if kinds:
            said.append(f"{method.label.lower()} cho {_listed(sorted(kinds))}")
    return "; ".join(said) or "…………………………"


def _listed(words: list[str]) -> str:
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} và {words[-1]}"
