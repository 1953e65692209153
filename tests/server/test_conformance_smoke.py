"""A tester of FHIR servers, written by others, tries this one as its client would."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SEKMET = shutil.which("sekmet", path=str(Path(sys.executable).parent))
NOT_OFFERED = ("XML", "Delete", "delete")
"""Nothing is ever deleted, and JSON is the one format: the statement offers neither."""


@pytest.mark.skipif(SEKMET is None, reason="sekmet-fhir is not installed (extra dev)")
def test_the_conformance_smoke_test_passes(station, tmp_path):
    station.put({"resourceType": "Patient", "id": "first", "gender": "female"})
    settings = {
        "host": "127.0.0.1",
        "data_dir": str(tmp_path / "data"),
        "simulator": {"enabled": False},
        "subscriptions": {"enabled": False},
        "peers": {
            "province": {
                "base_url": station.base,
                "auth": {"type": "bearer", "token": station.token},
            }
        },
    }
    written = tmp_path / "settings.yaml"
    written.write_text(json.dumps(settings), "utf-8")
    done = subprocess.run(
        [
            *(str(SEKMET), "scenario", "run", "conformance_smoke", "--no-serve"),
            *("--peer", "province", "--report-dir", "reports", "--config", str(written)),
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "PYTHONUTF8": "1"},
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:]
    (report,) = (tmp_path / "reports").rglob("results.json")
    steps = json.loads(report.read_text("utf-8"))[0]["steps"]
    skipped = [step["name"] for step in steps if step["status"] == "skipped"]
    assert len(skipped) == 3
    assert all(any(word in name for word in NOT_OFFERED) for name in skipped)
    assert {step["status"] for step in steps} == {"passed", "skipped"}
