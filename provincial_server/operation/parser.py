"""An argument parser that speaks Vietnamese in its help and in its refusals."""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from typing import Any, NoReturn

_REFUSALS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"the following arguments are required: (.*)"), r"còn thiếu \1"),
    (re.compile(r"unrecognized arguments: (.*)"), r"không hiểu \1"),
    (
        re.compile(r"argument (.*?): invalid choice: (.*?) \(choose from (.*)\)"),
        r"\1 không có lựa chọn \2; hãy chọn một trong \3",
    ),
    (re.compile(r"argument (.*?): expected one argument"), r"\1 cần một giá trị"),
    (re.compile(r"argument (.*?): expected at least one argument"), r"\1 cần ít nhất một giá trị"),
    (re.compile(r"argument (.*?): invalid \S+ value: (.*)"), r"\1 không nhận giá trị \2"),
    (re.compile(r"argument (.*?): not allowed with argument (.*)"), r"\1 không đi cùng \2"),
    (re.compile(r"one of the arguments (.*) is required"), r"cần một trong \1"),
    (re.compile(r"ambiguous option: (.*?) could match (.*)"), r"\1 chưa rõ là \2"),
    (re.compile(r"argument (.*?): (.*)"), r"\1: \2"),
)


class Parser(argparse.ArgumentParser):
    """As argparse, with Vietnamese words. Its subcommands are of the same class."""

    def __init__(self, *, add_help: bool = True, **named: Any) -> None:
        super().__init__(add_help=False, **named)
        self._positionals.title = "tham số"
        self._optionals.title = "tùy chọn"
        if add_help:
            self.add_argument("-h", "--help", action="help", help="hiện hướng dẫn này")

    def format_usage(self) -> str:
        return super().format_usage().replace("usage: ", "cách dùng: ", 1)

    def format_help(self) -> str:
        return super().format_help().replace("usage: ", "cách dùng: ", 1)

    def error(self, message: str) -> NoReturn:
        """Exit code 2, as everywhere; nothing has been done yet."""
        said = message
        for pattern, sentence in _REFUSALS:
            if pattern.fullmatch(message):
                said = pattern.sub(sentence, message)
                break
        self.exit(2, f"{self.format_usage()}{self.prog}: {said}. Chưa có gì thay đổi.\n")

    def parse_args(  # type: ignore[override]
        self, args: Sequence[str] | None = None, namespace: argparse.Namespace | None = None
    ) -> argparse.Namespace:
        return super().parse_args(args, namespace)
