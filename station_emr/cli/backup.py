"""Copies from the command line: make, list, rehearse, put back."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any, Final

from station_emr.domain.errors import UserError
from station_emr.restoring import proposed
from station_emr.services.backup_ports import BackupPlace, FoundCopy
from station_emr.services.backup_words import brief, sentence
from station_emr.services.clock import SystemClock
from station_emr.services.restore_preview import RestorePreview
from station_emr.services.restore_words import lines_of

from .commands import opened_station, say

EXIT_FAILED: Final = 1

Sub = argparse._SubParsersAction  # noqa: SLF001  argparse has no public name for it


def add_commands(sub: Sub[argparse.ArgumentParser], shared: argparse.ArgumentParser) -> None:
    backup = sub.add_parser("backup", help="sao lưu và diễn tập khôi phục")
    inner = backup.add_subparsers(metavar="LỆNH", required=True)

    now = inner.add_parser("now", parents=[shared], help="sao lưu ngay")
    now.add_argument("--to", type=Path, default=None, help="thư mục; bỏ trống: mọi nơi đã chọn")
    now.set_defaults(command=make)

    due = inner.add_parser("run", parents=[shared], help="sao lưu nếu hôm nay chưa có bản sao")
    due.set_defaults(command=run_due)

    add = inner.add_parser("add", parents=[shared], help="thêm một nơi sao lưu hằng ngày")
    add.add_argument("folder", type=Path)
    add.set_defaults(command=add_place)

    remove = inner.add_parser("remove", parents=[shared], help="bỏ một nơi sao lưu")
    remove.add_argument("folder", type=Path)
    remove.set_defaults(command=remove_place)

    keep = inner.add_parser("keep", parents=[shared], help="giữ bản sao bao lâu")
    keep.add_argument("--days", type=int, required=True, help="mọi bản của bấy nhiêu ngày")
    keep.add_argument("--weeks", type=int, required=True, help="mỗi tuần một bản")
    keep.add_argument("--months", type=int, required=True, help="mỗi tháng một bản")
    keep.set_defaults(command=set_plan)

    state = inner.add_parser("status", parents=[shared], help="tình trạng: 0 tốt, 1 cần xem")
    state.set_defaults(command=status)

    listing = inner.add_parser("list", parents=[shared], help="các bản sao tìm thấy")
    listing.set_defaults(command=list_copies)

    drill = inner.add_parser(
        "drill", parents=[shared], help="diễn tập: mở thử bản sao gần nhất, 0 đạt, 1 không đạt"
    )
    drill.set_defaults(command=rehearse)

    back = sub.add_parser(
        "restore", parents=[shared], help="khôi phục từ bản sao; không có --yes thì chỉ xem trước"
    )
    back.add_argument("copy", type=Path, help="thư mục của bản sao, tên bắt đầu bằng tram-")
    back.add_argument("--recovery", action="store_true", help="mở bằng mã khôi phục")
    back.add_argument("--yes", action="store_true", help="khôi phục thật")
    back.set_defaults(command=restore)


def make(options: argparse.Namespace) -> int:
    with opened_station(options) as station:
        backups = station.services.backups
        if options.to is None:
            return _told(options, backups.make_everywhere(station.actor))
        made = backups.make(station.actor, str(options.to.absolute()))
    say(
        options,
        {"place": made.place, "size": made.size, "counts": made.facts and made.facts.counts},
        f"Đã sao lưu và mở thử được: {made.place}",
    )
    return 0


def run_due(options: argparse.Namespace) -> int:
    with opened_station(options) as station:
        served = station.services.backups.run_due()
    return _told(options, served)


def _told(options: argparse.Namespace, places: tuple[BackupPlace, ...]) -> int:
    lines = [
        f"{one.path}: {sentence(one.trouble) if one.trouble else 'đã sao lưu'}" for one in places
    ]
    say(
        options,
        {"places": [_place(one) for one in places]},
        "\n".join(lines) or "Hôm nay không còn nơi nào cần sao lưu.",
    )
    good = any(one.trouble in (None, "same_disk") for one in places)
    return 0 if good or not places else EXIT_FAILED


def add_place(options: argparse.Namespace) -> int:
    with opened_station(options) as station:
        place = station.services.backups.add_place(station.actor, str(options.folder.absolute()))
    text = f"Từ nay mỗi ngày sao lưu vào {place.path}."
    if place.trouble:
        text += f"\n{sentence(place.trouble)}"
    say(options, _place(place), text)
    return 0


def remove_place(options: argparse.Namespace) -> int:
    with opened_station(options) as station:
        station.services.backups.remove_place(station.actor, str(options.folder.absolute()))
    say(options, {}, "Đã bỏ nơi này. Các bản sao ở đó vẫn còn.")
    return 0


def set_plan(options: argparse.Namespace) -> int:
    with opened_station(options) as station:
        station.services.backups.set_plan(
            station.actor, options.days, options.weeks, options.months
        )
    say(options, {}, "Đã đổi thời gian giữ bản sao.")
    return 0


def status(options: argparse.Namespace) -> int:
    with opened_station(options) as station:
        state = station.services.backups.state()
    drill = state.drill
    result: dict[str, Any] = {
        "last_at": state.last.at.isoformat() if state.last else None,
        "last_place": state.last.place if state.last else None,
        "places": [_place(one) for one in state.places],
        "drill_at": drill.at.isoformat() if drill else None,
        "drill_passed": drill.passed if drill else None,
        "troubles": [one.value for one in state.troubles],
    }
    lines = []
    if state.last:
        lines.append(f"Sao lưu gần nhất: {state.last.at:%H:%M %d/%m/%Y}, {state.last.place}")
    if drill:
        verdict = "đạt" if drill.passed else "không đạt"
        lines.append(f"Diễn tập gần nhất: {drill.at:%d/%m/%Y}, {verdict}")
    lines += [sentence(one) for one in state.troubles]
    say(options, result, "\n".join(lines))
    return EXIT_FAILED if state.troubles else 0


def list_copies(options: argparse.Namespace) -> int:
    with opened_station(options) as station:
        copies = station.services.backups.copies(station.actor)
    say(
        options,
        {"copies": [_copy(one) for one in copies]},
        "\n".join(f"{one.at:%d/%m/%Y %H:%M}  {one.place}" for one in copies)
        or "Không thấy bản sao nào ở các nơi đã chọn.",
    )
    return 0


def rehearse(options: argparse.Namespace) -> int:
    with opened_station(options) as station:
        drill = station.services.backups.drill(station.actor)
    counts = ", ".join(f"{value} {key}" for key, value in drill.counts.items())
    say(
        options,
        {
            "passed": drill.passed,
            "place": drill.place,
            "seconds": round(drill.seconds, 1),
            "counts": dict(drill.counts),
            "reason": drill.reason,
        },
        f"Diễn tập đạt trong {drill.seconds:.1f} giây: {drill.place} ({counts})"
        if drill.passed
        else f"Diễn tập không đạt. {drill.reason}",
    )
    return 0 if drill.passed else EXIT_FAILED


def restore(options: argparse.Namespace) -> int:
    if not options.recovery and not options.user:
        raise UserError("Hãy thêm --user TÊN_ĐĂNG_NHẬP, hoặc --recovery để dùng mã khôi phục.")
    folder = options.data_dir or options.default_folder()
    prompt = "Mã khôi phục: " if options.recovery else f"Mật khẩu của {options.user}: "
    secret = options.ask_password(prompt)
    with proposed(
        folder,
        options.copy.absolute(),
        SystemClock(),
        username=options.user,
        password="" if options.recovery else secret,
        code=secret if options.recovery else "",
    ) as proposal:
        shown = _preview(proposal.preview)
        lines = "\n".join(lines_of(proposal.preview, proposal.copy.at))
        if not options.yes:
            say(
                options,
                {"restored": False, "preview": shown},
                f"{lines}\nChưa đổi gì. Thêm --yes để khôi phục.",
            )
            return 0
        done = proposal.accept()
    kept = f" Dữ liệu trước đó giữ trong {folder / done.kept}." if done.kept else ""
    say(
        options,
        {"restored": True, "kept": done.kept, "preview": shown},
        f"{lines}\nĐã khôi phục {done.station} từ bản sao {done.at:%d/%m/%Y %H:%M}.{kept}\n"
        "Hãy đăng nhập lại; giám đốc ghi lý do ở mục Nhật ký.",
    )
    return 0


def _preview(found: RestorePreview) -> dict[str, Any]:
    return {
        "compared": found.compared,
        "lost": found.lost,
        "regained": found.regained,
        "waiting_here": found.waiting_here,
        "drafts_here": found.drafts_here,
        "last_signed_here": found.last_signed_here,
        "last_signed_there": found.last_signed_there,
        "names": list(found.names),
        "kinds": {
            one.kind.value: {
                "same": one.same,
                "only_here": one.only_here,
                "only_there": one.only_there,
                "newer_here": one.newer_here,
                "newer_there": one.newer_there,
            }
            for one in found.differences
        },
    }


def _place(place: BackupPlace) -> dict[str, Any]:
    return {
        "path": place.path,
        "last_at": place.last_at.isoformat() if place.last_at else None,
        "trouble": place.trouble.value if place.trouble else None,
        "told": brief(place.trouble) if place.trouble else "",
    }


def _copy(copy: FoundCopy) -> dict[str, Any]:
    return {
        "place": copy.place,
        "at": copy.at.isoformat(),
        "size": copy.size,
        "counts": dict(copy.recorded.counts) if copy.recorded else {},
    }
