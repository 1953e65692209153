"""Arguments, password prompt and the translation of failures into exit codes."""

from __future__ import annotations

import argparse
import getpass
import json
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import platformdirs

from station_emr import __version__
from station_emr.domain.errors import EnvironmentFailure, InvalidRecord, StationError
from station_emr.domain.os_words import os_words

from . import (
    audit,
    backup,
    bill,
    claim_check,
    commands,
    courier,
    dossier,
    enrolment,
    export,
    forms,
    gateways,
    keys,
    people,
    privacy,
    registers,
    retention,
    signing,
    versions,
)

PASSWORD_VARIABLE = "STATION_EMR_PASSWORD"  # noqa: S105  the name of a variable
EXIT_USER, EXIT_ENVIRONMENT = 2, 3


def wants_window(arguments: Sequence[str]) -> bool:
    """Whether these arguments open the window: none at all, only options, or a demo to look at."""
    if not arguments or arguments[0] in {"--data-dir", "--screenshots"}:
        return True
    return arguments[0] == "demo" and not {"--script", "--json", "-h", "--help"} & set(arguments)


def default_folder() -> Path:
    """Where a station's data lies when nothing else is said."""
    return Path(platformdirs.user_data_dir("StationEMR", appauthor=False))


def run(arguments: Sequence[str]) -> int:
    """Run one command. 0 done, 2 the input was refused, 3 machine or file at fault."""
    options = build_parser().parse_args(arguments)
    try:
        status = int(options.command(options))
        sys.stdout.flush()
    except BrokenPipeError:  # the reader, such as `head`, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except InvalidRecord as refused:
        fields = getattr(options, "json", False)  # names of the program, for programs
        said = [f"{p.field}: {p.message}" if fields else p.message for p in refused.problems]
        _complain(options, "refused", said)
        return EXIT_USER
    except EnvironmentFailure as failure:
        _complain(options, "environment", [str(failure)])
        return EXIT_ENVIRONMENT
    except StationError as failure:
        _complain(options, "refused", [str(failure)])
        return EXIT_USER
    except OSError as failure:
        if failure.filename is None:  # no file of the person who asked: a fault of the program
            raise
        words = f"Không đọc hoặc ghi được {failure.filename}: {os_words(failure)}."
        _complain(options, "environment", [f"{words} Hãy chọn nơi khác rồi chạy lại."])
        return EXIT_ENVIRONMENT
    return status


def _complain(options: argparse.Namespace, kind: str, sentences: list[str]) -> None:
    if getattr(options, "json", False):
        print(json.dumps({"error": kind, "messages": sentences}, ensure_ascii=False))
    for sentence in sentences:
        print(sentence, file=sys.stderr)


def ask_password(prompt: str) -> str:
    """From the environment, otherwise typed at the terminal; never an argument."""
    found = os.environ.get(PASSWORD_VARIABLE)
    if found is not None:
        return found
    if not sys.stdin.isatty():
        raise EnvironmentFailure(
            f"Không có bàn phím để nhập mật khẩu. Hãy đặt biến {PASSWORD_VARIABLE} rồi chạy lại."
        )
    return getpass.getpass(prompt)


def build_parser() -> argparse.ArgumentParser:
    """Every command of the program."""
    parser = argparse.ArgumentParser(
        prog="station-emr", description="Bệnh án điện tử trạm y tế xã, chạy không cần mạng."
    )
    parser.add_argument("--version", action="version", version=__version__)
    sub = parser.add_subparsers(metavar="LỆNH", required=True)
    shared = _shared_options()
    adders: tuple[
        Callable[
            [argparse._SubParsersAction[argparse.ArgumentParser], argparse.ArgumentParser], None
        ],
        ...,
    ] = (
        _add_station_commands,
        courier.add_commands,
        signing.add_commands,
        audit.add_commands,
        people.add_commands,
        privacy.add_commands,
        forms.add_commands,
        bill.add_commands,
        registers.add_commands,
        backup.add_commands,
        dossier.add_commands,
        export.add_commands,
        claim_check.add_commands,
        gateways.add_commands,
        keys.add_commands,
        retention.add_commands,
        versions.add_commands,
        _add_record_commands,
        _add_catalog_commands,
        _add_checks,
    )
    for add in adders:
        add(sub, shared)
    return parser


def _shared_options() -> argparse.ArgumentParser:
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("--data-dir", type=Path, default=None, help="thư mục dữ liệu của trạm")
    shared.add_argument("--user", default="", help="tên đăng nhập")
    shared.add_argument("--json", action="store_true", help="in kết quả dạng JSON")
    shared.set_defaults(default_folder=default_folder, ask_password=ask_password)
    return shared


Sub = argparse._SubParsersAction  # noqa: SLF001  argparse has no public name for it


def _add_station_commands(
    sub: Sub[argparse.ArgumentParser], shared: argparse.ArgumentParser
) -> None:
    init = sub.add_parser("init", parents=[shared], help="thiết lập một trạm mới")
    init.add_argument("--name", required=True, help="tên trạm y tế")
    init.add_argument("--code", required=True, help="mã cơ sở khám bệnh, chữa bệnh (5 ký tự)")
    init.add_argument("--authority", required=True, help="cơ quan chủ quản, ví dụ: UBND xã …")
    init.add_argument("--province", default="", help="tên tỉnh")
    init.add_argument("--series", default="A", help="ký hiệu máy, 1 đến 3 chữ hoặc số")
    init.add_argument("--device", default="Máy 1", help="tên máy tính này, ví dụ: Máy 2")
    init.add_argument("--full-name", required=True, help="họ tên giám đốc")
    init.add_argument("--licence", default="", help="số giấy phép hành nghề của giám đốc")
    init.set_defaults(command=commands.init)

    demo = sub.add_parser("demo", parents=[shared], help="trạm dùng thử với dữ liệu giả")
    demo.add_argument("--script", action="store_true", help="chạy một ngày làm việc mẫu")
    demo.set_defaults(command=commands.demo)

    clock = sub.add_parser(
        "accept-clock", parents=[shared], help="xác nhận giờ của máy sau khi đã ký với giờ sai"
    )
    clock.set_defaults(command=commands.accept_clock)

    enrol = sub.add_parser(
        "enrol", parents=[shared], help="ghi danh máy này với máy chủ tỉnh bằng mã dùng một lần"
    )
    enrol.add_argument("--server", required=True, help="địa chỉ máy chủ tỉnh (https://…)")
    enrol.add_argument("--code", required=True, help="mã ghi danh do tỉnh cấp")
    enrol.add_argument(
        "--ca-file", type=Path, default=None, help="tệp chứng chỉ riêng của tỉnh (PEM), nếu có"
    )
    enrol.set_defaults(command=enrolment.enrol)

    key = sub.add_parser(
        "enrol-key", parents=[shared], help="đổi mã truy cập của bản đầu tiên thành khóa của máy"
    )
    key.set_defaults(command=enrolment.enrol_key)

    sync = sub.add_parser("sync", parents=[shared], help="gửi những gì đang chờ lên máy chủ tỉnh")
    sync.set_defaults(command=commands.sync)


def _add_record_commands(
    sub: Sub[argparse.ArgumentParser], shared: argparse.ArgumentParser
) -> None:
    search = sub.add_parser("search", parents=[shared], help="tìm người bệnh")
    search.add_argument("text")
    search.add_argument("--limit", type=int, default=20)
    search.set_defaults(command=commands.search)

    printing = sub.add_parser("print", parents=[shared], help="in giấy đã ký ra tệp PDF")
    printing.add_argument(
        "kind", choices=["referral", "prescription", "appointment", "certificate", "notification"]
    )
    printing.add_argument("id")
    printing.add_argument("--out", type=Path, required=True, help="tệp PDF")
    printing.set_defaults(command=commands.print_paper)


def _add_catalog_commands(
    sub: Sub[argparse.ArgumentParser], shared: argparse.ArgumentParser
) -> None:
    catalog = sub.add_parser("catalog", help="danh mục dùng chung")
    inner = catalog.add_subparsers(metavar="LỆNH", required=True)
    search = inner.add_parser("search", parents=[shared], help="tìm trong danh mục")
    search.add_argument("kind", choices=["icd10", "drug"])
    search.add_argument("text")
    search.add_argument("--limit", type=int, default=12)
    search.set_defaults(command=commands.catalog_search)

    importing = inner.add_parser("import", parents=[shared], help="nhập danh mục chính thức")
    importing.add_argument("kind")
    importing.add_argument("file", type=Path)
    importing.add_argument(
        "--from", dest="effective_from", default="", help="ngày hiệu lực, yyyy-mm-dd"
    )
    importing.add_argument("--dry-run", action="store_true", help="chỉ xem trước, không ghi")
    importing.set_defaults(command=commands.catalog_import)


def _add_checks(sub: Sub[argparse.ArgumentParser], shared: argparse.ArgumentParser) -> None:
    selftest = sub.add_parser("selftest", parents=[shared], help="tự kiểm tra chương trình")
    selftest.set_defaults(command=commands.selftest)

    verify = sub.add_parser(
        "verify-letter", parents=[shared], help="kiểm tra mã QR của phiếu chuyển, không cần mạng"
    )
    verify.add_argument("text", help="nội dung mã QR, tệp ảnh PNG hoặc tệp văn bản")
    verify.add_argument("--trusted", type=Path, default=None, help="tệp danh sách trạm tin cậy")
    verify.set_defaults(command=commands.verify_letter)

    key = sub.add_parser(
        "letter-key",
        parents=[shared],
        help="xuất khóa công khai của trạm để nơi khác kiểm tra phiếu",
    )
    key.add_argument("--out", type=Path, required=True, help="tệp danh sách trạm tin cậy (JSON)")
    key.set_defaults(command=commands.letter_key)
