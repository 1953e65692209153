"""What each command does. Results go to standard output, as text or as one JSON object."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any

from station_emr.demo.scripted import run_scripted_day
from station_emr.domain.birth import age_text
from station_emr.domain.catalog import CatalogKind
from station_emr.domain.errors import EnvironmentFailure, UserError
from station_emr.domain.identity import mask_number
from station_emr.domain.os_words import os_words
from station_emr.domain.permissions import Role
from station_emr.domain.record import RecordKind, StationProfile
from station_emr.domain.user import User
from station_emr.security.letters import key_id
from station_emr.station import OpenStation, create_station

from .door import come_in
from .letters import add_trusted, read_letter
from .selftest import run_selftest


def init(options: argparse.Namespace) -> int:
    """Set up a station; prints the recovery code, which is shown only now."""
    folder = folder_of(options)
    username = options.user or "giamdoc"
    code = create_station(
        folder,
        StationProfile(
            facility_id="",
            code=options.code,
            name=options.name,
            parent_authority=options.authority,
            province_name=options.province,
            series=options.series,
            device_name=options.device,
        ),
        User(
            id="",
            username=username,
            full_name=options.full_name,
            role=Role.DIRECTOR,
            licence_no=options.licence,
        ),
        options.ask_password("Mật khẩu của giám đốc: "),
    )
    say(
        options,
        {"data_dir": str(folder), "user": username, "recovery_code": code},
        f"Đã thiết lập trạm trong {folder}.\n"
        f"Mã khôi phục (chép ra giấy, cất trong phong bì niêm phong): {code}",
    )
    return 0


def demo(options: argparse.Namespace) -> int:
    """The scripted day; without --script the window opens instead (see __main__)."""
    if not options.script:
        raise UserError("Lệnh demo không có --script mở cửa sổ chương trình; bỏ --json để mở.")
    folder = options.data_dir or Path("demo-station")
    result = run_scripted_day(folder, say=lambda text: print(text, file=sys.stderr))
    print(json.dumps(result, ensure_ascii=False))
    return 0


def search(options: argparse.Namespace) -> int:
    with opened_station(options) as station:
        rows = station.services.patients.search(station.actor, options.text, options.limit)
        today = station.services.clock.now().date()
        found: list[dict[str, Any]] = [
            {
                "id": row.id,
                "full_name": row.full_name,
                "birth": row.birth.to_iso(),
                "sex": row.sex.value,
                "address": row.address_line,
                "national_id": mask_number(row.national_id),
                "insurance": mask_number(row.insurance_number),
                "last_visit": row.last_visit_on.isoformat() if row.last_visit_on else None,
                "papers": _papers(station, row.id),
            }
            for row in rows
        ]
        lines = []
        for row, shown in zip(rows, found, strict=True):
            lines.append(
                f"{row.full_name} · {row.sex.label} · {age_text(row.birth, today)} · {row.address_line} · {row.id}"
            )
            lines += [
                f"    {paper['kind']} {paper['id']} ({paper['on']})" for paper in shown["papers"]
            ]
        say(options, {"patients": found}, "\n".join(lines) or "Không tìm thấy ai.")
    return 0


def _papers(station: OpenStation, patient_id: str) -> list[dict[str, str]]:
    """The papers of the last visits, newest first: what `print` takes."""
    services, actor = station.services, station.actor
    visits = services.patients.card(actor, patient_id, visits=5).visits
    leaves = {
        visit.encounter_id: stored.record.id
        for visit in visits
        if (stored := services.certificates.of_encounter(actor, visit.encounter_id))
    }
    return [
        {"kind": kind, "id": paper_id, "on": visit.on.date().isoformat()}
        for visit in visits
        for kind, paper_id in (
            ("referral", visit.referral_id),
            ("prescription", visit.prescription_id),
            ("appointment", visit.appointment_id),
            ("certificate", leaves.get(visit.encounter_id, "")),
        )
        if paper_id
    ]


def catalog_search(options: argparse.Namespace) -> int:
    with opened_station(options) as station:
        hits = station.services.catalogs.search(
            CatalogKind(options.kind), options.text, options.limit
        )
        say(
            options,
            {"hits": [{"code": hit.row.code, "name": hit.row.name} for hit in hits]},
            "\n".join(f"{hit.row.code}\t{hit.row.name}" for hit in hits)
            or "Không tìm thấy mã nào.",
        )
    return 0


def catalog_import(options: argparse.Namespace) -> int:
    """Preview an official file and, unless --dry-run, take it in."""
    try:
        kind = CatalogKind(options.kind)
        day = date.fromisoformat(options.effective_from) if options.effective_from else None
    except ValueError as wrong:
        raise UserError(
            f"Không hiểu “{options.kind}” hoặc ngày “{options.effective_from}”. "
            f"Loại danh mục: {', '.join(CatalogKind)}; ngày dạng 2026-07-01."
        ) from wrong
    with opened_station(options) as station:
        preview = station.services.catalogs.preview_import(
            station.actor, kind, str(options.file), day
        )
        if not options.dry_run:
            station.services.catalogs.apply_import(station.actor, preview)
    counts = {
        "kind": kind.value,
        "added": len(preview.added),
        "changed": len(preview.changed),
        "closed": len(preview.closed),
        "unchanged": preview.unchanged,
        "refused": [asdict(row) for row in preview.refused],
        "written": not options.dry_run,
    }
    text = (
        f"Thêm {counts['added']}, đổi {counts['changed']}, ngừng {counts['closed']}, "
        f"giữ nguyên {preview.unchanged}, không nhận {len(preview.refused)} dòng."
    )
    refused = [f"  dòng {row.line}: {row.reason}" for row in preview.refused[:50]]
    say(options, counts, "\n".join([text, *refused]))
    return 0


def print_paper(options: argparse.Namespace) -> int:
    with opened_station(options) as station:
        printed = station.services.prints.print(station.actor, RecordKind(options.kind), options.id)
    try:
        options.out.write_bytes(printed.pdf)
    except OSError as failure:
        raise EnvironmentFailure(
            f"Không ghi được tệp {options.out}: {os_words(failure)}. Lần in đã được ghi nhật ký; hãy in lại vào nơi khác."
        ) from failure
    say(
        options,
        {"out": str(options.out), "copy": printed.copy, "version": printed.version},
        f"Đã in {options.out} (bản thứ {printed.copy}).",
    )
    return 0


def sync(options: argparse.Namespace) -> int:
    with opened_station(options) as station:
        run = station.sync_now()
        with station.store.read() as work:
            counts = work.counts()
    result = {
        "outcome": run.outcome,
        "sent": run.sent,
        "changed": run.changed,
        "quarantined": counts.quarantined,
        "outbox": counts.outbox,
        "bytes_up": run.bytes_up,
        "bytes_down": run.bytes_down,
        "detail": run.detail,
    }
    text = f"Đã gửi {run.sent} mục, còn chờ {counts.outbox} mục. {run.detail}".strip()
    say(options, result, text)
    return 0 if run.outcome in {"complete", "partial"} else 3


def selftest(options: argparse.Namespace) -> int:
    """Try the parts that a damaged installation would miss."""
    results = run_selftest()
    failed = [result for result in results if not result.passed]
    say(
        options,
        {"passed": not failed, "checks": [asdict(result) for result in results]},
        "\n".join(f"{'đạt ' if r.passed else 'HỎNG'} {r.name} {r.detail}" for r in results),
    )
    return 1 if failed else 0


def letter_key(options: argparse.Namespace) -> int:
    """Add this station's public letter key to a list that hospitals check letters with."""
    with opened_station(options) as station:
        own = station.letter_key()
    count = add_trusted(options.out, own)
    name = key_id(own.public_key)
    say(
        options,
        {"out": str(options.out), "key_id": name, "stations": count},
        f"Đã ghi khóa {name} của {own.name} vào {options.out} (danh sách có {count} khóa).\n"
        "Gửi tệp này cho các bệnh viện nhận phiếu; tệp không chứa bí mật nào.",
    )
    return 0


def accept_clock(options: argparse.Namespace) -> int:
    """Confirm the machine's time after something was signed in a wrong future."""
    with opened_station(options) as station:
        station.services.accounts.accept_clock(station.actor)
        now = station.services.clock.now()
    say(
        options,
        {"accepted": now.isoformat()},
        f"Đã xác nhận giờ của máy: {now:%H:%M ngày %d/%m/%Y}. Từ nay ký được theo giờ này.",
    )
    return 0


def verify_letter(options: argparse.Namespace) -> int:
    """Check a letter's QR with no network and no log-in. 0 trusted, 1 readable but not trusted."""
    verdict = read_letter(options.text, options.trusted)
    say(options, verdict.as_json(), verdict.text())
    return verdict.exit_code


@contextmanager
def opened_station(options: argparse.Namespace) -> Iterator[OpenStation]:
    if not options.user:
        raise UserError("Hãy thêm --user TÊN_ĐĂNG_NHẬP.")
    password = options.ask_password(f"Mật khẩu của {options.user}: ")
    station = come_in(folder_of(options), options.user, password)
    try:
        yield station
    finally:
        station.close()


def folder_of(options: argparse.Namespace) -> Path:
    folder: Path = options.data_dir or options.default_folder()
    return folder


def say(options: argparse.Namespace, result: dict[str, Any], text: str) -> None:
    if options.json:
        print(json.dumps(result, ensure_ascii=False, default=str))
    else:
        print(text)
