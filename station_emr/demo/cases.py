"""Visits as a commune station sees them: complaint, findings, diagnosis, drugs, outcome.

Drugs are named by INN and strength and looked up in the station's own list.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from station_emr.domain.birth import BirthDate
from station_emr.domain.encounter import Procedure
from station_emr.domain.vitals import VitalSigns


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseDrug:
    """``search`` finds the drug; the first hit is taken."""

    search: str
    dose: str = "1"
    times: int = 2
    days: int = 5
    meal: str = "sau ăn"


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    weight: int
    reason: str
    history: str
    examination: str
    icd: str
    secondary: tuple[str, ...] = ()
    drugs: tuple[CaseDrug, ...] = ()
    tests: tuple[tuple[str, str], ...] = ()
    advice: str = ""
    ages: tuple[int, int] = (0, 120)
    fever: bool = False
    pressure: int = 0  # mmHg added to the systolic pressure
    refer: str = ""
    follow_up_days: int = 0
    female_only: bool = False
    long_term: bool = field(default=False)
    kept_from: int = 200  # years of age from which such a person is kept for some hours


CASES: tuple[Case, ...] = (
    Case(
        weight=16,
        reason="Ho, đau họng 2 ngày",
        history="Ho khan, đau họng, chảy nước mũi, sốt nhẹ về chiều.",
        examination="Họng đỏ, không giả mạc. Phổi không ran.",
        icd="J06.9",
        drugs=(
            CaseDrug(search="paracetamol 500", times=3, days=3),
            CaseDrug(search="clorpheniramin", times=2, days=5),
        ),
        advice="Uống nhiều nước ấm. Khám lại nếu sốt trên 3 ngày hoặc khó thở.",
        ages=(12, 90),
        fever=True,
    ),
    Case(
        weight=10,
        reason="Sốt, ho, chảy mũi",
        history="Trẻ sốt 2 ngày, ho có đờm, vẫn bú và chơi.",
        examination="Trẻ tỉnh, họng đỏ, phổi thông khí đều hai bên.",
        icd="J06.9",
        drugs=(CaseDrug(search="paracetamol 150", dose="1", times=3, days=3, meal=""),),
        advice="Lau mát, cho bú nhiều lần. Đưa trẻ đến ngay nếu bỏ bú, thở nhanh hoặc co giật.",
        ages=(0, 5),
        fever=True,
    ),
    Case(
        weight=16,
        reason="Tái khám tăng huyết áp",
        history="Tăng huyết áp đang điều trị, uống thuốc đều, thỉnh thoảng đau đầu vùng chẩm.",
        examination="Tim đều, phổi trong, không phù.",
        icd="I10",
        drugs=(CaseDrug(search="amlodipin 5", times=1, days=30),),
        advice="Ăn nhạt, đi bộ 30 phút mỗi ngày, uống thuốc đều.",
        ages=(45, 95),
        pressure=28,
        follow_up_days=28,
        long_term=True,
    ),
    Case(
        weight=7,
        reason="Tái khám đái tháo đường",
        history="Đái tháo đường típ 2, không tê tay chân, không sụt cân.",
        examination="Tim phổi bình thường, bàn chân không loét.",
        icd="E11.9",
        drugs=(CaseDrug(search="metformin 500", times=2, days=30),),
        tests=(("Đường huyết mao mạch", "8,4 mmol/L"),),
        advice="Ăn đúng bữa, giảm tinh bột, mang dép mềm.",
        ages=(40, 95),
        follow_up_days=28,
        long_term=True,
    ),
    Case(
        weight=9,
        reason="Đau bụng vùng trên rốn",
        history="Đau rát thượng vị, ợ chua, đau tăng khi đói.",
        examination="Bụng mềm, ấn đau nhẹ thượng vị.",
        icd="K29.7",
        drugs=(CaseDrug(search="omeprazol 20", times=1, days=14, meal="trước ăn 30 phút"),),
        advice="Ăn đúng giờ, kiêng rượu bia, cà phê.",
        ages=(16, 90),
    ),
    Case(
        weight=7,
        reason="Tiêu chảy 2 ngày",
        history="Đi ngoài phân lỏng 4 lần mỗi ngày, không có máu, uống được.",
        examination="Môi hơi khô, bụng mềm, nhu động ruột tăng.",
        icd="A09.0",
        drugs=(
            CaseDrug(search="oresol", times=4, days=2, meal="pha đúng lượng nước ghi trên gói"),
            CaseDrug(search="kẽm", times=1, days=10),
        ),
        advice="Uống oresol sau mỗi lần đi ngoài. Đến ngay nếu có máu trong phân hoặc li bì.",
        ages=(1, 80),
        kept_from=60,
    ),
    Case(
        weight=9,
        reason="Đau lưng khi làm rẫy",
        history="Đau thắt lưng sau mang vác, không lan xuống chân.",
        examination="Ấn đau cơ cạnh sống thắt lưng, vận động hạn chế nhẹ.",
        icd="M54.56",
        drugs=(CaseDrug(search="paracetamol 500", times=3, days=5),),
        advice="Nghỉ mang nặng một tuần, chườm ấm.",
        ages=(18, 85),
    ),
    Case(
        weight=5,
        reason="Ngứa, nổi mẩn ở tay",
        history="Ngứa nhiều về đêm, nổi mẩn đỏ từ một tuần.",
        examination="Mảng hồng ban, vài vết gãi, không bội nhiễm.",
        icd="L20.9",
        drugs=(CaseDrug(search="cetirizin", times=1, days=7, meal="buổi tối"),),
        advice="Tránh xà phòng mạnh, giữ ẩm da.",
        ages=(2, 80),
    ),
    Case(
        weight=5,
        reason="Khám thai định kỳ",
        history="Thai máy tốt, không ra máu, không đau bụng.",
        examination="Tim thai 142 lần/phút, ngôi đầu.",
        icd="Z34.9",
        drugs=(CaseDrug(search="sắt acid folic", times=1, days=30),),
        advice="Ăn đủ chất, theo dõi cử động thai.",
        ages=(18, 42),
        female_only=True,
        follow_up_days=28,
    ),
    Case(
        weight=4,
        reason="Sốt cao 3 ngày, đau mỏi người",
        history="Sốt liên tục, đau đầu, đau sau hốc mắt.",
        examination="Da xung huyết, chưa thấy xuất huyết, gan không to.",
        icd="A97.0",
        drugs=(CaseDrug(search="paracetamol 500", times=4, days=3),),
        tests=(("Dengue NS1", "Dương tính"),),
        advice="Uống nhiều nước. Đến ngay nếu nôn nhiều, chảy máu, đau bụng, lừ đừ.",
        ages=(6, 70),
        fever=True,
        follow_up_days=1,
    ),
    Case(
        weight=2,
        reason="Đau ngực trái từng cơn 3 ngày",
        history="Đau thắt ngực lan vai trái, vã mồ hôi, kéo dài 10 phút mỗi cơn.",
        examination="Tim đều, không nghe tiếng thổi, phổi trong.",
        icd="I20.0",
        secondary=("I10",),
        tests=(("Điện tim", "Chưa làm được tại trạm"),),
        ages=(45, 90),
        pressure=22,
        refer="Nghi hội chứng mạch vành cấp, cần xét nghiệm men tim và theo dõi.",
    ),
)


def choose_case(rng: random.Random, age: int, *, female: bool) -> Case:
    fitting = [
        case
        for case in CASES
        if case.ages[0] <= age <= case.ages[1] and (female or not case.female_only)
    ]
    return rng.choices(fitting, [case.weight for case in fitting])[0]


def vitals_for(rng: random.Random, case: Case, birth: BirthDate, months: int) -> VitalSigns:
    """Plausible measurements for an age, shifted by the case."""
    del birth
    years = months / 12
    child = years < 15
    pulse = 128 if months < 12 else 108 if years < 6 else 88 if child else 78
    temperature = Decimal(rng.randint(364, 372)) / 10
    if case.fever:
        temperature = Decimal(rng.randint(376, 389)) / 10
        pulse += 10
    if years < 1:
        weight = Decimal("3.3") + Decimal(months) * Decimal("0.55")
    elif child:
        weight = Decimal(str(round(8 + years * 2.3 + rng.uniform(-1, 1), 1)))
    else:
        weight = Decimal(str(round(rng.gauss(54, 7), 1)))
        weight = min(max(weight, Decimal(38)), Decimal(88))
    systolic = 112 + int(years * 0.32) + case.pressure + rng.randint(-8, 8)
    return VitalSigns(
        pulse=pulse + rng.randint(-6, 6),
        systolic=None if years < 6 else min(systolic if not child else 98, 176),
        diastolic=None
        if years < 6
        else (62 if child else 72 + case.pressure // 2 + rng.randint(-4, 4)),
        temperature=temperature,
        respiratory_rate=36 if months < 12 else 26 if years < 6 else 18,
        spo2=rng.randint(96, 99),
        weight=weight,
        height=None if child else Decimal(rng.randint(150, 172)),
    )


_TEST_CODES: Final = {"Đường huyết mao mạch": "glucose-mao-mach", "Dengue NS1": "dengue-ns1"}
"""Codes of the starter list, so that what was done can be charged."""


def tests_of(case: Case) -> tuple[Procedure, ...]:
    return tuple(
        Procedure(
            code=_TEST_CODES.get(name, f"demo-{index}"), name=name, is_test=True, result=result
        )
        for index, (name, result) in enumerate(case.tests)
    )
