"""What the door asks beside the password: the telephone's code and a new password, typed at the
terminal or taken from the environment, never an argument.
"""

from __future__ import annotations

import getpass
import os
import sys
from pathlib import Path
from typing import Final

from station_emr.domain.audit import Source
from station_emr.domain.door import JoiningNeeded, NewPasswordNeeded, SecondFactorNeeded
from station_emr.domain.errors import UserError
from station_emr.station import OpenStation, open_station

CODE_VARIABLE: Final = "STATION_EMR_CODE"
NEW_VARIABLE: Final = "STATION_EMR_NEW_PASSWORD"
_WINDOW: Final = "Hãy đăng nhập một lần bằng cửa sổ chương trình rồi chạy lại lệnh."


def come_in(folder: Path, username: str, password: str) -> OpenStation:
    """Log in as :func:`open_station`, asking at the terminal for what the door still wants."""
    code, new = os.environ.get(CODE_VARIABLE, ""), os.environ.get(NEW_VARIABLE, "")
    for _again in range(3):
        try:
            station = open_station(
                folder, username, password, source=Source.COMMAND, code=code, new_password=new
            )
        except SecondFactorNeeded as asked:
            code = _typed(asked, "Mã xác thực: ", CODE_VARIABLE)
        except NewPasswordNeeded as asked:
            new = _typed(asked, "Mật khẩu mới: ", NEW_VARIABLE)
        except JoiningNeeded as asked:
            if not sys.stdin.isatty():
                raise UserError(f"{asked} {_WINDOW}") from None
            print(f"{asked}\n{asked.secret}\n{asked.address}", file=sys.stderr)
            code = getpass.getpass("Mã 6 số trên điện thoại: ")
        else:
            for one in station.fresh_codes:
                print(one, file=sys.stderr)
            return station
    raise UserError(f"Chưa đăng nhập được. {_WINDOW}")


def _typed(asked: UserError, prompt: str, variable: str) -> str:
    if not sys.stdin.isatty():
        raise UserError(f"{asked} Đặt biến {variable} rồi chạy lại.") from None
    print(asked, file=sys.stderr)
    return getpass.getpass(prompt)
