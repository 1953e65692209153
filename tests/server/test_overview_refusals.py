"""How many records were refused: the headline, the table, one station and the Excel file agree."""

from __future__ import annotations

import io
import re
import secrets
from html import unescape

import pytest
from python_calamine import CalamineWorkbook

from provincial_server.store import EVERY_FACILITY, Facility
from provincial_server.web import accounts
from tests.server.exchange_client import Machine
from tests.server.test_web_accounts import PASSWORD, Visitor

PAGE = "/web/tong-quan"


@pytest.fixture
def overseer(server):
    name = f"so.{secrets.token_hex(4)}"
    with server.database.write(EVERY_FACILITY) as session:
        accounts.add_user(session, name, "Người theo dõi mẫu", "overseer", PASSWORD, 0)
    one = Visitor(server.root)
    one.log_in(name)
    yield one
    one.session.close()


def headline(page: str) -> int:
    found = re.search(r"<b>(\d+)</b><span>hồ sơ bị từ chối", page)
    assert found
    return int(found[1])


def sheets(overseer: Visitor) -> dict[str, list[list[object]]]:
    content = overseer.get(f"{PAGE}/xuat.xlsx").content
    with CalamineWorkbook.from_filelike(io.BytesIO(content)) as book:
        return {name: book.get_sheet_by_name(name).to_python() for name in book.sheet_names}


def test_lines_that_the_province_could_not_read_count_wherever_refusals_do(
    server, station, overseer
):
    Machine(station).exchange(state={"refused": 2})
    code = station.facility
    before = headline(overseer.get(PAGE).text)
    with server.database.write(EVERY_FACILITY) as session:
        session.get_one(Facility, code).skipped_operations = 3
    page = overseer.get(f"{PAGE}?tim={code}&loc=can-goi").text
    assert headline(page) == before + 3
    assert re.search(r'data-label="Từ chối" class="number">5<', page)
    assert "2 hồ sơ bị từ chối" in unescape(page)
    assert "máy chủ chưa đọc được 3 hồ sơ" in unescape(page)
    assert headline(overseer.get(f"{PAGE}/{code}").text) == 5
    found = sheets(overseer)
    summary = {row[0]: row[1] for row in found["Tổng quan"]}
    assert summary["Hồ sơ bị từ chối, chưa đọc được"] == before + 3
    table = found["Theo trạm"]
    refused, unread = table[0].index("Bị từ chối"), table[0].index("Chưa đọc được")
    assert sum(row[refused] + row[unread] for row in table[1:]) == before + 3


def test_a_station_of_which_the_province_could_not_read_a_line_is_called(server, station, overseer):
    with server.database.write(EVERY_FACILITY) as session:
        session.get_one(Facility, station.facility).skipped_operations = 1
    Machine(station).exchange(state={"refused": 0})
    row = next(row for row in sheets(overseer)["Cần gọi"] if row[0] == station.facility)
    # Another test may have announced a newer program: that reason then stands beside this one.
    assert "máy chủ chưa đọc được 1 hồ sơ" in row[-1].split("; ")
