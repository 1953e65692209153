"""The station's keys from the command line: state, change, the code in the envelope, a new director."""

from __future__ import annotations

import argparse
import sys
from typing import Any, Final

from station_emr.domain.permissions import Role
from station_emr.domain.user import User
from station_emr.services.keys import KeyState
from station_emr.succession import appoint_director

from .commands import folder_of, opened_station, say

CODE_PROMPT: Final = "Mã khôi phục trên phiếu: "


def add_commands(
    sub: argparse._SubParsersAction[argparse.ArgumentParser],
    shared: argparse.ArgumentParser,
) -> None:
    keys = sub.add_parser("keys", help="khóa dữ liệu: xem, đổi, thử mã khôi phục, gắn với máy")
    inner = keys.add_subparsers(metavar="LỆNH", required=True)
    for name, command, told in (
        ("status", status, "khóa thứ mấy, mã khôi phục thử khi nào, có gắn với máy không"),
        ("rotate", rotate, "đổi khóa dữ liệu; mọi người giữ nguyên mật khẩu và vẫn làm việc"),
        ("check-code", check_code, "thử mã khôi phục trên phiếu, không thay đổi gì"),
        ("tie", tie, "gắn hồ sơ với máy này: mật khẩu chỉ mở được ở đây"),
        ("untie", untie, "bỏ gắn hồ sơ với máy"),
    ):
        one = inner.add_parser(name, parents=[shared], help=told)
        one.set_defaults(command=command)
    appoint = inner.add_parser(
        "appoint", parents=[shared], help="lập giám đốc mới bằng mã khôi phục trong két"
    )
    appoint.add_argument("--new-user", required=True, help="tên đăng nhập của giám đốc mới")
    appoint.add_argument("--full-name", required=True, help="họ tên giám đốc mới")
    appoint.add_argument("--licence", default="", help="số giấy phép hành nghề")
    appoint.add_argument("--replaces", default="", help="tên đăng nhập của giám đốc cũ, ngừng ngay")
    appoint.add_argument("--reason", required=True, help="lý do, ví dụ số quyết định bổ nhiệm")
    appoint.set_defaults(command=appoint_new)


def status(options: argparse.Namespace) -> int:
    with opened_station(options) as station:
        state = station.services.keys.state(station.actor)
    say(options, _content(state), _words(state))
    return 0


def rotate(options: argparse.Namespace) -> int:
    def tell(done: int, total: int) -> None:
        if not options.json and sys.stderr.isatty():
            print(f"\rĐã mã hóa lại {done * 100 // max(total, 1)} %", end="", file=sys.stderr)

    with opened_station(options) as station:
        station.services.keys.rotate(station.actor, tell)
        state = station.services.keys.state(station.actor)
    say(
        options,
        _content(state),
        f"Đã đổi khóa dữ liệu (khóa thứ {state.generation}). Mật khẩu và mã khôi phục giữ nguyên.\n"
        "Hãy sao lưu ngay: bản sao cũ chỉ mở được bằng tệp khóa nằm cùng bản sao đó.",
    )
    return 0


def check_code(options: argparse.Namespace) -> int:
    with opened_station(options) as station:
        at = station.services.keys.check_recovery_code(
            station.actor, options.ask_password(CODE_PROMPT)
        )
    say(
        options,
        {"tested_at": at.isoformat()},
        f"Mã đúng: mở được hồ sơ (thử lúc {at:%H:%M %d/%m/%Y}).",
    )
    return 0


def tie(options: argparse.Namespace) -> int:
    with opened_station(options) as station:
        station.services.keys.tie_to_machine(station.actor)
        state = station.services.keys.state(station.actor)
    say(
        options,
        _content(state),
        "Đã gắn: mật khẩu chỉ mở được hồ sơ trên máy này. Máy hỏng thì mở bằng mã khôi phục, hãy thử mã "
        "ngay bằng lệnh: station-emr keys check-code. Bản sao lưu cũ chưa gắn; hãy đổi khóa dữ liệu.",
    )
    return 0


def untie(options: argparse.Namespace) -> int:
    with opened_station(options) as station:
        station.services.keys.untie_from_machine(station.actor)
        state = station.services.keys.state(station.actor)
    say(options, _content(state), "Đã bỏ gắn: mật khẩu mở được hồ sơ trên mọi máy có thư mục này.")
    return 0


def appoint_new(options: argparse.Namespace) -> int:
    """Asks for the code first, then for the new director's password."""
    user = User(
        id="",
        username=options.new_user,
        full_name=options.full_name,
        role=Role.DIRECTOR,
        licence_no=options.licence,
    )
    code = options.ask_password(CODE_PROMPT)
    password = options.ask_password("Mật khẩu của giám đốc mới: ")
    appoint_director(
        folder_of(options),
        code,
        user,
        password,
        reason=options.reason,
        replaces=options.replaces,
    )
    say(
        options,
        {"director": user.username},
        f"Đã lập giám đốc mới “{user.username}”. Việc này nằm trong nhật ký. Hãy đăng nhập, cấp mã khôi "
        "phục mới và sao lưu lại.",
    )
    return 0


def _content(state: KeyState) -> dict[str, Any]:
    return {
        "generation": state.generation,
        "settled": state.settled,
        "rotated_at": state.rotated_at.isoformat() if state.rotated_at else "",
        "leavers": list(state.leavers),
        "code_tested_at": state.code_tested_at.isoformat() if state.code_tested_at else "",
        "tied": state.tied,
        "foreign": list(state.foreign),
    }


def _words(state: KeyState) -> str:
    tested = f"{state.code_tested_at:%d/%m/%Y}" if state.code_tested_at else "chưa lần nào"
    lines = [
        f"Khóa dữ liệu thứ {state.generation}"
        + (
            "."
            if state.settled
            else ", đang mã hóa lại dở; sẽ làm tiếp khi mở cửa sổ chương trình."
        ),
        f"Thử mã khôi phục: {tested}.",
        "Đã gắn với máy." if state.tied else "Chưa gắn với máy.",
    ]
    if state.leavers:
        lines.append(f"Đã nghỉ từ lần đổi khóa trước: {', '.join(state.leavers)}.")
    if state.foreign:
        lines.append(f"Chỉ mở được trên máy cũ, cần đặt lại mật khẩu: {', '.join(state.foreign)}.")
    return "\n".join(lines)
