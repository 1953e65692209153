"""After a log-out garbage dies and memory is scrubbed where widgets may die: on the GUI thread."""

from __future__ import annotations

import gc
import importlib.util
import threading
import weakref

import pytest

from station_emr.security import forgetting
from tests.ui.program_driver import _cheap, own_address, start

__all__ = ["_cheap", "start"]
pytestmark = own_address


class Page:
    """Refers to itself, as a page does through its slots."""

    def __init__(self) -> None:
        self.itself = self


def note_end(ended: list[int]) -> None:
    weakref.finalize(Page(), lambda: ended.append(threading.get_ident()))


@pytest.fixture
def scrub():
    """The real one: in other tests it does nothing."""
    spec = importlib.util.spec_from_file_location("forgetting_itself", forgetting.__file__)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.scrub


def test_scrubbing_collects_only_where_every_thread_may(scrub) -> None:
    ended: list[int] = []
    gc.disable()
    try:
        note_end(ended)
        elsewhere = threading.Thread(target=scrub)
        elsewhere.start()
        elsewhere.join()
        assert ended == []
    finally:
        gc.enable()
    scrub()
    assert ended == [threading.get_ident()]


def test_what_a_log_out_leaves_dies_on_the_gui_thread(start, qtbot, monkeypatch) -> None:
    ended: list[int] = []
    scrubbed: list[tuple[int, int]] = []
    driver = start()
    driver.log_in()
    monkeypatch.setattr(
        forgetting, "scrub", lambda: scrubbed.append((threading.get_ident(), len(ended)))
    )
    note_end(ended)
    driver.program.desk.log_out()
    qtbot.waitUntil(lambda: len(scrubbed) == 2)
    here = threading.get_ident()
    assert ended == [here]
    assert scrubbed[0][0] != here
    assert scrubbed[1] == (here, 1)
