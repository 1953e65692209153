"""What a station's process leaves on the machine."""

import json
import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(os.name == "nt", reason="POSIX modes and limits")

REPORT = """
import json, pathlib, resource, sys
from station_emr.security.process import keep_private
keep_private()
made = pathlib.Path(sys.argv[1]) / "made"
made.write_text("giấy của người bệnh")
print(json.dumps([resource.getrlimit(resource.RLIMIT_CORE), made.stat().st_mode & 0o777]))
"""


def test_no_core_dump_and_files_for_this_account_alone(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", REPORT, str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout) == [[0, 0], 0o600]
