"""People from the command line: who has an account, a new one, closing one, a lost telephone."""

from __future__ import annotations

import argparse
import getpass
import os
import sys
from contextlib import suppress
from datetime import date, datetime, time, timedelta
from typing import Any, Final

from station_emr.domain.access import Grant
from station_emr.domain.errors import UserError
from station_emr.domain.permissions import Action, Role
from station_emr.domain.user import User
from station_emr.services.access import AccountRow

from .commands import opened_station, say

FIRST_VARIABLE: Final = "STATION_EMR_FIRST_PASSWORD"


def add_commands(
    sub: argparse._SubParsersAction[argparse.ArgumentParser],
    shared: argparse.ArgumentParser,
) -> None:
    user = sub.add_parser(
        "user", help="người dùng: danh sách, thêm, ngừng, quyền có thời hạn, gỡ điện thoại"
    )
    inner = user.add_subparsers(metavar="LỆNH", required=True)

    listed = inner.add_parser("list", parents=[shared], help="ai có tài khoản và tình trạng")
    listed.set_defaults(command=list_people)

    add = inner.add_parser(
        "add", parents=[shared], help=f"thêm người; mật khẩu đầu tiên lấy từ {FIRST_VARIABLE}"
    )
    add.add_argument("username", help="tên đăng nhập")
    add.add_argument("--full-name", required=True, help="họ và tên")
    add.add_argument("--role", required=True, choices=[role.value for role in Role])
    add.add_argument("--title", default="", help="xưng danh, ví dụ ĐD.")
    add.add_argument("--licence", default="", help="số giấy phép hành nghề")
    add.add_argument("--until", default="", help="ngày hết hạn, yyyy-mm-dd")
    add.set_defaults(command=add_person)

    give = inner.add_parser(
        "give", parents=[shared], help="cấp quyền có thời hạn, từ bây giờ đến hết một ngày"
    )
    give.add_argument("username", help="tên đăng nhập")
    give.add_argument("rights", nargs="+", choices=[one.value for one in Action], metavar="QUYỀN")
    give.add_argument("--until", required=True, help="đến hết ngày, yyyy-mm-dd")
    give.add_argument("--reason", required=True, help="lý do, được ghi vào nhật ký")
    give.set_defaults(command=give_rights)

    grants = inner.add_parser("grants", parents=[shared], help="ai đang có quyền có thời hạn")
    grants.set_defaults(command=list_grants)

    back = inner.add_parser("take-back", parents=[shared], help="thu lại quyền có thời hạn")
    back.add_argument("grant", help="mã của quyền, theo lệnh user grants")
    back.set_defaults(command=take_back)

    for name, command, words in (
        ("disable", disable, "tạm ngừng một tài khoản"),
        ("enable", enable, "mở lại một tài khoản"),
        ("leave", leave, "người đã nghỉ việc: bỏ tài khoản và khóa của người đó"),
        ("reset-totp", reset_totp, "gỡ điện thoại xác thực bị mất"),
    ):
        parser = inner.add_parser(name, parents=[shared], help=words)
        parser.add_argument("username", help="tên đăng nhập")
        parser.set_defaults(command=command)


def list_people(options: argparse.Namespace) -> int:
    with opened_station(options) as station:
        rows = station.services.people.access.rows(station.actor)
    say(
        options,
        {"people": [_row(row) for row in rows]},
        "\n".join(_line(row) for row in rows),
    )
    return 0


def add_person(options: argparse.Namespace) -> int:
    """The first password opens once; the person chooses another at the first log-in."""
    first = os.environ.get(FIRST_VARIABLE, "")
    if not first and sys.stdin.isatty():
        first = getpass.getpass("Mật khẩu đầu tiên: ")
    until = _day(options.until)
    with opened_station(options) as station:
        user = User(
            id="",
            username=options.username,
            full_name=options.full_name,
            role=Role(options.role),
            title=options.title,
            licence_no=options.licence,
        )
        station.services.accounts.add_user(station.actor, user, first)
        if until is not None:
            access = station.services.people.access
            access.limit(station.actor, options.username.strip().lower(), None, until)
    say(
        options,
        {"added": options.username},
        f"Đã thêm “{options.username}”. Lần đăng nhập đầu phải tự đổi mật khẩu.",
    )
    return 0


def disable(options: argparse.Namespace) -> int:
    with opened_station(options) as station:
        station.services.people.access.suspend(station.actor, options.username)
    say(options, {"disabled": options.username}, f"Đã tạm ngừng “{options.username}”.")
    return 0


def enable(options: argparse.Namespace) -> int:
    with opened_station(options) as station:
        station.services.people.access.reopen(station.actor, options.username)
    say(options, {"enabled": options.username}, f"Đã mở lại “{options.username}”.")
    return 0


def leave(options: argparse.Namespace) -> int:
    with opened_station(options) as station:
        station.services.people.access.leave(station.actor, options.username)
    say(
        options,
        {"left": options.username},
        f"Đã ghi nhận “{options.username}” nghỉ việc. Nên đổi khóa dữ liệu của trạm.",
    )
    return 0


def reset_totp(options: argparse.Namespace) -> int:
    with opened_station(options) as station:
        station.services.people.second_factor.reset(station.actor, options.username)
    say(
        options,
        {"reset": options.username},
        f"Đã gỡ điện thoại xác thực của “{options.username}”.",
    )
    return 0


def give_rights(options: argparse.Namespace) -> int:
    day = _day(options.until)
    if day is None:
        raise UserError("Chưa có ngày hết quyền (--until). Chưa có gì thay đổi.")
    with opened_station(options) as station:
        now = station.services.clock.now()
        grant = station.services.people.access.give(
            station.actor,
            options.username,
            [Action(one) for one in options.rights],
            since=now,
            until=datetime.combine(day + timedelta(days=1), time(), now.tzinfo),
            reason=options.reason,
        )
    say(
        options,
        {"grant": _grant(grant)},
        f"Đã cấp quyền có thời hạn cho “{options.username}”, mã {grant.id}.",
    )
    return 0


def list_grants(options: argparse.Namespace) -> int:
    with opened_station(options) as station:
        rows = station.services.people.access.rows(station.actor)
    found = [(row, grant) for row in rows for grant in row.grants]
    lines = (
        f"{grant.id} · {row.user.username} · đến {grant.until:%H:%M %d/%m/%Y} · "
        + ", ".join(sorted(one.label for one in grant.actions))
        for row, grant in found
    )
    say(
        options,
        {"grants": [{"username": row.user.username, **_grant(grant)} for row, grant in found]},
        "\n".join(lines) or "Không ai đang có quyền có thời hạn.",
    )
    return 0


def take_back(options: argparse.Namespace) -> int:
    with opened_station(options) as station:
        station.services.people.access.end(station.actor, options.grant)
    say(options, {"taken_back": options.grant}, "Đã thu lại quyền có thời hạn này.")
    return 0


def _grant(grant: Grant) -> dict[str, Any]:
    return {
        "id": grant.id,
        "rights": sorted(one.value for one in grant.actions),
        "since": grant.since.isoformat(),
        "until": grant.until.isoformat(),
        "reason": grant.reason,
    }


def _day(text: str) -> date | None:
    if not text:
        return None
    with suppress(ValueError):
        return date.fromisoformat(text)
    raise UserError(f"“{text}” không phải ngày dạng yyyy-mm-dd. Chưa có gì thay đổi.")


def _row(row: AccountRow) -> dict[str, Any]:
    return {
        "username": row.user.username,
        "name": row.user.snapshot.printed_name,
        "role": row.user.role.value,
        "active": row.user.active,
        "refusal": row.refusal,
        "second_factor": row.second_factor,
        "idle_days": row.idle_days,
        "valid_until": row.valid_until.isoformat() if row.valid_until else None,
    }


def _line(row: AccountRow) -> str:
    state = "đã nghỉ" if not row.user.active else row.refusal or "đang dùng"
    factor = " · hai lớp" if row.second_factor else ""
    return f"{row.user.username:<16} {row.user.snapshot.printed_name} · {row.user.role.label}{factor} · {state}"
