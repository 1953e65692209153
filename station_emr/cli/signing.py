"""Digital signatures from the command line: what waits, a batch with one PIN, checking a file."""

from __future__ import annotations

import argparse
import getpass
import os
import sys
from pathlib import Path
from typing import Any, Final

from station_emr.domain.errors import EnvironmentFailure, UserError
from station_emr.domain.os_words import os_words
from station_emr.domain.signature import SignatureState, SignRequest
from station_emr.security.signing.tools import LocalSigningTools
from station_emr.services.secret import Secret

from .commands import opened_station, say

PIN_VARIABLE: Final = "STATION_EMR_PIN"
_LARGEST: Final = 64 * 1024 * 1024
EXIT_NOT_ALL: Final = 1
_KINDS: Final = {
    "encounter": "Lượt khám",
    "prescription": "Đơn thuốc",
    "referral": "Phiếu chuyển",
    "appointment": "Phiếu hẹn khám lại",
    "certificate": "Giấy nghỉ việc hưởng BHXH",
    "bill": "Bảng kê chi phí",
}


def add_commands(
    sub: argparse._SubParsersAction[argparse.ArgumentParser],
    shared: argparse.ArgumentParser,
) -> None:
    sign = sub.add_parser("sign", help="ký số: danh sách chờ, ký một lượt, kiểm tra tệp")
    inner = sign.add_subparsers(metavar="LỆNH", required=True)

    listed = inner.add_parser("list", parents=[shared], help="giấy đang chờ ký số")
    listed.set_defaults(command=list_waiting)

    batch = inner.add_parser("batch", parents=[shared], help="ký số mọi giấy đang chờ, một mã PIN")
    batch.set_defaults(command=sign_batch)

    check = inner.add_parser(
        "check", parents=[shared], help="kiểm tra chữ ký số của tệp PDF hoặc XML, không cần mạng"
    )
    check.add_argument("file", type=Path)
    check.add_argument(
        "--trusted", type=Path, default=None, help="tệp chứng thư gốc của nơi cấp (PEM hoặc CER)"
    )
    check.set_defaults(command=check_file)


def list_waiting(options: argparse.Namespace) -> int:
    with opened_station(options) as station:
        found = station.services.signing.waiting(station.actor)
        say(
            options,
            {"waiting": [_row(one) for one in found]},
            "\n".join(_line(one) for one in found) or "Không có giấy nào đang chờ ký số.",
        )
    return 0


def sign_batch(options: argparse.Namespace) -> int:
    """Everything that waits. 0 all signed, 1 some were not."""
    with opened_station(options) as station:
        signing = station.services.signing
        if not signing.waiting(station.actor):
            say(options, {"signed": [], "failed": []}, "Không có giấy nào đang chờ ký số.")
            return 0
        secret = Secret(ask_pin())
        report = signing.batch(station.actor, secret)
    lines = [f"Đã ký số {len(report.signed)} giấy. {report.standing.label}."]
    lines += [f"Chưa ký: {_line(one.request)}\n    {one.reason}" for one in report.failed]
    if report.left:
        lines.append(f"Còn {report.left} giấy vẫn nằm trong danh sách chờ.")
    content = {
        "signed": [_row(one) for one in report.signed],
        "failed": [{**_row(one.request), "reason": one.reason} for one in report.failed],
        "left": report.left,
        "certificate": report.standing.value,
    }
    say(options, content, "\n".join(lines))
    return EXIT_NOT_ALL if report.failed or report.left else 0


def check_file(options: argparse.Namespace) -> int:
    """No station has to be opened. 0 valid and trusted, 1 unchanged but unknown issuer, 2 refused."""
    tools = LocalSigningTools()
    roots = tools.authorities(str(options.trusted)) if options.trusted else ""
    try:
        data = options.file.read_bytes()
    except OSError as failure:
        raise UserError(f"Không đọc được tệp {options.file}: {os_words(failure)}.") from failure
    if len(data) > _LARGEST:
        raise UserError(f"Tệp {options.file} quá lớn nên không kiểm tra được.")
    verdict = tools.check_file(data, roots)
    lines = [verdict.reason]
    if verdict.signer:
        lines.append(f"Người ký: {verdict.signer}. Nơi cấp chứng thư: {verdict.issuer}.")
    if verdict.signed_at is not None:
        lines.append(f"Thời điểm ký theo máy đã ký: {verdict.signed_at:%H:%M:%S %d/%m/%Y %z}.")
    content = {
        "state": verdict.state.value,
        "message": verdict.reason,
        "signer": verdict.signer,
        "issuer": verdict.issuer,
        "signed_at": verdict.signed_at.isoformat() if verdict.signed_at else None,
        "trusted": verdict.trusted,
    }
    say(options, content, "\n".join(lines))
    if verdict.state is SignatureState.VALID:
        return 0
    return 1 if verdict.state is SignatureState.UNCHECKED else 2


def ask_pin() -> str:
    """From the environment, otherwise typed at the terminal; never an argument."""
    found = os.environ.get(PIN_VARIABLE)
    if found is not None:
        return found
    if not sys.stdin.isatty():
        raise EnvironmentFailure(
            f"Không có bàn phím để nhập mã PIN. Hãy đặt biến {PIN_VARIABLE} rồi chạy lại."
        )
    return getpass.getpass("Mã PIN của token (hoặc mật khẩu của tệp chứng thư): ")


def _row(one: SignRequest) -> dict[str, Any]:
    return {
        "kind": one.kind.value,
        "id": one.record_id,
        "version": one.version,
        "number": one.number,
        "confirmed_by": one.user_name,
        "confirmed_at": one.created_at.isoformat(),
        "attempts": one.attempts,
        "last_failure": one.reason,
    }


def _line(one: SignRequest) -> str:
    return (
        f"{_KINDS[one.kind.value]} {one.number} · {one.patient_name or 'không rõ tên'} · "
        f"{one.user_name} · {one.created_at:%H:%M %d/%m/%Y}"
    )
