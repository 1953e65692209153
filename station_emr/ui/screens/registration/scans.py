"""What a scanned card does to the form: fills, adds, or asks. No widgets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date

from station_emr.domain.birth import BirthDate, parse_birth
from station_emr.domain.catalog import CatalogKind
from station_emr.domain.errors import InvalidRecord
from station_emr.domain.identity import group_number, mask_number
from station_emr.domain.patient import Coverage
from station_emr.domain.scan import CitizenCardScan, InsuranceCardScan, NumberScan
from station_emr.domain.text import fold
from station_emr.services.catalogs import Catalogs
from station_emr.services.i18n import _

from .places import split_address
from .state import Coded, CoverageEntry, RegistrationState, coverage_entry

Scan = CitizenCardScan | InsuranceCardScan | NumberScan


@dataclass(frozen=True, slots=True, kw_only=True)
class Filled:
    """The form after a scan. ``address`` is the card's own line, still to be split."""

    state: RegistrationState
    said: str
    address: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SomebodyElse:
    """The card names another person than the form: nothing was changed."""

    message: str
    action: str


Outcome = Filled | SomebodyElse


def fill(state: RegistrationState, scan: Scan, today: date, *, forced: bool = False) -> Outcome:
    """Fill the form from a card. ``forced`` adds an insurance card whose name differs."""
    if isinstance(scan, CitizenCardScan):
        return _citizen(state, scan)
    if isinstance(scan, InsuranceCardScan):
        return _insurance(state, scan, today, forced=forced)
    return _number(state, scan)


def _citizen(state: RegistrationState, scan: CitizenCardScan) -> Outcome:
    present = "".join(state.national_id.split())
    other_number = bool(present) and present != scan.national_id
    other_name = not present and _names_differ(
        state.full_name, scan.full_name, uncertain=scan.name_uncertain
    )
    if other_number or other_name:
        return SomebodyElse(
            message=_(
                "Thẻ vừa quét là của {name} (số {number}), khác với người đang tiếp đón. "
                "Chưa thay đổi gì."
            ).format(name=scan.full_name or _("người khác"), number=mask_number(scan.national_id)),
            action=_("Tiếp đón người này"),
        )
    found = {
        "national_id": scan.national_id,
        "full_name": scan.full_name,
        "birth": scan.birth.display() if scan.birth else "",
        "sex": scan.sex if scan.sex != "unknown" else "",
        "old_national_id": scan.old_id,
        "issued_on": f"{scan.issued_on:%d/%m/%Y}" if scan.issued_on else "",
    }
    filled = _with(state, found)
    filled = replace(
        filled, card_extra=scan.extra or state.card_extra, name_uncertain=scan.name_uncertain
    )
    return Filled(state=filled, said=_("Đã điền từ thẻ căn cước."), address=scan.address)


def _insurance(
    state: RegistrationState, scan: InsuranceCardScan, today: date, *, forced: bool
) -> Outcome:
    differs = _names_differ(state.full_name, scan.full_name, uncertain=scan.name_uncertain)
    born = _typed_birth(state.birth, today)
    if scan.birth is not None and born is not None and not scan.birth.agrees_with(born):
        differs = True
    if differs and not forced:
        return SomebodyElse(
            message=_(
                "Thẻ BHYT vừa quét ghi {name}, sinh {birth}, khác với người đang tiếp đón. "
                "Chưa thay đổi gì. Hãy so lại thẻ."
            ).format(name=scan.full_name or "…", birth=scan.birth.display() if scan.birth else "…"),
            action=_("Đúng thẻ người này, thêm thẻ"),
        )
    found = {
        "full_name": "" if state.full_name else scan.full_name,
        "birth": "" if state.birth else (scan.birth.display() if scan.birth else ""),
        "sex": "" if state.sex or scan.sex == "unknown" else scan.sex,
    }
    uncertain = state.name_uncertain if state.full_name else scan.name_uncertain
    filled = replace(_with(state, found), name_uncertain=uncertain)
    card = coverage_entry(
        Coverage(
            number=scan.number,
            valid_from=scan.valid_from,
            valid_to=scan.valid_to,
            initial_facility=scan.initial_facility,
            living_area=scan.living_area,
            five_year_on=scan.five_year_on,
        )
    )
    address = "" if state.address_line or "commune" in state.scanned else scan.address
    return Filled(
        state=_add_card(filled, card),
        said=_("Đã thêm thẻ BHYT {number}.").format(number=group_number(scan.number)),
        address=address,
    )


def _number(state: RegistrationState, scan: NumberScan) -> Outcome:
    if scan.also:
        return SomebodyElse(
            message=_(
                "Số {number} có thể là số điện thoại hoặc số thẻ BHYT. Chưa thay đổi gì. "
                "Hãy gõ vào đúng ô."
            ).format(number=group_number(scan.value)),
            action="",
        )
    if scan.kind == "insurance":
        card = CoverageEntry(number=scan.value)
        return Filled(
            state=_add_card(state, card),
            said=_("Đã thêm số thẻ BHYT. Hãy ghi hạn của thẻ."),
        )
    key = {"national_id": "national_id", "old_id": "old_national_id", "phone": "phone"}[scan.kind]
    present = "".join(str(getattr(state, key)).split())
    if present and present != scan.value:
        return SomebodyElse(
            message=_(
                "Số vừa quét ({number}) khác với số đã ghi trên phiếu. Chưa thay đổi gì."
            ).format(number=mask_number(scan.value)),
            action="",
        )
    return Filled(state=_with(state, {key: scan.value}), said=_("Đã điền số vừa quét."))


def _with(state: RegistrationState, found: dict[str, str]) -> RegistrationState:
    """The form with what the card says; an empty value of the card leaves the field alone."""
    taken = {key: value for key, value in found.items() if value}
    scanned = tuple(dict.fromkeys((*state.scanned, *taken)))
    return replace(state, scanned=scanned, **taken)  # type: ignore[arg-type]


def _add_card(state: RegistrationState, card: CoverageEntry) -> RegistrationState:
    """The newest card stands last; the same number is renewed in its place."""
    cards = list(state.coverages)
    numbers = ["".join(known.number.split()).upper() for known in cards]
    if card.number in numbers:
        place = numbers.index(card.number)
        known = cards[place]
        cards[place] = replace(
            card,
            valid_from=card.valid_from or known.valid_from,
            valid_to=card.valid_to or known.valid_to,
            facility=card.facility if card.facility.code else known.facility,
            living_area=card.living_area or known.living_area,
            five_year_on=card.five_year_on or known.five_year_on,
            copay_exempt_on=known.copay_exempt_on,  # no card says it
        )
    else:
        cards = [known for known in cards if known != CoverageEntry()]
        place = len(cards)
        cards.append(card)
    scanned = tuple(dict.fromkeys((*state.scanned, f"coverages.{place}")))
    return replace(state, coverages=tuple(cards), scanned=scanned)


@dataclass(frozen=True, slots=True, kw_only=True)
class Completion:
    """What the lists say about a card: its address in today's communes, names of facilities."""

    address: str
    line: str
    commune: Coded
    facilities: Mapping[str, str]


def look_up(catalogs: Catalogs, state: RegistrationState, address: str, home: Coded) -> Completion:
    """Runs off the GUI thread."""
    codes = {entry.facility.code for entry in state.coverages if entry.facility.code}
    rows = {code: catalogs.find(CatalogKind.FACILITY, code) for code in codes}
    line, commune = split_address(address, catalogs.search, catalogs.find, home)
    return Completion(
        address=address,
        line=line,
        commune=commune,
        facilities={code: row.name for code, row in rows.items() if row is not None},
    )


def complete(state: RegistrationState, found: Completion) -> RegistrationState:
    """The form with the card's address and the names of its facilities."""
    cards = tuple(_name_facility(entry, found.facilities) for entry in state.coverages)
    state = replace(state, coverages=cards)
    if not found.address:
        return state
    marks = ("address_line",) if found.commune == Coded() else ("address_line", "commune")
    return replace(
        state,
        address_line=found.line,
        commune=found.commune,
        scanned=tuple(dict.fromkeys((*state.scanned, *marks))),
    )


def _name_facility(entry: CoverageEntry, names: Mapping[str, str]) -> CoverageEntry:
    known = entry.facility
    if known.name or known.code not in names:
        return entry
    return replace(entry, facility=replace(known, name=names[known.code]))


def _names_differ(typed: str, read: str, *, uncertain: bool) -> bool:
    """Whether two names cannot be one person's; a name the scanner spoilt proves nothing."""
    if not typed.strip() or not read.strip() or uncertain:
        return False
    return fold(typed) != fold(read)


def _typed_birth(text: str, today: date) -> BirthDate | None:
    try:
        return parse_birth(text, today)
    except InvalidRecord:
        return None
