"""The commands for a stick: what waits out, the answer in, the whole record to a new PC."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from station_emr.services.rebuild import RebuildProgress, RebuildReport

from .commands import opened_station, say

Sub = argparse._SubParsersAction  # noqa: SLF001  argparse has no public name for it
_UNFINISHED = 3


def add_commands(sub: Sub[argparse.ArgumentParser], shared: argparse.ArgumentParser) -> None:
    courier = sub.add_parser("courier", help="gửi bằng USB khi không có mạng")
    inner = courier.add_subparsers(metavar="LỆNH", required=True)
    out = inner.add_parser(
        "export", parents=[shared], help="ghi mọi mục đang chờ ra một tệp mã hóa cho tỉnh"
    )
    out.add_argument("--out", type=Path, required=True, help="tệp hoặc thư mục")
    out.set_defaults(command=export)
    back = inner.add_parser("import", parents=[shared], help="nhận tệp trả lời của tỉnh")
    back.add_argument("file", type=Path)
    back.set_defaults(command=import_reply)
    key = inner.add_parser("key", parents=[shared], help="khóa nhận tệp của máy này")
    key.set_defaults(command=own_key)
    trust = inner.add_parser("trust", parents=[shared], help="tin khóa của tỉnh trong tệp này")
    trust.add_argument("file", type=Path)
    trust.add_argument(
        "--fingerprint", default="", help="dấu vân tay tỉnh đọc qua điện thoại; bỏ trống để xem"
    )
    trust.set_defaults(command=trust_key)

    snapshot = sub.add_parser("snapshot", help="toàn bộ hồ sơ của trạm trong một tệp")
    of_all = snapshot.add_subparsers(metavar="LỆNH", required=True)
    whole = of_all.add_parser("export", parents=[shared], help="ghi tệp cho một máy khác của trạm")
    whole.add_argument("--for-key", required=True, help="khóa nhận tệp mà máy mới hiện ra")
    whole.add_argument("--out", type=Path, required=True, help="tệp hoặc thư mục")
    whole.set_defaults(command=export_snapshot)

    again = sub.add_parser("rebuild", parents=[shared], help="dựng lại hồ sơ của trạm ở máy mới")
    source = again.add_mutually_exclusive_group(required=True)
    source.add_argument("--from", dest="file", type=Path, default=None, help="tệp hồ sơ của trạm")
    source.add_argument("--from-province", action="store_true", help="lấy từ máy chủ của tỉnh")
    again.add_argument("--signer", default="", help="dấu vân tay của máy đã xuất tệp")
    again.set_defaults(command=rebuild)


def export(options: argparse.Namespace) -> int:
    with opened_station(options) as station:
        done = station.services.courier.export(station.actor, str(options.out))
    say(
        options,
        asdict(done),
        f"Đã ghi {done.operations} mục vào {done.path} ({done.size} byte).\n"
        "Chưa mục nào rời hàng chờ: hãy mang tệp lên tỉnh và nhập tệp trả lời khi về.",
    )
    return 0


def import_reply(options: argparse.Namespace) -> int:
    with opened_station(options) as station:
        done = station.services.courier.import_reply(station.actor, str(options.file))
    more = "\nTỉnh còn thay đổi chưa vừa tệp này." if done.more else ""
    checked = " Đã đối chiếu với tỉnh." if done.verified else ""
    say(
        options,
        asdict(done),
        f"Tỉnh đã nhận {done.confirmed} mục, không nhận {done.refused}; "
        f"{done.applied} mục mới về máy này, còn chờ {done.waiting}.{checked}{more}",
    )
    return 0


def own_key(options: argparse.Namespace) -> int:
    with opened_station(options) as station:
        key = station.services.courier.own_key(station.actor)
        province = station.services.courier.province_fingerprint()
    say(
        options,
        {**asdict(key), "province": province},
        f"Khóa nhận tệp của máy này: {key.encrypt}\n"
        f"Dấu vân tay chữ ký của máy này: {key.fingerprint}\n"
        f"Dấu vân tay khóa của tỉnh: {province or 'chưa có'}",
    )
    return 0


def trust_key(options: argparse.Namespace) -> int:
    with opened_station(options) as station:
        courier = station.services.courier
        shown = courier.read_province_key(str(options.file))
        given = options.fingerprint.replace(" ", "").lower()
        if not given:
            say(
                options,
                {"fingerprint": shown, "trusted": False},
                f"Dấu vân tay trong tệp: {shown}\nHãy gọi điện cho tỉnh để so, rồi chạy lại với "
                "--fingerprint. Chưa có gì thay đổi.",
            )
            return 0
        shown = courier.trust(station.actor, str(options.file), compared=given)
    say(options, {"fingerprint": shown, "trusted": True}, f"Từ nay tin khóa của tỉnh: {shown}")
    return 0


def export_snapshot(options: argparse.Namespace) -> int:
    with opened_station(options) as station:
        courier = station.services.courier
        done = courier.export_snapshot(station.actor, str(options.out), options.for_key)
        key = courier.own_key(station.actor)
    say(
        options,
        {**asdict(done), "fingerprint": key.fingerprint},
        f"Đã ghi {done.operations} mục vào {done.path} ({done.size} byte).\n"
        f"Ở máy mới, hãy so dấu vân tay này trước khi nhập: {key.fingerprint}",
    )
    return 0


def rebuild(options: argparse.Namespace) -> int:
    with opened_station(options) as station:
        work = station.services.rebuild
        shown = _shown(options)
        if options.file is None:
            report = work.from_province(station.actor, shown)
        else:
            report = work.from_file(station.actor, str(options.file), options.signer, shown)
    say(options, asdict(report), _words(report))
    return 0 if report.finished else _UNFINISHED


def _shown(options: argparse.Namespace) -> Callable[[RebuildProgress], None]:
    """Progress for whoever looks; a result in JSON stays alone."""

    def show(progress: RebuildProgress) -> None:
        if not options.json:
            total = f"/{progress.total}" if progress.total else ""
            print(f"\r{progress.done}{total} mục", end="", file=sys.stderr, flush=True)

    return show


def _words(report: RebuildReport) -> str:
    if not report.finished:
        return f"\nMới dựng lại được {report.operations} mục. {report.detail}".rstrip()
    checked = (
        "đã đối chiếu, khớp" if report.verified else "chưa đối chiếu, sẽ đối chiếu khi có mạng"
    )
    return f"\nĐã dựng lại {report.operations} mục: {checked}."
