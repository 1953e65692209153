"""Moves raw values between the fields of a form and the registration state, by the same names."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from station_emr.services.i18n import _
from station_emr.ui.kit import DateField, Field, Form, ParsedField
from station_emr.ui.models.moments import parse_day, show_day

from .lookups import CodedField
from .reading import REFUSED_DAY


def raw(field: Field) -> Any:
    """What stands in the field, understood or not."""
    if isinstance(field, ParsedField):
        return field.text_value()
    if isinstance(field, CodedField):
        return field.coded()
    found = field.value()
    return "" if found is None else found


def show_raw(field: Field, value: Any) -> None:
    """Put a raw value back, without telling anybody."""
    with field.quietly():
        if isinstance(field, ParsedField):
            if field.text_value() != value:
                field.set_value(None)
                field.line.setText(value)
        elif isinstance(field, CodedField):
            if field.coded() != value:
                field.set_coded(value)
        elif field.value() != value:
            field.set_value(value)


def read_form(form: Form) -> dict[str, Any]:
    return {key: raw(form.field(key)) for key in form.keys}


def show_form(form: Form, values: Mapping[str, Any]) -> None:
    for key in form.keys:
        if key in values:
            show_raw(form.field(key), values[key])


def day_field(today: Callable[[], date], placeholder: str = "") -> DateField[date]:
    """A date as typed, in the past or to come."""
    return DateField(
        lambda text: parse_day(text, today()),
        show_day,
        refusal=_(REFUSED_DAY),
        placeholder=placeholder,
    )
