"""From the station's letter to the hospital's page and back: nothing but the real programs."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from station_emr.domain.referral_feedback import FeedbackState, ReferralFeedback
from station_emr.sync import operation_line
from tests.databases import open_database
from tests.interop import fhir_records as sample
from tests.server.inbox_client import Visitor, hospital
from tests.sync.conftest import Server
from tests.sync.exchange_machines import Machine, new_machine, second_device

LETTER = sample.REFERRAL
SLIP = {
    "admitted_on": "2026-11-20",
    "discharged_on": "2026-11-24",
    "diagnosis_code": "I20.0",
    "diagnosis": "Cơn đau thắt ngực đã ổn định",
    "treatment": "Đặt một giá đỡ mạch vành\nkhông biến chứng",
    "outcome": "Đỡ",
    "medicines": "Aspirin 81 mg, sáng 1 viên",
    "advice": "Đo huyết áp mỗi tuần",
    "follow_up_on": "2026-12-24",
    "follow_up_at": "Phòng khám tim mạch",
    "doctor": "BS. Mẫu",
}
Make = Callable[..., Machine]


@pytest.fixture(scope="module")
def _shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A province of its own: to the hospital of the samples every other test writes too."""
    province = Server(tmp_path_factory.mktemp("province"))
    province.start()
    yield province
    province.stop()


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    made: list[Machine] = []

    def machine(to: Any) -> Machine:
        made.append(new_machine(tmp_path, to, f"station{len(made)}"))
        return made[-1]

    yield machine
    for one in made:
        one.store.close()


@pytest.fixture
def clerk(running: Server) -> Iterator[Visitor]:
    """Somebody at the hospital that the letter names, logged in."""
    database = open_database(running.folder / "province.db")
    _, name = hospital(SimpleNamespace(database=database), LETTER.to_facility_code)
    database.close()
    one = Visitor(running.url.removesuffix("/fhir"))
    assert one.log_in(name).status_code == 303
    yield one
    one.session.close()


def new_letter(clerk: Visitor, station: Server) -> str:
    """The address of this station's letter. The server shows a letter a moment after it took it, and
    other stations of the same server have written to the hospital too.
    """
    start = f'href="/web/inbox/{station.facility}/'
    until = time.monotonic() + 60
    while time.monotonic() < until:
        rows = clerk.get("/web/inbox?state=unread").text.partition("<tbody>")[2]
        if start in rows:
            return start.removeprefix('href="') + rows.partition(start)[2].partition('"')[0]
    raise AssertionError("the letter never came")


def answer_of(machine: Machine) -> ReferralFeedback | None:
    with machine.store.read() as work:
        found = work.feedback.of_referral(LETTER.id)
    return None if found is None else found.record


def test_a_letter_goes_out_and_its_answer_comes_home(
    make: Make, running: Server, clerk: Visitor
) -> None:
    one = make(running)
    one.work_a_day()
    assert one.sync().verified
    path = new_letter(clerk, running)
    page = clerk.get(path).text
    assert LETTER.number in page
    assert LETTER.clinical_signs in page

    assert clerk.answer(path, "accept").status_code == 303
    assert one.sync().verified
    accepted = answer_of(one)
    assert accepted is not None
    assert (accepted.state, accepted.patient_id) == (FeedbackState.ACCEPTED, LETTER.patient_id)
    assert accepted.answered_by == "Người nhận mẫu"

    assert clerk.answer(path, "feedback", **SLIP).status_code == 303
    run = one.sync()

    assert (run.outcome, run.verified) == ("complete", True)
    answer = answer_of(one)
    assert answer is not None
    assert answer.state is FeedbackState.COMPLETED
    said = {name: getattr(answer, name) for name in SLIP}
    shown = {name: v if isinstance(v, str) else v.isoformat() for name, v in said.items()}
    assert shown == SLIP
    with one.store.read() as work:
        row = work.referrals.row(LETTER.id)
        assert row is not None
        assert (row.answer, row.answer_new) == (FeedbackState.COMPLETED, True)
        assert len(work.feedback.versions(answer.id)) == 2

    # Another PC of the station, empty until now, gets letter and answer in whatever order.
    other = make(second_device(running))
    assert other.sync().verified
    assert answer_of(other) == answer

    # The station's next version of the letter carries nothing of the answer, and loses none.
    one.amend(LETTER, plan="Theo dõi sát")
    assert one.sync().verified
    assert "Theo dõi sát" in clerk.get(path).text
    assert answer_of(one) == answer


def test_an_older_program_keeps_the_answer_until_it_understands_it(
    make: Make, running: Server, clerk: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = make(running)
    one.work_a_day()
    assert one.sync().verified
    assert (
        clerk.answer(new_letter(clerk, running), "decline", reason="Hết giường").status_code == 303
    )
    with monkeypatch.context() as older:
        older.setattr(operation_line, "_KINDS", operation_line._KINDS - {"feedback"})
        run = one.sync()
        assert run.outcome == "complete"
        assert answer_of(one) is None
        one.another(7)  # the day goes on
        assert one.sync().outcome == "complete"
        before = one.tally()

    run = one.sync(program="station-emr 0.2.0")

    assert (run.outcome, run.verified) == ("complete", True)
    answer = answer_of(one)
    assert answer is not None
    assert (answer.state, answer.reason) == (FeedbackState.REJECTED, "Hết giường")
    assert one.tally() == before
