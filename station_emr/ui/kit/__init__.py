"""The kit: everything a screen is made of. Screens import from here and set no colour or size.

Building blocks
  theme     ``apply_theme(app, "light"|"dark")``, ``dress(window)``, ``tokens()``, ``font(size, weight)``,
            GAP_S/M/L/XL
  layout    ``label(text, role, wrap=)``, ``hbox(...)``, ``vbox(...)`` (None = stretch), ``rule()``,
            ``scrolled(widget)``, ``clear(layout)``
  names     ``named(widget, "patient.name", spoken)``; every focusable widget needs a spoken name
  buttons   ``primary/secondary/quiet(text, name, shortcut=, icon=)``, ``icon_button(icon, name, spoken)``
  fields    LineField PasswordField TextField NumberField PressureField DateField GroupedField
            PhoneField ChoiceField SegmentedField CheckField TypeaheadField. All have ``value()``,
            ``set_value()``, ``set_problem(sentence|None, Severity)``, ``set_hint()``,
            ``set_read_only()``, ``editor`` and the signals ``changed`` ``entered`` ``left``
  forms     ``Form(record)``: ``add``, ``add_row``, ``values``, ``set_values``, ``set_problems``
  lists     ``Table(name, spoken, [Column(...)])``; ``Typeahead(line_edit, ...)`` for any editor
  looks     Card ChoiceCard Chip ChipRow EmptyState Banner Toast TrendChart IconLabel
  dialogs   ``dialogs.confirm/ask_text/ask_password/choose/show_problem/open_file/save_file``
  screen    ``Screen``: the base of every page, with its hooks

A screen, whole::

    class ReferralScreen(Screen):
        def __init__(self, runner: TaskRunner, referrals: Referrals) -> None:
            super().__init__("referral")
            self._runner, self._referrals = runner, referrals
            self.sign = primary(_("Ký và gửi"), "referral.sign", Shortcut.SIGN)
            self.header = self.add_header(_("Phiếu chuyển"), "", self.sign)
            self.state = Chip(_("Nháp"))
            self.header.add_beside_title(self.state)
            self.form = Form("referral")
            self.receiver = self.form.add(
                "receiver", _("&Nơi nhận"), TypeaheadField(two_lines=True), required=True
            )
            self.form.add("signs", _("&Dấu hiệu lâm sàng"), TextField())
            self.form.add_row(
                ("pulse", _("&Mạch"), NumberField(unit=_("lần/ph"))),
                ("pressure", _("&Huyết áp"), PressureField()),
            )
            card = Card()
            card.add(self.form)
            card.body.addStretch(1)
            self.page.addWidget(card, 1)
            self.receiver.wanted.connect(self._look_up)
            self.form.changed.connect(lambda _key: self._autosave())
            self.sign.clicked.connect(self._sign)

        def _look_up(self, text: str) -> None:
            self._runner.run(
                lambda: self._referrals.receivers(text),
                done=lambda rows: self.receiver.set_results(
                    [Suggestion(title=r.name, detail=r.level, payload=r.code,
                                matches=match_spans(r.name, text)) for r in rows], text),
                owner=self, latest="referral.receivers",
            )

        def _sign(self) -> None:
            values = self.form.values()
            self._runner.run(lambda: self._referrals.sign(values),
                             done=lambda _saved: self.say(_("Đã ký."), Severity.SUCCESS),
                             failed=self._refused, owner=self)

        def _refused(self, error: StationError) -> None:
            if isinstance(error, InvalidRecord):
                for left in self.form.set_problems(error.problems):
                    self.say(left.message, Severity.DANGER)
            else:
                self.say(str(error), Severity.DANGER)
"""

from station_emr.ui.kit import dialogs
from station_emr.ui.kit.banner import Banner, Message, Toast
from station_emr.ui.kit.buttons import Button, ButtonKind, icon_button, primary, quiet, secondary
from station_emr.ui.kit.cards import Card, ChoiceCard
from station_emr.ui.kit.chips import Chip, ChipSpec, chip_size, paint_chip
from station_emr.ui.kit.choice_fields import (
    CheckField,
    ChoiceField,
    Option,
    SegmentedField,
    combo,
    fixed_width,
)
from station_emr.ui.kit.empty import EmptyState
from station_emr.ui.kit.field import Field, InputFrame
from station_emr.ui.kit.flow import ChipRow, FlowLayout
from station_emr.ui.kit.forms import Form
from station_emr.ui.kit.icons import IconLabel, icon, paint_icon
from station_emr.ui.kit.layout import clear, hbox, label, rule, scrolled, vbox
from station_emr.ui.kit.memory import Memory, use_memory
from station_emr.ui.kit.names import named, plain, with_role
from station_emr.ui.kit.number_fields import NumberField, PressureField, number_text
from station_emr.ui.kit.refcount import guard_constants
from station_emr.ui.kit.row_model import Column, RowModel
from station_emr.ui.kit.screen import Screen, ScreenHeader
from station_emr.ui.kit.severity import Severity
from station_emr.ui.kit.shortcuts import Shortcut
from station_emr.ui.kit.spark import Line, TrendChart
from station_emr.ui.kit.suggestions import Suggestion, SuggestionList, match_spans
from station_emr.ui.kit.tables import Table, plain_table
from station_emr.ui.kit.text_fields import (
    CARD_GROUPS,
    NATIONAL_ID_GROUPS,
    PHONE_GROUPS,
    DateField,
    GroupedField,
    LineField,
    ParsedField,
    PasswordField,
    PhoneField,
    TextField,
    bare_line,
    grouped,
    masked,
)
from station_emr.ui.kit.theme import (
    GAP_L,
    GAP_M,
    GAP_S,
    GAP_XL,
    GAP_XS,
    Tokens,
    apply_theme,
    colour,
    contrast,
    dress,
    font,
    tokens,
)
from station_emr.ui.kit.typeahead import Typeahead, TypeaheadField

guard_constants()

__all__ = [
    "CARD_GROUPS",
    "GAP_L",
    "GAP_M",
    "GAP_S",
    "GAP_XL",
    "GAP_XS",
    "NATIONAL_ID_GROUPS",
    "PHONE_GROUPS",
    "Banner",
    "Button",
    "ButtonKind",
    "Card",
    "CheckField",
    "Chip",
    "ChipRow",
    "ChipSpec",
    "ChoiceCard",
    "ChoiceField",
    "Column",
    "DateField",
    "EmptyState",
    "Field",
    "FlowLayout",
    "Form",
    "GroupedField",
    "IconLabel",
    "InputFrame",
    "Line",
    "LineField",
    "Memory",
    "Message",
    "NumberField",
    "Option",
    "ParsedField",
    "PasswordField",
    "PhoneField",
    "PressureField",
    "RowModel",
    "Screen",
    "ScreenHeader",
    "SegmentedField",
    "Severity",
    "Shortcut",
    "Suggestion",
    "SuggestionList",
    "Table",
    "TextField",
    "Toast",
    "Tokens",
    "TrendChart",
    "Typeahead",
    "TypeaheadField",
    "apply_theme",
    "bare_line",
    "chip_size",
    "clear",
    "colour",
    "combo",
    "contrast",
    "dialogs",
    "dress",
    "fixed_width",
    "font",
    "grouped",
    "hbox",
    "icon",
    "icon_button",
    "label",
    "masked",
    "match_spans",
    "named",
    "number_text",
    "paint_chip",
    "paint_icon",
    "plain",
    "plain_table",
    "primary",
    "quiet",
    "rule",
    "scrolled",
    "secondary",
    "tokens",
    "use_memory",
    "vbox",
    "with_role",
]
