"""What leaves the station as files, and what comes in: one command each, a sub-command for each form.

A form adds its own in a module of its own and stands in one of the two lists below.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Final

from . import claims, export_records, registers

Sub = argparse._SubParsersAction  # noqa: SLF001  argparse has no public name for it
Add = Callable[["Sub[argparse.ArgumentParser]", argparse.ArgumentParser], None]

EXPORTERS: Final[tuple[Add, ...]] = (
    claims.add_export,
    export_records.add_exporters,
    registers.add_export_register,
    registers.add_export_report,
)
IMPORTERS: Final[tuple[Add, ...]] = (claims.add_import,)


def add_commands(sub: Sub[argparse.ArgumentParser], shared: argparse.ArgumentParser) -> None:
    for name, words, adders in (
        ("export", "xuất dữ liệu ra tệp: hồ sơ BHYT và các dạng khác", EXPORTERS),
        ("import", "đọc tệp của chương trình khác", IMPORTERS),
    ):
        inner = sub.add_parser(name, help=words).add_subparsers(metavar="DẠNG", required=True)
        for add in adders:
            add(inner, shared)
