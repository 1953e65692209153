"""Step 1: who issues the documents, and which machine this is."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from station_emr.domain.errors import Problem
from station_emr.domain.identity import normalise_phone
from station_emr.domain.record import StationProfile
from station_emr.domain.text import clean, fold
from station_emr.services.i18n import _
from station_emr.services.letterhead_rules import check_station
from station_emr.ui.kit import (
    CheckField,
    ChoiceField,
    Form,
    LineField,
    Option,
    PhoneField,
    Suggestion,
    TypeaheadField,
    match_spans,
)
from station_emr.ui.models.gate import Place

_MOST = 8


class StationStep(QWidget):
    """``submitted`` follows Enter in the last field."""

    submitted = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._provinces: dict[str, str] = {}
        self._communes: tuple[Place, ...] = ()
        self.form = Form("station")
        self.name = LineField(placeholder=_("Trạm Y tế xã …"))
        self.authority = LineField(placeholder=_("UBND xã … hoặc Trung tâm Y tế …"))
        self.form.add_row(
            ("name", _("&Tên trạm"), self.name),
            ("parent_authority", _("Cơ quan &chủ quản"), self.authority),
            required=("name", "parent_authority"),
        )
        self.code = LineField(max_length=5)
        self.code.set_hint(_("5 ký tự, ghi trong quyết định của trạm"))
        self.phone = PhoneField()
        self.form.add_row(
            ("code", _("&Mã cơ sở khám bệnh, chữa bệnh"), self.code),
            ("phone", _("Điện th&oại của trạm"), self.phone),
            required=("code",),
        )
        self.province = ChoiceField(placeholder=_("Chọn tỉnh, thành phố"))
        self.commune = TypeaheadField(placeholder=_("Gõ tên xã, có dấu hay không đều được"))
        self.form.add_row(
            ("province", _("Tỉnh, thành &phố"), self.province),
            ("commune", _("&Xã, phường, đặc khu"), self.commune),
        )
        self.form.add("address", _("Đị&a chỉ"), LineField(placeholder=_("Thôn, đường, số nhà")))
        self.site = LineField()
        self.device = LineField()
        self.series = LineField(max_length=3)
        self.series.set_hint(_("Mỗi máy của trạm một ký hiệu"))
        self.form.add_row(
            ("site", _("Điểm t&rạm"), self.site),
            ("device_name", _("Tên má&y này"), self.device),
            ("series", _("&Ký hiệu máy"), self.series),
            required=("series",),
        )
        self.form.set_values(
            {"site": _("Điểm trạm chính"), "device_name": _("Máy 1"), "series": "A"}
        )
        self.joining = CheckField(_("Trạm đã có &hồ sơ trên máy khác hoặc ở máy chủ của tỉnh"))
        self.joining.set_hint(
            _("Ghi tên trạm và mã cơ sở như ở máy cũ. Hồ sơ được lấy về sau khi đăng nhập.")
        )
        self.form.add("joining", "", self.joining)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.form)
        column.addStretch(1)
        self.form.submitted.connect(self.submitted)
        self.form.changed.connect(self._changed)
        self.commune.wanted.connect(self._look_up)
        self.setFocusProxy(self.name)

    def set_places(self, places: Sequence[Place]) -> None:
        """The lists, once they are read."""
        provinces = [place for place in places if not place.province]
        self._provinces = {place.code: place.name for place in provinces}
        self._communes = tuple(place for place in places if place.province)
        self.province.set_options(
            [Option(p.code, p.name) for p in sorted(provinces, key=lambda p: fold(bare(p.name)))]
        )

    def profile(self) -> StationProfile:
        values = {key: clean(str(value or "")) for key, value in self.form.values().items()}
        return StationProfile(
            facility_id="",
            code=values["code"].upper(),
            name=values["name"],
            parent_authority=values["parent_authority"],
            commune_code=values["commune"],
            commune_name=self.commune.text(),
            province_code=values["province"],
            province_name=self._provinces.get(values["province"], ""),
            address=values["address"],
            phone=normalise_phone(values["phone"]),
            site=values["site"] or _("Điểm trạm chính"),
            device_name=values["device_name"] or _("Máy 1"),
            series=values["series"].upper(),
        )

    def check(self) -> bool:
        """Show what is missing; True when nothing is."""
        problems = list(check_station(self.profile()))
        if self.commune.text() and self.commune.value() is None:
            problems.append(
                Problem(
                    field="commune",
                    code="commune-unknown",
                    message=_("Chọn xã, phường trong danh sách gợi ý, hoặc để trống."),
                )
            )
        self.form.set_problems(problems)
        return not problems

    def _changed(self, key: str) -> None:
        if key == "joining":
            self._follow_joining()
        field = self.form.field(key)
        if field.problem:
            field.set_problem(None)

    def _follow_joining(self) -> None:
        """Two machines of a station never share a name or a series; what was typed stays."""
        joining = bool(self.joining.value())
        pairs = ((self.device, _("Máy 1"), _("Máy 2")), (self.series, "A", "B"))
        for field, alone, beside in pairs:
            if field.value() in (alone, beside):
                field.set_value(beside if joining else alone)

    def _look_up(self, text: str) -> None:
        province = self.province.value()
        words = fold(text).split()
        found = [
            place
            for place in self._communes
            if province in (None, place.province) and _matches(place.name, words)
        ]
        found.sort(
            key=lambda place: (not fold(bare(place.name)).startswith(fold(text)), place.name)
        )
        self.commune.set_results(
            [
                Suggestion(
                    title=place.name,
                    payload=place.code,
                    trailing=self._provinces.get(place.province, ""),
                    matches=match_spans(place.name, text),
                )
                for place in found[:_MOST]
            ],
            text,
        )


def _matches(name: str, words: Sequence[str]) -> bool:
    parts = fold(name).split()
    return all(any(part.startswith(word) for part in parts) for word in words)


def bare(name: str) -> str:
    """``Tỉnh Gia Lai`` → ``Gia Lai``: the list is read by the name itself."""
    for kind in ("Tỉnh ", "Thành phố ", "Xã ", "Phường ", "Đặc khu "):
        if name.startswith(kind):
            return name.removeprefix(kind)
    return name
