"""What every benchmark prints: one JSON line, with the machine it ran on."""

from __future__ import annotations

import json
import os
import platform
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any


def machine() -> str:
    """Processor, its cores, memory and system, enough to compare two lines."""
    memory = ""
    if hasattr(os, "sysconf"):
        gigabytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
        memory = f", {gigabytes:.0f} GB"
    return (
        f"{_processor()}, {os.cpu_count()} cores{memory}, {platform.system()} "
        f"{platform.release()}, Python {platform.python_version()}"
    )


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def percentile(values: Sequence[float], percent: int) -> float:
    """The value that ``percent`` of ``values`` do not exceed (nearest rank)."""
    ranked = sorted(values)
    return ranked[max(0, -(-len(ranked) * percent // 100) - 1)]


def milliseconds(seconds: float) -> float:
    return round(seconds * 1000, 3)


def median(values: Sequence[float]) -> float:
    return statistics.median(values)


def report(benchmark: str, **measures: Any) -> None:
    """Print the one line."""
    print(
        json.dumps({"benchmark": benchmark, **measures, "machine": machine()}, ensure_ascii=False)
    )
