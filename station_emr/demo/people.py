"""Synthetic people, made from a seed. Every number is visibly not real.

Citizen numbers end in 99xxxx, phones start with 09000, cards hold 99 after the province: no such
series is in use, so a demo print cannot be taken for a real person's.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import date, timedelta

from station_emr.domain.birth import BirthDate
from station_emr.domain.patient import (
    Address,
    Allergy,
    AllergyCategory,
    ChronicCondition,
    Coverage,
    Guardian,
    Patient,
)
from station_emr.domain.record import Sex

DEMO_COMMUNE = Address(
    line="",
    commune_code="99999",  # no commune has it
    commune_name="Xã Mẫu",
    province_code="52",
    province_name="Tỉnh Gia Lai",
)
HAMLETS = ("Làng Ơp", "Làng Klah", "Làng Bông Mẫu", "Thôn 1", "Thôn 2", "Thôn 3", "Làng Kênh Mẫu")

_FAMILY = (
    ("Nguyễn", 38),
    ("Trần", 12),
    ("Lê", 9),
    ("Phạm", 7),
    ("Huỳnh", 5),
    ("Phan", 4),
    ("Võ", 4),
    ("Đặng", 3),
    ("Bùi", 3),
    ("Đỗ", 2),
)
_MALE_GIVEN = (
    "Văn Lộc", "Hữu Tài", "Đức Anh", "Minh Quân", "Văn Đạt", "Quốc Bảo", "Văn Hậu", "Thanh Tùng",
    "Công Danh", "Gia Huy", "Văn Sáng", "Ngọc Sơn", "Trung Kiên", "Đình Phúc", "Văn Thọ",
)  # fmt: skip
_FEMALE_GIVEN = (
    "Thị Hạnh", "Thị Út", "Thị Mai", "Ngọc Lan", "Thị Thu Hà", "Kim Oanh", "Thị Ngơi", "Thị Bích",
    "Thanh Thủy", "Thị Hồng", "Mỹ Duyên", "Thị Sương", "Thị Cúc", "Thị Loan", "Diệu Hiền",
)  # fmt: skip
_GIA_RAI_CLANS = ("Rơ Châm", "Rơ Mah", "Ksor", "Siu", "Kpă", "Nay", "Rah Lan", "Rmah", "Puih")
_GIA_RAI_MALE = ("Y Blơi", "Ŏ", "Y Thin", "Hlŭn", "Y Bĭ", "Khŭ", "Y Đôn", "Phŏ")
_GIA_RAI_FEMALE = ("H'Bĕ̆", "H'Nhung", "H'Lăn", "H'Mrai", "H'Blĭ", "H'Ơ̆n", "H'Yŭ")
_BA_NA_MALE = ("Đinh Văn Hơ̆", "Đinh Nhak", "Đinh Ŭi", "A Byưh")
_BA_NA_FEMALE = ("Đinh Thị Ngơi", "Đinh H'Dơ̆", "Đinh Thị Blă", "Y Hlưm")
_ALLERGIES = (
    Allergy(substance="Penicillin", ingredient="benzylpenicillin", group="penicillin", reaction="Mày đay"),
    Allergy(substance="Sulfamid", ingredient="sulfamethoxazol", group="sulfonamide", reaction="Ban đỏ"),
    Allergy(substance="Aspirin", ingredient="acid acetylsalicylic", group="nsaid", reaction="Khó thở", severe=True),
    Allergy(substance="Tôm, cua", category=AllergyCategory.FOOD, reaction="Ngứa"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Ethnic:
    code: str
    name: str


KINH, GIA_RAI, BA_NA = Ethnic("01", "Kinh"), Ethnic("10", "Gia-rai"), Ethnic("12", "Ba na")


class People:
    """A stream of synthetic people; the same seed and day give the same people."""

    def __init__(self, seed: int, today: date) -> None:
        self._random = random.Random(seed)  # noqa: S311  synthetic data, not a secret
        self._today = today
        self._count = 0

    def next(self) -> Patient:
        """One more person, without an id or chart number."""
        rng = self._random
        self._count += 1
        female = rng.random() < 0.54
        ethnic = rng.choices((KINH, GIA_RAI, BA_NA), (50, 38, 12))[0]
        age_days = int(rng.triangular(10, 92 * 365, 34 * 365))
        born = self._today - timedelta(days=age_days)
        years = age_days // 365
        return Patient(
            id="",
            full_name=self._name(ethnic, female=female),
            birth=self._birth(born, years),
            sex=Sex.FEMALE if female else Sex.MALE,
            national_id=self._national_id(born, female=female),
            phone=f"09000{self._count:05d}" if years >= 14 else "",
            address=Address(
                line=rng.choice(HAMLETS),
                commune_code=DEMO_COMMUNE.commune_code,
                commune_name=DEMO_COMMUNE.commune_name,
                province_code=DEMO_COMMUNE.province_code,
                province_name=DEMO_COMMUNE.province_name,
            ),
            ethnic_code=ethnic.code,
            ethnic_name=ethnic.name,
            occupation_code="63" if 18 <= years <= 75 else "00",
            occupation_name="Lao động nông, lâm, ngư tự cung tự cấp"
            if 18 <= years <= 75
            else "Không xác định",
            guardian=Guardian(
                full_name=self._name(ethnic, female=True),
                relationship="Mẹ",
                phone=f"09001{self._count:05d}",
            )
            if years < 15
            else None,
            coverages=self._coverages(years),
            allergies=(known := (rng.choice(_ALLERGIES),) if rng.random() < 0.09 else ()),
            no_known_allergy=rng.random() < 0.5 and not known,
            conditions=self._conditions(years),
        )

    def _name(self, ethnic: Ethnic, *, female: bool) -> str:
        rng = self._random
        if ethnic is GIA_RAI:
            return f"{rng.choice(_GIA_RAI_CLANS)} {rng.choice(_GIA_RAI_FEMALE if female else _GIA_RAI_MALE)}"
        if ethnic is BA_NA:
            return rng.choice(_BA_NA_FEMALE if female else _BA_NA_MALE)
        family = rng.choices([name for name, _ in _FAMILY], [weight for _, weight in _FAMILY])[0]
        return f"{family} {rng.choice(_FEMALE_GIVEN if female else _MALE_GIVEN)}"

    def _birth(self, born: date, years: int) -> BirthDate:
        """Old people often know only the year."""
        if years > 65 and self._random.random() < 0.4:
            return BirthDate(born.year)
        return BirthDate.from_date(born)

    def _national_id(self, born: date, *, female: bool) -> str:
        if self._random.random() < 0.04:
            return ""
        century = (2 if born.year >= 2000 else 0) + (1 if female else 0)
        return f"064{century}{born.year % 100:02d}99{self._count % 10000:04d}"

    def _coverages(self, years: int) -> tuple[Coverage, ...]:
        rng = self._random
        if rng.random() < 0.06:
            return ()
        kind = "TE1" if years < 6 else rng.choice(("GD4", "HN2", "DT2", "DK2", "CN2"))
        number = f"{kind}6499{self._count:08d}"
        ends = (
            date(self._today.year, 12, 31)
            if rng.random() < 0.93
            else date(self._today.year - 1, 12, 31)
        )
        return (
            Coverage(
                number=number,
                valid_from=date(ends.year, 1, 1),
                valid_to=ends,
                initial_facility="DEMO1",
                initial_facility_name="Trạm Y tế xã Mẫu",
            ),
        )

    def _conditions(self, years: int) -> tuple[ChronicCondition, ...]:
        rng = self._random
        found = []
        if years > 45 and rng.random() < 0.38:
            since = self._today.year - rng.randint(1, 9)
            found.append(
                ChronicCondition(
                    icd_code="I10", title="Tăng huyết áp vô căn (nguyên phát)", since_year=since
                )
            )
        if years > 40 and rng.random() < 0.12:
            found.append(
                ChronicCondition(
                    icd_code="E11.9", title="Đái tháo đường típ 2", since_year=self._today.year - 3
                )
            )
        return tuple(found)
