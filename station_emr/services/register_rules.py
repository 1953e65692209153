"""Which registers there are and which visits belong into them: data, which the station may change."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache
from typing import Any, Final

from station_emr.domain.errors import NotFound
from station_emr.domain.register import (
    COLUMNS,
    NUMBER,
    RegisterColumn,
    RegisterDefinition,
    RegisterRule,
)

from .definition_text import Definition, parsed
from .ports import Work
from .resources import resource_path

OWN: Final = "registers.own"
MAIN: Final = "A1/CSYT"
_MOST_COLUMNS: Final = 20
_MOST_RULES: Final = 20
_NAMES: Final = ("code", "name", "known", "columns", "rules", "missing", "sensitive", "remark")


@cache
def shipped_texts() -> dict[str, str]:
    path = resource_path("registers", "registers.json")
    kept = json.loads(path.read_text(encoding="utf-8"))
    return {one["code"]: json.dumps(one, ensure_ascii=False, indent=2) for one in kept["registers"]}


@cache
def shipped() -> dict[str, RegisterDefinition]:
    return {code: read_definition(text) for code, text in shipped_texts().items()}


def read_definition(content: bytes | str) -> RegisterDefinition:
    """Raises InvalidRecord, saying what is wrong and where."""
    held = parsed(content)
    held.only(_NAMES)
    columns = held.many("columns", _column, _MOST_COLUMNS)
    rules = held.many("rules", _rule, _MOST_RULES)
    missing = held.text("missing")
    if not missing and (not columns or not rules):
        raise held.bad("columns", "còn trống; cần cột và quy tắc chọn lượt khám")
    return RegisterDefinition(
        code=held.text("code", needed=True),
        name=held.text("name", needed=True),
        known=held.flag("known", default=False) is True,
        columns=columns,
        rules=rules,
        missing=missing,
        sensitive=held.flag("sensitive", default=False) is True,
        remark=held.text("remark"),
    )


def _column(held: Definition) -> RegisterColumn:
    held.only(("key", "title", "share"))
    key = held.text("key", needed=True)
    if key != NUMBER and key not in COLUMNS:
        raise held.bad("key", f"phải là một trong: {', '.join((NUMBER, *COLUMNS))}")
    return RegisterColumn(key=key, title=held.text("title", needed=True), share=held.share("share"))


def _rule(held: Definition) -> RegisterRule:
    held.only(("icd", "results", "since", "until"))
    return RegisterRule(
        icd=held.ranges("icd"),
        results=held.texts("results"),
        since=held.day("since"),
        until=held.day("until"),
    )


def own_texts(work: Work) -> dict[str, str]:
    """What the station changed, by the code of the register; an unreadable setting is none."""
    try:
        kept: Any = json.loads(work.settings.get(OWN) or "{}")
    except ValueError:
        return {}
    return {str(key): str(text) for key, text in kept.items()} if isinstance(kept, dict) else {}


def definitions(work: Work) -> dict[str, RegisterDefinition]:
    """Every register, in the order of the annex. What is restricted stays so, however it is named."""
    made = dict(shipped())
    for code, text in own_texts(work).items():
        if code in made:
            own = read_definition(text)
            made[code] = replace(own, code=code, sensitive=own.sensitive or made[code].sensitive)
    return made


def definition(work: Work, code: str) -> RegisterDefinition:
    """By its code, with or without what stands behind the stroke. Raises NotFound."""
    made = definitions(work)
    wanted = code.strip().upper().partition("/")[0]
    found = next((one for key, one in made.items() if key.partition("/")[0] == wanted), None)
    if found is None:
        raise NotFound(f"Không có sổ “{code}”. Các sổ có: {', '.join(made)}.")
    return found


def keep_own(work: Work, made: RegisterDefinition, text: str) -> None:
    """Raises NotFound for a register that the annex does not have."""
    known = definition(work, made.code)
    kept = own_texts(work) | {known.code: text}
    work.settings.put(OWN, json.dumps(kept, ensure_ascii=False, sort_keys=True))


def drop_own(work: Work, code: str) -> bool:
    """Whether there was one; the shipped one comes back."""
    kept = own_texts(work)
    if kept.pop(definition(work, code).code, None) is None:
        return False
    work.settings.put(OWN, json.dumps(kept, ensure_ascii=False, sort_keys=True))
    return True
