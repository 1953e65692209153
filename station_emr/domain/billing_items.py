"""The rows of a bill and who pays for them (tables XML2 and XML3, QĐ 4750).

Every amount is computed from the item and never stored, so no sum can disagree with its rows.
Amounts are rounded half up to two decimals per row; sums are sums of rounded rows.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Final

from .money import HUNDRED, ZERO, money_text, round2, share, times, total

IN_SCOPE: Final = "1"
OUT_OF_SCOPE: Final = "2"
FEE_FOR_SERVICE: Final = "1"  # MA_PTTT


class ItemKind(StrEnum):
    SERVICE = "service"
    DRUG = "drug"
    MATERIAL = "material"

    @property
    def label(self) -> str:
        return {"service": "Dịch vụ", "drug": "Thuốc", "material": "Vật tư"}[self.value]


class Help(StrEnum):
    """Whom money of another source helps: it decides what that money is taken off (T_NGUONKHAC).

    ``PERSON`` (case a): what the patient pays alone, then the co-payment, then the fund's part.
    ``FACILITY`` (case b): off the whole first, the rest is split as usual. ``COPAY`` (ARV): the
    co-payment alone.
    """

    PERSON = "person"
    FACILITY = "facility"
    COPAY = "copay"

    @property
    def label(self) -> str:
        return {
            "person": "Hỗ trợ riêng người bệnh",
            "facility": "Hỗ trợ chung cho cơ sở",
            "copay": "Trả thay phần cùng chi trả (ARV)",
        }[self.value]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """Money of others (T_NGUONKHAC_*): state budget, from abroad, from inside the country, the rest."""

    nsnn: Decimal = ZERO
    vtnn: Decimal = ZERO
    vttn: Decimal = ZERO
    cl: Decimal = ZERO

    @property
    def amounts(self) -> tuple[Decimal, Decimal, Decimal, Decimal]:
        return self.nsnn, self.vtnn, self.vttn, self.cl

    @property
    def total(self) -> Decimal:
        return total(self.amounts)


NO_SOURCES: Final = Sources()


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """One row's money. ``amount_bv`` = ``self_pay`` + ``copay`` + ``fund_pays`` + ``other``."""

    amount_bv: Decimal
    amount_bh: Decimal
    self_pay: Decimal
    copay: Decimal
    fund_pays: Decimal
    other: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class BillItem:
    """One row of the bill. ``card`` is the card it goes to, empty for the bill's first card.

    A drug has one price and no service ratio: its ``insured_price`` equals ``price``. ``group`` is
    MA_NHOM, ``scope`` PHAM_VI, ``benefit`` MUC_HUONG in percent (47.5 is possible since QĐ 1931).
    """

    kind: ItemKind
    code: str
    name: str
    unit: str = ""
    group: str = ""
    quantity: Decimal = Decimal(1)
    price: Decimal = ZERO
    insured_price: Decimal = ZERO
    service_ratio: int = 100
    insured_ratio: int = 100
    scope: str = IN_SCOPE
    benefit: Decimal = HUNDRED
    payment_method: str = FEE_FOR_SERVICE
    funding: str = "1"  # NGUON_CTRA
    sources: Sources = NO_SOURCES
    help: Help = Help.PERSON
    card: str = ""
    tender: str = ""  # TT_THAU
    registration: str = ""  # SO_DANG_KY
    strength: str = ""  # HAM_LUONG
    form: str = ""  # DANG_BAO_CHE
    route_code: str = ""  # DUONG_DUNG
    dosage: str = ""  # LIEU_DUNG
    instruction: str = ""  # CACH_DUNG
    ordered_at: datetime | None = None
    done_at: datetime | None = None
    result_at: datetime | None = None
    ordered_by: str = ""  # licence number, MA_BAC_SI
    done_by: str = ""  # licence number, NGUOI_THUC_HIEN
    device: str = ""  # MA_MAY
    package: str = ""  # GOI_VTYT
    service_code: str = ""  # the service a material or drug was used in
    listed: str = ""  # the row of the approved list it was taken from
    prescription_id: str = ""
    prescription_line: int | None = None  # 0-based line of that prescription
    procedure: int | None = None  # 0-based procedure of the visit

    @property
    def label(self) -> str:
        """The row in one sentence, for histories and for two versions side by side."""
        split = self.split
        parts = (
            ("quỹ trả", split.fund_pays),
            ("cùng chi trả", split.copay),
            ("tự trả", split.self_pay),
            ("nguồn khác", split.other),
        )
        shares = ", ".join(f"{name} {money_text(amount)}" for name, amount in parts if amount)
        ratios = f"dịch vụ {self.service_ratio}%, BHYT {self.insured_ratio}%, hưởng {money_text(self.benefit)}%"
        said = (
            f"{self.code} {self.name}: {money_text(self.quantity)} {self.unit} × "
            f"{money_text(self.price)} đ = {money_text(split.amount_bv)} đ"
        )
        who = " ".join(
            part for part in (f"thẻ {self.card}" * bool(self.card), self.done_by) if part
        )
        return f"{said} ({'; '.join(part for part in (ratios, shares, who) if part)})"

    @property
    def split(self) -> Split:
        return _split(self)

    @property
    def amount_bv(self) -> Decimal:
        """THANH_TIEN_BV."""
        return round2(share(times(self.quantity, self.price), self._service_ratio, HUNDRED))

    @property
    def amount_bh(self) -> Decimal:
        """THANH_TIEN_BH. Help to the facility is taken off before the insured part is counted."""
        if self.scope == OUT_OF_SCOPE:
            return round2(ZERO)
        if self.help is Help.FACILITY and self.other:
            rest = times(max(self.amount_bv - self.other, ZERO), self.insured_ratio)
            return round2(share(rest, self._insured_price, self.price * HUNDRED))
        return round2(
            share(
                times(self.quantity, self._insured_price, self._service_ratio),
                Decimal(self.insured_ratio),
                HUNDRED * HUNDRED,
            )
        )

    @property
    def fund_pays(self) -> Decimal:
        """T_BHTT of the row."""
        return self.split.fund_pays

    @property
    def copay(self) -> Decimal:
        """T_BNCCT of the row."""
        return self.split.copay

    @property
    def self_pay(self) -> Decimal:
        """T_BNTT of the row."""
        return self.split.self_pay

    @property
    def other(self) -> Decimal:
        """T_NGUONKHAC of the row."""
        return self.sources.total

    @property
    def _service_ratio(self) -> Decimal:
        return HUNDRED if self.kind is ItemKind.DRUG else Decimal(self.service_ratio)

    @property
    def _insured_price(self) -> Decimal:
        return self.price if self.kind is ItemKind.DRUG else self.insured_price


def _split(item: BillItem) -> Split:
    amount_bv, amount_bh, other = item.amount_bv, item.amount_bh, item.other
    fund = round2(share(amount_bh, item.benefit, HUNDRED))
    copay = amount_bh - fund
    alone = amount_bv - amount_bh
    if item.help is Help.FACILITY:
        alone -= other  # the other two were counted from what is left
    elif item.help is Help.COPAY:
        copay -= other
    else:
        left = other
        from_alone = min(left, alone)
        left -= from_alone
        from_copay = min(left, copay)
        alone, copay, fund = alone - from_alone, copay - from_copay, fund - (left - from_copay)
    return Split(
        amount_bv=amount_bv,
        amount_bh=amount_bh,
        self_pay=alone,
        copay=copay,
        fund_pays=fund,
        other=other,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class BillTotals:
    """The sums of table XML1. ``t_bhtt`` is the sum of the rows: what the gateway compares with."""

    t_thuoc: Decimal
    t_vtyt: Decimal
    t_tongchi_bv: Decimal
    t_tongchi_bh: Decimal
    t_bntt: Decimal
    t_bncct: Decimal
    t_bhtt: Decimal
    t_nguonkhac: Decimal
    t_bhtt_gdv: Decimal

    @property
    def patient_pays(self) -> Decimal:
        return self.t_bncct + self.t_bntt


def totals_of(items: Iterable[BillItem]) -> BillTotals:
    rows = [(item, item.split) for item in items]
    return BillTotals(
        t_thuoc=total([s.amount_bv for i, s in rows if i.kind is ItemKind.DRUG]),
        t_vtyt=total([s.amount_bv for i, s in rows if i.kind is ItemKind.MATERIAL]),
        t_tongchi_bv=total([s.amount_bv for _i, s in rows]),
        t_tongchi_bh=total([s.amount_bh for _i, s in rows]),
        t_bntt=total([s.self_pay for _i, s in rows]),
        t_bncct=total([s.copay for _i, s in rows]),
        t_bhtt=total([s.fund_pays for _i, s in rows]),
        t_nguonkhac=total([s.other for _i, s in rows]),
        t_bhtt_gdv=total([s.fund_pays for i, s in rows if i.payment_method == FEE_FOR_SERVICE]),
    )
