"""Printed forms from the command line: which there are, and each filled from made-up data."""

from __future__ import annotations

import argparse
from pathlib import Path

from station_emr.demo.form_gallery import GALLERY, draw_pictures, make_forms
from station_emr.domain.errors import UserError
from station_emr.domain.record import RecordKind
from station_emr.services.form_data import TEMPLATES

from .commands import opened_station, say

Sub = argparse._SubParsersAction  # noqa: SLF001  argparse has no public name for it


def add_commands(sub: Sub[argparse.ArgumentParser], shared: argparse.ArgumentParser) -> None:
    forms = sub.add_parser("forms", help="các mẫu giấy tờ in ra từ hồ sơ")
    inner = forms.add_subparsers(metavar="LỆNH", required=True)
    listed = inner.add_parser("list", parents=[shared], help="kể các mẫu và văn bản của từng mẫu")
    listed.set_defaults(command=show_forms)

    printed = inner.add_parser(
        "print",
        parents=[shared],
        help="in mẫu của một lượt khám, hoặc mọi mẫu từ dữ liệu tổng hợp",
    )
    printed.add_argument(
        "name", nargs="*", help="tên mẫu như trong “forms list”; bỏ trống là tất cả"
    )
    printed.add_argument("--out", type=Path, required=True, metavar="THƯ_MỤC")
    printed.add_argument(
        "--visit",
        default="",
        metavar="MÃ",
        help=f"mã lượt khám của trạm; mẫu: {', '.join(TEMPLATES)}",
    )
    printed.add_argument("--png", action="store_true", help="vẽ ảnh từng trang thay cho PDF")
    printed.set_defaults(command=print_forms)


def show_forms(options: argparse.Namespace) -> int:
    rows = [
        {
            "name": form.name,
            "title": form.title,
            "basis": form.basis,
            "paper": form.paper,
            "checked": form.checked,
        }
        for form in GALLERY
    ]
    lines = [
        f"{form.name:<24} {form.paper}  {form.title} ({form.basis})"
        + ("" if form.checked else "; chờ đối chiếu mẫu gốc")
        for form in GALLERY
    ]
    say(options, {"forms": rows}, "\n".join(lines))
    return 0


def print_forms(options: argparse.Namespace) -> int:
    folder: Path = options.out
    if options.visit:
        return _print_visit(options, folder)
    made = make_forms(options.name)
    if options.png:
        paths = draw_pictures(made, folder)
    else:
        folder.mkdir(parents=True, exist_ok=True)
        paths = [_write(folder / f"{name}.pdf", pdf) for name, pdf in made.items()]
    say(
        options,
        {"files": [str(path) for path in paths]},
        f"Đã lưu {len(paths)} tệp của {len(made)} mẫu vào {folder}.",
    )
    return 0


def _print_visit(options: argparse.Namespace, folder: Path) -> int:
    if not options.name or not set(options.name) <= set(TEMPLATES):
        raise UserError(f"Với --visit, hãy nêu tên mẫu: {', '.join(TEMPLATES)}.")
    folder.mkdir(parents=True, exist_ok=True)
    with opened_station(options) as station:
        made = [
            station.services.visit_forms.print(
                station.actor, RecordKind.ENCOUNTER, options.visit, name
            )
            for name in options.name
        ]
    paths = [_write(folder / one.file_name, one.pdf) for one in made]
    say(
        options,
        {"files": [str(path) for path in paths]},
        f"Đã in {len(paths)} giấy vào {folder}.",
    )
    return 0


def _write(path: Path, pdf: bytes) -> Path:
    path.write_bytes(pdf)
    return path
