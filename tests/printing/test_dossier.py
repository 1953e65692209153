"""The four papers of the station's file, read back with poppler."""

from __future__ import annotations

import pytest

from station_emr.demo.station import demo_people, demo_profile
from station_emr.domain.dossier import Part, Standing
from station_emr.station import create_station, open_station
from tests.security.stations import cheap_passwords

from .pdf import needs_poppler, pages, text

pytestmark = needs_poppler
DIRECTOR = demo_people()[0]


@pytest.fixture(scope="module")
def papers(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tram") / "data"
    with cheap_passwords():
        create_station(folder, demo_profile(""), DIRECTOR.user, DIRECTOR.password)
    station = open_station(folder, DIRECTOR.user.username, DIRECTOR.password)
    try:
        station.services.dossier.judge(station.actor, "tt13.5", Standing.PARTLY, "Đang số hóa")
        return station.services.dossier.papers(station.actor)
    finally:
        station.close()


@pytest.mark.parametrize("part", list(Part))
def test_each_has_the_head_and_foot_of_an_official_paper(papers, part) -> None:
    for place, page in enumerate(pages(papers[part])):
        assert "BẢN GIẤY CHUYỂN TỪ BẢN ĐIỆN TỬ" in page
        assert f"Trang {place + 1}/" in page
    first = text(papers[part])
    for words in ("CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM", "TRẠM Y TẾ XÃ MẪU", "GIÁM ĐỐC"):
        assert words in first
    assert "{" not in first


def test_the_assessment_leaves_the_heads_rows_open(papers) -> None:
    said = text(papers[Part.ASSESSMENT])
    assert "Người đứng đầu tự đánh giá" in said
    assert said.count("(tự") == 1  # the one row the head has judged; a cell breaks after it
    assert "Đang số hóa" in said
    assert "Điều 6 khoản 3 b" in said
    assert "Mục 10" in said


def test_the_level_paper_marks_what_only_level_three_asks(papers) -> None:
    said = text(papers[Part.LEVEL])
    assert "Yêu cầu thêm của cấp độ 3" in said
    assert "Nghị định 85/2016" in said
    assert "Thử ngay trên máy" in said


def test_the_state_is_one_page_and_the_regulation_has_ten_articles(papers) -> None:
    assert len(pages(papers[Part.STATE])) == 1
    said = text(papers[Part.REGULATION])
    assert all(f"Điều {number}. " in said for number in range(1, 11))
