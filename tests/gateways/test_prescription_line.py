"""The line to the national e-prescription system against its imitation."""

import json
from dataclasses import replace

import pytest

from station_emr.demo.gateways_serving import Fault
from station_emr.domain.gateway import Outcome

GOOD = {
    "loai_don_thuoc": "c",
    "ma_don_thuoc": "DEMO1abc1234-C",
    "ho_ten_benh_nhan": "Nguyễn Văn Mẫu",
    "ngay_sinh_benh_nhan": "03/05/1992",
    "gioi_tinh": 2,
    "dia_chi": "Thôn 1, xã Mẫu",
    "chan_doan": [{"ma_chan_doan": "J00", "ten_chan_doan": "Viêm mũi họng", "ket_luan": ""}],
    "thong_tin_don_thuoc": [
        {
            "ma_thuoc": "MAU1",
            "biet_duoc": "Paracetamol",
            "ten_thuoc": "Paracetamol 500 mg",
            "don_vi_tinh": "viên",
            "so_luong": "10",
            "cach_dung": "Uống sáng 1 viên",
        }
    ],
    "ngay_gio_ke_don": "2026-11-20 08:30:00",
}


def sent(lines, prescriber, document=GOOD):
    return lines.prescriptions(prescriber).send(json.dumps(document).encode())


def test_a_prescription_is_taken_and_the_checksum_kept(lines, prescriber, donthuoc):
    answer = sent(lines, prescriber)
    assert answer.outcome is Outcome.ACCEPTED
    assert answer.receipt == donthuoc.taken[0].receipt
    assert donthuoc.asked[-1].headers["authorization"] == "Bearer doctor-1"


def test_a_422_names_our_fields(lines, prescriber, donthuoc):
    wrong = {**GOOD, "gioi_tinh": "Nam"}
    wrong["thong_tin_don_thuoc"] = [{**GOOD["thong_tin_don_thuoc"][0], "cach_dung": ""}]

    answer = sent(lines, prescriber, wrong)

    assert (answer.outcome, answer.code) == (Outcome.REFUSED, "422")
    found = {fault.element: fault for fault in answer.faults}
    assert found["gioi_tinh"].field == "sex"
    assert found["thong_tin_don_thuoc.0.cach_dung"].field == "lines.0.instruction"
    assert all(fault.remedy for fault in answer.faults)
    assert "kê đơn mới thay đơn này" in answer.reason.replace("\n", " ")


def test_a_second_time_the_same_code_is_refused(lines, prescriber, donthuoc):
    sent(lines, prescriber)
    again = sent(lines, prescriber)
    assert again.outcome is Outcome.REFUSED
    assert [fault.code for fault in again.faults] == ["E03"]
    assert len(donthuoc.taken) == 1


def test_a_401_logs_in_once_more(lines, prescriber, donthuoc):
    donthuoc.fail(Fault.EXPIRED)
    assert sent(lines, prescriber).outcome is Outcome.ACCEPTED
    assert (donthuoc.tokens_given, len(donthuoc.taken)) == (2, 1)


@pytest.mark.parametrize("fault", [Fault.CUT, Fault.SLOW, Fault.TRUNCATED, Fault.NONSENSE])
def test_taken_without_an_answer_of_use_is_unknown(hasty_lines, prescriber, donthuoc, fault):
    donthuoc.fail(fault)
    assert sent(hasty_lines, prescriber).outcome is Outcome.UNKNOWN
    assert len(donthuoc.taken) == 1


def test_a_busy_system_has_taken_nothing(lines, prescriber, donthuoc):
    donthuoc.fail(Fault.FAILED)
    answer = sent(lines, prescriber)
    assert (answer.outcome, answer.retry_after) == (Outcome.NOT_TAKEN, 7.0)


def test_behind_a_portal_nothing_was_sent(lines, prescriber, donthuoc):
    sent(lines, prescriber)
    donthuoc.down = True
    assert sent(lines, prescriber).outcome is Outcome.AWAY


def test_a_wrong_password_names_the_prescriber(lines, prescriber, donthuoc):
    answer = sent(lines, replace(prescriber, doctor_password="sai"))
    assert answer.outcome is Outcome.NOT_TAKEN
    assert "người kê đơn" in answer.reason


def test_testing_logs_both_in_and_sends_nothing(lines, prescriber, donthuoc):
    assert lines.prescriptions(prescriber).test().outcome is Outcome.ACCEPTED
    assert [asked.path for asked in donthuoc.asked] == [
        "/api/auth/dang-nhap-co-so-kham-chua-benh",
        "/api/auth/dang-nhap-bac-si",
    ]
