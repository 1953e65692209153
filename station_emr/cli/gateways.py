"""The national gateways from the command line: what stands, one turn of sending, a card, decisions."""

from __future__ import annotations

import argparse
from datetime import date
from typing import Any, Final

from station_emr.domain.errors import UserError
from station_emr.domain.gateway import GatewayMessage, MessageKind, MessageState
from station_emr.services.gateway_day import ClaimLine
from station_emr.services.gateways import GatewayStanding, MessageRow
from station_emr.services.secret import Secret

from .commands import opened_station, say
from .signing import ask_pin

EXIT_NOT_ALL: Final = 1
Sub = argparse._SubParsersAction  # noqa: SLF001  argparse has no public name for it


def add_commands(sub: Sub[argparse.ArgumentParser], shared: argparse.ArgumentParser) -> None:
    gateway = sub.add_parser("gateway", help="cổng giám định BHYT và hệ thống đơn thuốc quốc gia")
    inner = gateway.add_subparsers(metavar="LỆNH", required=True)

    status = inner.add_parser("status", parents=[shared], help="tình trạng hai cổng, mục cần xử lý")
    status.set_defaults(command=show_status)

    send = inner.add_parser("send", parents=[shared], help="gửi ngay những gì đang chờ")
    send.set_defaults(command=send_now)

    card = inner.add_parser("card", parents=[shared], help="tra thẻ BHYT của một người bệnh")
    card.add_argument("patient", metavar="MÃ", help="mã hồ sơ người bệnh (lệnh search)")
    card.add_argument("--card", default="", metavar="SỐ_THẺ", help="thẻ khác thẻ đang dùng")
    card.set_defaults(command=look_up)

    day = inner.add_parser("day", parents=[shared], help="hồ sơ BHYT của một ngày, từng lượt")
    day.add_argument("day", metavar="NGÀY", help="yyyy-mm-dd")
    day.add_argument("--sign", action="store_true", help="ký số các lượt sẵn sàng và xếp hàng gửi")
    day.set_defaults(command=show_day)

    for name, words, field in (
        ("resend", "cho gửi lại một mục không rõ hoặc bị từ chối", ""),
        ("arrived", "xác nhận đã thấy một mục không rõ trên cổng", "--note"),
        ("drop", "thôi không gửi một mục", "--reason"),
    ):
        decide = inner.add_parser(name, parents=[shared], help=words)
        decide.add_argument("id", metavar="MÃ", help="mã mục (lệnh gateway status)")
        if field:
            decide.add_argument(field, dest="words", required=True, metavar="LÝ_DO")
        decide.set_defaults(command=decide_one, verb=name)


def show_status(options: argparse.Namespace) -> int:
    """0 when nothing waits for a person, 1 otherwise."""
    with opened_station(options) as station:
        gateways, actor = station.services.gateways, station.actor
        found = gateways.standing(actor)
        rows = gateways.to_decide(actor)
    lines = [_standing_line(one) for one in found]
    lines += [_row_line(row) for row in rows]
    content = {
        "gateways": [_standing_row(one) for one in found],
        "to_decide": [_message_row(row) for row in rows],
    }
    say(options, content, "\n".join(lines))
    return EXIT_NOT_ALL if rows else 0


def send_now(options: argparse.Namespace) -> int:
    """0 when all that was due was taken, 1 otherwise."""
    with opened_station(options) as station:
        turn = station.send_to_gateways()
    content = {
        "tried": turn.tried,
        "accepted": turn.accepted,
        "refused": turn.refused,
        "unknown": turn.unknown,
        "away": sorted(one.value for one in turn.away),
        "rests": {one.value: words for one, words in turn.rests.items()},
    }
    done = f"cổng nhận {turn.accepted}, từ chối {turn.refused}, không rõ {turn.unknown}"
    lines = [f"Đã thử gửi {turn.tried} mục: {done}."]
    if not turn.mine:
        lines = ["Một cửa sổ hoặc lệnh khác của chương trình đang gửi. Không cần làm gì thêm."]
    lines += [f"{one.label}: chưa gửi hết, chương trình sẽ thử lại." for one in turn.away]
    lines += [f"{one.label}: {words}" for one, words in turn.rests.items()]
    say(options, content, "\n".join(lines))
    return EXIT_NOT_ALL if turn.accepted < turn.tried or turn.away or turn.rests else 0


def look_up(options: argparse.Namespace) -> int:
    """0 the card may be used, 1 not, or nobody knows."""
    with opened_station(options) as station:
        found = station.services.gateways.cards.look_up(
            station.actor, options.patient, options.card
        )
    content = {
        "code": found.code,
        "use": found.use.value,
        "message": found.words,
        "remedy": found.remedy,
        "facts": dict(found.facts),
        "asked_at": found.asked_at.isoformat(),
    }
    text = f"{found.use.label}. {found.words}. {found.remedy}".replace("..", ".").strip()
    say(options, content, text)
    return 0 if found.use.usable else EXIT_NOT_ALL


def show_day(options: argparse.Namespace) -> int:
    """0 when nothing holds any claim of the day back, 1 otherwise."""
    day = _day(options.day)
    with opened_station(options) as station:
        claims, actor = station.services.gateways.day, station.actor
        if options.sign:
            ready = [one.encounter_id for one in claims.lines(actor, day, day) if one.ready]
            if ready:
                claims.sign(actor, Secret(ask_pin()), ready)
        lines = claims.lines(actor, day, day)
    say(
        options,
        {"visits": [_claim_row(one) for one in lines]},
        "\n".join(_claim_line(one) for one in lines) or "Ngày này không có lượt khám BHYT nào.",
    )
    return EXIT_NOT_ALL if any(one.first_words for one in lines) else 0


def decide_one(options: argparse.Namespace) -> int:
    with opened_station(options) as station:
        gateways, actor = station.services.gateways, station.actor
        match options.verb:
            case "resend":
                gateways.resend(actor, options.id)
                text = "Đã xếp lại để gửi."
            case "arrived":
                gateways.confirm_arrived(actor, options.id, options.words)
                text = "Đã ghi là cổng đã nhận."
            case _:
                gateways.give_up(actor, options.id, options.words)
                text = "Đã thôi không gửi mục này."
    say(options, {"id": options.id, "done": options.verb}, text)
    return 0


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise UserError(f"“{text}” không phải ngày. Hãy ghi như 2026-11-20.") from None


def _standing_row(one: GatewayStanding) -> dict[str, Any]:
    return {
        "gateway": one.gateway.value,
        "on": one.on,
        "address": one.address,
        "waiting": one.waiting,
        "unsigned": one.unsigned,
        "unknown": one.unknown,
        "refused": one.refused,
        "away_since": one.away_since.isoformat() if one.away_since else None,
        "message": one.last_words,
    }


def _standing_line(one: GatewayStanding) -> str:
    if not one.on:
        return f"{one.gateway.label}: chưa bật."
    parts = [f"{one.gateway.label} ({one.address}): chờ gửi {one.waiting}, chờ ký {one.unsigned}"]
    parts.append(f"không rõ {one.unknown}, bị từ chối {one.refused}")
    if one.away_since:
        parts.append(f"không kết nối được từ {one.away_since:%H:%M %d/%m/%Y}")
    text = ", ".join(parts) + "."
    return f"{text} {one.last_words}".strip()


def _message_row(row: MessageRow) -> dict[str, Any]:
    one: GatewayMessage = row.message
    return {
        "id": one.id,
        "kind": one.kind.value,
        "name": one.name,
        "state": one.state.value,
        "sent_at": one.sent_at.isoformat() if one.sent_at else None,
        "code": one.code,
        "reason": "" if row.hidden else one.reason,
    }


def _row_line(row: MessageRow) -> str:
    one = row.message
    why = "" if row.hidden else f"\n    {one.reason}"
    said = one.state.label if one.state is not MessageState.REFUSED else f"Từ chối ({one.code})"
    what = MessageKind(one.kind).label
    return f"{said}: {what} {one.name} · {row.full_name} · {one.id}{why}"


def _claim_row(one: ClaimLine) -> dict[str, Any]:
    return {
        "encounter": one.encounter_id,
        "state": one.state.value,
        "due_on": one.due_on.isoformat() if one.due_on else None,
        "days_left": one.days_left,
        "receipt": one.record.receipt if one.record else "",
        "findings": [
            {"rule": f.rule, "table": f.table, "element": f.element, "message": f.message}
            for f in one.findings
        ],
    }


def _claim_line(one: ClaimLine) -> str:
    due = ""
    if one.due_on and one.days_left is not None:
        left = f"còn {one.days_left} ngày" if one.days_left >= 0 else f"quá {-one.days_left} ngày"
        due = f" · hạn {one.due_on:%d/%m/%Y} ({left} làm việc)"
    why = f"\n    {one.first_words}" if one.first_words else ""
    return f"{one.arrived_at:%H:%M} {one.full_name} · {one.state.label}{due}{why}"
