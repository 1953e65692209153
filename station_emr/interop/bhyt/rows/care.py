"""What was found and done: tests (4), the course of a stay (5), discharge (7), summary of the record (8)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from station_emr.domain.encounter import Procedure, ProgressNote
from station_emr.domain.vitals import VitalSigns
from station_emr.interop.bhyt.values import day_text, local, minute_text, number_text

from .facts import Facts

NO_TESTS = "Không làm xét nghiệm, cận lâm sàng tại trạm."


def test_rows(facts: Facts) -> list[dict[str, str]]:
    """Table 4: one row for each value that a test gave."""
    return [
        {
            "MA_DICH_VU": _billed_code(facts, place) or test.code,
            "MA_CHI_SO": test.indicator,
            "TEN_CHI_SO": test.name,
            "GIA_TRI": test.result,
            "DON_VI_DO": test.unit,
            "MO_TA": test.note,
            "KET_LUAN": test.conclusion,
            "NGAY_KQ": minute_text(_result_at(test)),
            "MA_BS_DOC_KQ": test.performer_licence,
        }
        for place, test in enumerate(facts.encounter.procedures)
        if test.is_test
    ]


def progress_rows(facts: Facts) -> list[dict[str, str]]:
    """Table 5, for those kinds of care that owe it: the examination first, then each note, with the
    vital signs measured since the one before.
    """
    visit = facts.encounter
    if visit.care_kind not in facts.rules.progress:
        return []
    notes = sorted(visit.progress, key=lambda note: note.at)
    if visit.examination.strip():
        start = visit.started_at or visit.arrived_at
        notes = [ProgressNote(at=start, text=visit.examination), *notes]
    rows = []
    left = list(visit.vitals)
    for note in notes:
        taken = [one for one in left if one.measured_at is None or one.measured_at <= note.at]
        left = [one for one in left if one not in taken]
        signs = vitals_text(taken[-1]) if taken else ""
        rows.append(
            {
                "DIEN_BIEN_LS": "\n".join(part for part in (note.text, signs) if part),
                "HOI_CHAN": note.consultation,
                "PHAU_THUAT": note.procedure,
                "THOI_DIEM_DBLS": minute_text(note.at),
                "NGUOI_THUC_HIEN": note.licence_no or facts.writer,
            }
        )
    return rows


def vitals_text(signs: VitalSigns) -> str:
    """``CSST<M75_T37_HA120/70_NT18_SP98>``; empty when nothing of it was measured."""
    parts = []
    if signs.pulse is not None:
        parts.append(f"M{signs.pulse}")
    if signs.temperature is not None:
        parts.append(f"T{number_text(signs.temperature)}")
    if signs.systolic is not None and signs.diastolic is not None:
        parts.append(f"HA{signs.systolic}/{signs.diastolic}")
    if signs.respiratory_rate is not None:
        parts.append(f"NT{signs.respiratory_rate}")
    if signs.spo2 is not None:
        parts.append(f"SP{signs.spo2}")
    return f"CSST<{'_'.join(parts)}>" if parts else ""


def discharge_rows(facts: Facts, top: Mapping[str, str]) -> list[dict[str, str]]:
    """Table 7, for in-patients and day patients."""
    visit = facts.encounter
    if visit.care_kind not in facts.rules.discharge_paper:
        return []
    father, mother, _other = facts.parents if facts.is_child else ("", "", "")
    return [
        {
            "SO_LUU_TRU": visit.number,
            "MA_YTE": facts.chart,
            "MA_KHOA_RV": facts.options.department,
            "NGAY_VAO": top["NGAY_VAO"],
            "NGAY_RA": top["NGAY_RA"],
            "CHAN_DOAN_RV": top["CHAN_DOAN_RV"],
            "PP_DIEUTRI": top["PP_DIEU_TRI"],
            "GHI_CHU": top["GHI_CHU"],
            "MA_TTDV": facts.options.head_code,
            "MA_BS": facts.writer,
            "TEN_BS": facts.writer_name,
            "NGAY_CT": day_text(local(facts.discharged_at)),
            "HO_TEN_CHA": father,
            "HO_TEN_ME": mother,
        }
    ]


def record_summary_rows(
    facts: Facts, top: Mapping[str, str], *, for_everybody: bool = False
) -> list[dict[str, str]]:
    """Table 8, for in-patients, day patients and those kept at the station; the health book has it
    ``for_everybody``.
    """
    visit = facts.encounter
    if visit.care_kind not in facts.rules.record_summary and not for_everybody:
        return []
    father, mother, guardian = facts.parents
    return [
        {
            "MA_LOAI_KCB": visit.care_kind,
            "HO_TEN_CHA": father,
            "HO_TEN_ME": mother,
            "NGUOI_GIAM_HO": guardian,
            "DON_VI": facts.patient.workplace,
            "NGAY_VAO": top["NGAY_VAO"],
            "NGAY_RA": top["NGAY_RA"],
            "CHAN_DOAN_VAO": top["CHAN_DOAN_VAO"],
            "CHAN_DOAN_RV": top["CHAN_DOAN_RV"],
            "QT_BENHLY": course(facts) or visit.reason,
            "TOMTAT_KQ": tests_text(facts) or NO_TESTS,
            "PP_DIEUTRI": top["PP_DIEU_TRI"] or given(facts),
            "KET_QUA_DTRI": top["KET_QUA_DTRI"],
            "MA_TTDV": facts.options.head_code,
            "NGAY_CT": day_text(local(facts.discharged_at)),
        }
    ]


def given(facts: Facts) -> str:
    """PP_DIEUTRI where nobody wrote a sentence: what was prescribed and done, else the advice."""
    paper = facts.source.prescription
    drugs = [line.label for line in paper.lines] if paper else []
    done = [one.name for one in facts.encounter.procedures if not one.is_test]
    return "; ".join((*drugs, *done)) or facts.encounter.advice


def course(facts: Facts) -> str:
    """QT_BENHLY: how it began, what was seen, how it went on."""
    visit = facts.encounter
    notes = [
        f"{local(note.at):%H:%M %d/%m/%Y}: {note.text}"
        for note in sorted(visit.progress, key=lambda note: note.at)
    ]
    return "\n".join(part for part in (visit.history, visit.examination, *notes) if part.strip())


def tests_text(facts: Facts) -> str:
    """TOMTAT_KQ: every test with its value; empty when there was none."""
    return "; ".join(
        f"{test.name}: {f'{test.result} {test.unit}'.strip() or test.conclusion or 'chưa có kết quả'}"
        for test in facts.encounter.procedures
        if test.is_test
    )


def _billed_code(facts: Facts, place: int) -> str:
    bill = facts.source.bill
    return next((item.code for item in (bill.items if bill else ()) if item.procedure == place), "")


def _result_at(test: Procedure) -> datetime | None:
    return (test.ended_at or test.started_at) if test.result else None
