"""Bills of visits from the command line: lists, one bill in words, its paper, the base salary."""

from __future__ import annotations

import argparse
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from station_emr.domain.billing import Bill
from station_emr.domain.errors import EnvironmentFailure, UserError
from station_emr.domain.money import money_text, parse_money
from station_emr.domain.os_words import os_words
from station_emr.domain.record import RecordKind, RecordStatus

from .commands import opened_station, say

Sub = argparse._SubParsersAction  # noqa: SLF001  argparse has no public name for it


def add_commands(sub: Sub[argparse.ArgumentParser], shared: argparse.ArgumentParser) -> None:
    bill = sub.add_parser("bill", help="viện phí: bảng kê chi phí của lượt khám")
    inner = bill.add_subparsers(metavar="LỆNH", required=True)
    listing = inner.add_parser("list", parents=[shared], help="lượt khám và bảng kê của các ngày")
    listing.add_argument("--from", dest="since", type=date.fromisoformat, default=None)
    listing.add_argument("--to", dest="until", type=date.fromisoformat, default=None)
    listing.set_defaults(command=list_bills)

    show = inner.add_parser("show", parents=[shared], help="một bảng kê và điều cần xem")
    show.add_argument("number", help="số bảng kê, hoặc mã lượt khám")
    show.set_defaults(command=show_bill)

    printing = inner.add_parser("print", parents=[shared], help="in bảng kê 01/KBCB đã chốt")
    printing.add_argument("number", help="số bảng kê, hoặc mã lượt khám")
    printing.add_argument("--out", type=Path, required=True, help="tệp PDF hoặc thư mục")
    printing.set_defaults(command=print_bill)

    salary = inner.add_parser("base-salary", parents=[shared], help="xem hoặc ghi lương cơ sở")
    salary.add_argument("--from", dest="since", type=date.fromisoformat, default=None)
    salary.add_argument("--amount", default="", help="đồng mỗi tháng, ví dụ 2.340.000")
    salary.set_defaults(command=base_salary)


def list_bills(arguments: argparse.Namespace) -> int:
    with opened_station(arguments) as station:
        today = station.services.clock.now().date()
        since = arguments.since or today - timedelta(days=6)
        until = arguments.until or today
        billing, actor = station.services.billing, station.actor
        rows = billing.rows(actor, since, until, 10_000)
        sums = billing.sums(actor, since, until)
        lines = [
            f"{row.arrived_at:%d/%m/%Y %H:%M}  {row.number or '(chưa chốt)':<18} "
            f"{money_text(row.amount):>14}  {row.full_name}"
            for row in rows
        ]
        lines.append(
            f"Đã chốt {sums.count} bảng kê: tổng {money_text(sums.amount)}, quỹ BHYT "
            f"{money_text(sums.fund)}, cùng chi trả {money_text(sums.copay)}, tự trả "
            f"{money_text(sums.self_pay)}, nguồn khác {money_text(sums.other)} đồng."
        )
        figures = {
            "visits": len(rows),
            "closed": sums.count,
            "amount": str(sums.amount),
            "fund": str(sums.fund),
            "bills": [
                {"encounter": row.encounter_id, "number": row.number, "amount": str(row.amount)}
                for row in rows
            ],
        }
        say(arguments, figures, "\n".join(lines))
    return 0


def show_bill(arguments: argparse.Namespace) -> int:
    """The bill with its sums; exit code 1 while something is against it."""
    with opened_station(arguments) as station:
        billing, actor = station.services.billing, station.actor
        stored = billing.by_name(actor, arguments.number)
        bill = stored.record
        patient = station.services.patients.standing(actor, bill.patient_id).stored.record
        problems = billing.check(bill, patient)
        lines = [f"Bảng kê {bill.number or '(chưa chốt)'}: {stored.status.label}"]
        lines += [
            f"{item.code:<22} {item.name}: {money_text(item.quantity)} {item.unit} × "
            f"{money_text(item.price)} = {money_text(item.amount_bv)}; quỹ "
            f"{money_text(item.fund_pays)}, cùng chi trả {money_text(item.copay)}, khác "
            f"{money_text(item.other)}, tự trả {money_text(item.self_pay)}"
            for item in bill.items
        ]
        lines.append(
            f"Tổng {money_text(bill.totals.t_tongchi_bv)}, quỹ BHYT {money_text(bill.totals.t_bhtt)}, "
            f"người bệnh trả {money_text(bill.totals.patient_pays)} đồng."
        )
        lines += [f"! {problem.message}" for problem in problems]
        told = {
            "number": bill.number,
            "status": stored.status.value,
            "totals": _totals(bill),
            "problems": [f"{problem.field}:{problem.code}" for problem in problems],
        }
        say(arguments, told, "\n".join(lines))
        wrong = any(problem.severity == "error" for problem in problems)
    return 1 if wrong and stored.status is RecordStatus.DRAFT else 0


def print_bill(arguments: argparse.Namespace) -> int:
    with opened_station(arguments) as station:
        found = station.services.billing.by_name(station.actor, arguments.number)
        printed = station.services.prints.print(station.actor, RecordKind.BILL, found.record.id)
        path: Path = arguments.out
        if path.is_dir():
            path /= printed.file_name
        try:
            path.write_bytes(printed.pdf)
        except OSError as failure:
            raise EnvironmentFailure(
                f"Không ghi được tệp {path}: {os_words(failure)}. Lần in đã được ghi nhật ký; "
                "hãy in lại vào nơi khác."
            ) from failure
        say(arguments, {"file": str(path), "copy": printed.copy}, f"Đã lưu {path}.")
    return 0


def base_salary(arguments: argparse.Namespace) -> int:
    with opened_station(arguments) as station:
        billing = station.services.billing
        if arguments.amount:
            since = arguments.since or station.services.clock.now().date()
            try:
                amount = parse_money(arguments.amount)
            except ValueError:
                raise UserError(
                    f"“{arguments.amount}” không phải là số tiền. Chưa đổi gì; ghi như 2.340.000."
                ) from None
            billing.set_base_salary(station.actor, since, amount)
        today = station.services.clock.now().date()
        counts = billing.base_salary(today)
        kept = {day.isoformat(): str(amount) for day, amount in billing.base_salaries()}
        lines = [f"Lương cơ sở đang tính: {money_text(counts)} đồng/tháng."]
        lines += [f"Từ {day}: {amount}" for day, amount in kept.items()]
        say(arguments, {"today": str(counts), "entered": kept}, "\n".join(lines))
    return 0


def _totals(bill: Bill) -> dict[str, Any]:
    sums = bill.totals
    return {name: str(getattr(sums, name)) for name in sums.__dataclass_fields__}
