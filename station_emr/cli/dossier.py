"""The station's file for the inspection from the command line."""

from __future__ import annotations

import argparse
from datetime import date
from pathlib import Path
from typing import Any

from station_emr.domain.dossier import Part, Standing
from station_emr.domain.errors import EnvironmentFailure, UserError
from station_emr.domain.os_words import os_words
from station_emr.services.dossier_ports import Dossier
from station_emr.services.dossier_words import as_json, summary

from .commands import opened_station, say

Sub = argparse._SubParsersAction  # noqa: SLF001  argparse has no public name for it


def add_commands(sub: Sub[argparse.ArgumentParser], shared: argparse.ArgumentParser) -> None:
    dossier = sub.add_parser(
        "dossier",
        parents=[shared],
        help="lập hồ sơ EMR của trạm: tự đánh giá, quy chế, cấp độ, tình trạng hôm nay",
    )
    dossier.add_argument("--out", type=Path, default=None, help="thư mục nhận các tệp PDF")
    dossier.add_argument(
        "--part",
        action="append",
        default=[],
        choices=[part.value for part in Part],
        help="chỉ phần này; dùng được nhiều lần",
    )
    dossier.add_argument(
        "--judge",
        nargs=3,
        metavar=("MỤC", "KẾT_QUẢ", "NHẬN_XÉT"),
        default=None,
        help="giám đốc tự đánh giá một mục: met, partly, not_met, hoặc own để bỏ",
    )
    dossier.add_argument("--complete-hours", type=int, default=None, help="hạn hoàn thành hồ sơ")
    dossier.add_argument(
        "--decision",
        nargs=2,
        metavar=("SỐ", "NGÀY"),
        default=None,
        help="quyết định ban hành quy chế, ngày dạng yyyy-mm-dd",
    )
    dossier.add_argument(
        "--level-decision",
        nargs=2,
        metavar=("SỐ", "NGÀY"),
        default=None,
        help="quyết định phê duyệt cấp độ, ngày dạng yyyy-mm-dd",
    )
    dossier.add_argument("--officer", default=None, help="người phụ trách an toàn thông tin")
    dossier.set_defaults(command=make)


def make(options: argparse.Namespace) -> int:
    """Change what was given, then show the file, and write its papers where ``--out`` says."""
    with opened_station(options) as station:
        service, actor = station.services.dossier, station.actor
        changes = _changes(options)
        if changes:
            kept = service.settings(actor)
            service.save_settings(actor, type(kept)(**{**_fields(kept), **changes}))
        if options.judge is not None:
            key, standing, note = options.judge
            service.judge(actor, key, _standing(standing), note)
        dossier = service.show(actor)
        files = {}
        if options.out is not None:
            parts = tuple(Part(one) for one in options.part) or tuple(Part)
            made = service.papers(actor, parts)
            files = {part.value: str(_write(options.out, part, made[part])) for part in parts}
    say(options, as_json(dossier) | {"files": files}, _said(dossier, files))
    return 0


def _said(dossier: Dossier, files: dict[str, str]) -> str:
    return "\n".join([*summary(dossier), *(f"Đã ghi {path}." for path in files.values())])


def _fields(settings: Any) -> dict[str, Any]:
    return {name: getattr(settings, name) for name in type(settings).__dataclass_fields__}


def _changes(options: argparse.Namespace) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if options.complete_hours is not None:
        found["complete_hours"] = options.complete_hours
    if options.officer is not None:
        found["officer"] = options.officer.strip()
    if options.decision is not None:
        found["decision_no"], found["decision_on"] = options.decision[0], _day(options.decision[1])
    if options.level_decision is not None:
        found["level_decision_no"] = options.level_decision[0]
        found["level_decision_on"] = _day(options.level_decision[1])
    return found


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as wrong:
        raise UserError("Ngày phải có dạng yyyy-mm-dd, ví dụ 2026-12-01. Chưa đổi gì.") from wrong


def _standing(text: str) -> Standing:
    try:
        return Standing(text)
    except ValueError as wrong:
        raise UserError("Kết quả phải là met, partly, not_met hoặc own. Chưa đổi gì.") from wrong


def _write(folder: Path, part: Part, content: bytes) -> Path:
    path = folder / part.file_name
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    except OSError as failure:
        raise EnvironmentFailure(
            f"Không ghi được tệp {path}: {os_words(failure)}. Hãy chọn thư mục khác."
        ) from failure
    return path
