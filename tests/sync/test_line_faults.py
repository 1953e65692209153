"""What servers and lines answer besides the truth, over real sockets."""

from __future__ import annotations

from dataclasses import replace

import pytest

from station_emr.domain.record import RecordKind
from station_emr.domain.sync import LinkState, LinkTrouble
from tests.interop import fhir_records as sample
from tests.sync.conftest import Server, Station
from tests.sync.faults import PORTAL, Fault, FaultyLine, canned

OUTCOME = (
    '{"resourceType":"OperationOutcome","issue":[{"severity":"error","code":"%s",'
    '"diagnostics":"test"}]}'
)


LINE_FAULTS = {
    "cut-request-head": Fault(cut_request=40),
    "cut-request-body": Fault(cut_request=900),
    "reply-lost": Fault(drop_reply=True),
    "reply-cut-in-head": Fault(cut_reply=20),
    "reply-cut-in-body": Fault(cut_reply=400),
    "captive-portal": PORTAL,
    "captive-portal-redirect": canned("302 Found", headers={"Location": "http://127.0.0.1/login"}),
    "empty-200": canned("200 OK"),
    "not-a-bundle": canned("200 OK", '{"resourceType":"Patient"}'),
    "no-entries": canned("200 OK", '{"resourceType":"Bundle","type":"transaction-response"}'),
    "half-json": canned("200 OK", '{"resourceType":"Bund'),
    "503": canned("503 Service Unavailable", OUTCOME % "transient"),
    "504-html": canned("504 Gateway Timeout", "<html/>", "text/html"),
    "429": canned("429 Too Many Requests", OUTCOME % "throttled", headers={"Retry-After": "7"}),
    "408": canned("408 Request Timeout"),
}


@pytest.mark.parametrize("fault", LINE_FAULTS.values(), ids=LINE_FAULTS.keys())
def test_a_broken_line_loses_nothing_and_the_next_run_heals(
    station: Station, running: Server, line: FaultyLine, fault: Fault
) -> None:
    station.sign(sample.PATIENT)
    good = station.another(1)
    line.plan = [None, fault]
    engine = station.engine(line)

    broken = engine.run_once()

    assert (broken.outcome, broken.sent, broken.quarantined) == ("offline", 0, 0)
    assert broken.detail
    assert len(station.waiting()) == 2
    healed = engine.run_once()
    assert (healed.outcome, healed.sent) == ("complete", 2)
    assert running.count("Patient") == 2
    assert running.read(f"Patient/{good.id}").ok


def test_a_server_that_asks_for_time_is_given_it(station: Station, line: FaultyLine) -> None:
    station.sign(sample.PATIENT)
    line.plan = [None, LINE_FAULTS["429"]]
    engine = station.engine(line)

    engine.run_once()

    assert engine.retry_after == 7.0
    assert engine.link() is LinkState.OFFLINE


def test_a_slow_line_is_a_line(station: Station, running: Server, line: FaultyLine) -> None:
    """Silence ends a request; slowness does not."""
    station.sign(sample.PATIENT)
    line.plan = [None, Fault(trickle=0.0001)]

    assert station.engine(line).run_once().outcome == "complete"


def test_silence_ends_a_request(station: Station, line: FaultyLine) -> None:
    station.sign(sample.PATIENT)
    line.plan = [Fault(silent=True)]

    run = station.engine(line, stall=0.2).run_once()

    assert run.outcome == "offline"
    assert "không trả lời kịp" in run.detail


@pytest.mark.parametrize(
    "answer",
    [
        '{"resourceType":"Bundle","type":"transaction-response","entry":['
        '{"response":{"status":"422","outcome":%s}}]}' % (OUTCOME % "code-invalid"),
        '{"resourceType":"Bundle","type":"transaction-response","entry":['
        '{"response":{"status":"200 OK","outcome":%s}}]}' % (OUTCOME % "invariant"),
    ],
    ids=["entry-422", "entry-200-with-error"],
)
def test_a_refusal_inside_http_200_is_a_refusal(
    station: Station, line: FaultyLine, answer: str
) -> None:
    person = replace(
        sample.PATIENT, coverages=(), allergies=(), conditions=()
    )  # a unit of one entry
    station.sign(person)
    line.plan = [None, canned("200 OK", answer)]

    run = station.engine(line).run_once()

    assert (run.sent, run.quarantined) == (0, 1)
    assert sample.PATIENT_ID in station.quarantined()


def test_one_unwell_unit_is_held_and_the_others_pass(
    station: Station, running: Server, line: FaultyLine
) -> None:
    station.sign(sample.PATIENT)
    good = station.another(1)
    broken = canned("500 Internal Server Error", OUTCOME % "exception")
    line.plan = [None, broken, broken]  # compressed, then plainly: two requests for one unit

    run = station.engine(line).run_once()

    assert (run.outcome, run.sent, run.quarantined) == ("partial", 1, 0)
    assert station.waiting() == [(RecordKind.PATIENT, sample.PATIENT_ID)]
    assert running.read(f"Patient/{good.id}").ok
    with station.store.read() as work:
        assert work.outbox.waiting(1)[0].attempts == 1


def test_a_device_that_is_not_allowed_stops_and_says_so(station: Station, running: Server) -> None:
    station.work_a_day()
    engine = station.engine(running, token="revoked")

    run = engine.run_once()

    assert (run.outcome, run.sent) == ("refused", 0)
    assert "từ chối thiết bị" in run.detail
    assert engine.trouble is LinkTrouble.REFUSED
    assert engine.link() is LinkState.REFUSED
    assert len(station.waiting()) == 7


def test_a_server_of_another_kind_never_receives_a_record(
    station: Station, line: FaultyLine
) -> None:
    station.work_a_day()
    line.plan = [canned("200 OK", '{"resourceType":"CapabilityStatement","fhirVersion":"3.0.1"}')]

    run = station.engine(line).run_once()

    assert run.outcome == "refused"
    assert line.requests == ["GET /fhir/metadata"]


def test_a_server_without_transactions_never_receives_a_record(
    station: Station, line: FaultyLine
) -> None:
    station.work_a_day()
    statement = (
        '{"resourceType":"CapabilityStatement","fhirVersion":"4.0.1",'
        '"rest":[{"mode":"server","interaction":[{"code":"batch"}]}]}'
    )
    line.plan = [canned("200 OK", statement)]

    assert station.engine(line).run_once().outcome == "refused"
    assert len(line.requests) == 1


def test_a_server_that_cannot_unpack_is_sent_plain_text_from_then_on(
    station: Station, running: Server, line: FaultyLine
) -> None:
    station.work_a_day()
    line.plan = [None, canned("415 Unsupported Media Type", OUTCOME % "not-supported")]
    engine = station.engine(line)

    run = engine.run_once()

    assert (run.outcome, run.sent) == ("complete", 7)
    assert len(line.requests) == 1 + 7 + 1
    with station.store.read() as work:
        remembered = work.settings.get("sync.server_facts")
    assert '"gzip":false' in (remembered or "")


def test_every_attempt_that_means_something_is_kept_as_evidence(
    station: Station, running: Server, line: FaultyLine
) -> None:
    station.work_a_day()
    engine = station.engine(line)
    line.down = True
    engine.run_once()
    engine.run_once()  # still away: the same news, no second line
    line.down = False
    engine.run_once()
    engine.run_once()  # nothing to do: no line either

    with station.store.read() as work:
        runs = work.outbox.runs(10)
    assert [run.outcome for run in runs] == ["complete", "offline"]
    assert runs[0].bytes_up > 1000
    assert runs[0].bytes_down > 1000
    assert runs[1].detail.startswith("Không kết nối được máy chủ tỉnh.") or runs[1].detail


def test_the_servers_clock_is_compared_with_ours(station: Station, running: Server) -> None:
    engine = station.engine(running)

    engine.run_once()

    assert engine.clock_skew is not None
    assert abs(engine.clock_skew.total_seconds()) < 60
