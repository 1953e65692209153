"""The server's own table of R4 and its answers, against two independent implementations."""

from __future__ import annotations

import json

import fhirkit
import pytest

from tests.server import r4_table
from tests.server.samples import bundle, encounter, entry, observation, patient, unit


def test_the_table_of_elements_is_the_standards():
    assert r4_table.TABLE.read_text("utf-8") == r4_table.render()
