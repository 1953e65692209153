"""What the insurance asks of a visit, and the notes on a person kept at the station, by keys."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication

from station_emr.domain.record import RecordStatus
from tests.ui.encounter_desk import Desk, ready
from tests.ui.keys import press
from tests.ui.sweep import clipped, duplicate_mnemonics, unnamed, without_object_name


def kept(station, visit_id: str):
    return station.services.encounters.get(station.doctor, visit_id)


def open_panel(desk: Desk) -> None:
    desk.go("arrival.toggle")
    press(QApplication.focusWidget(), key=Qt.Key.Key_Space)
    desk.go("arrival.care_kind")


def test_an_ordinary_visit_shows_one_line(desk: Desk) -> None:
    panel = desk.form.arrival
    assert not panel.form.isVisible()
    assert "Khám bệnh" in panel.summary.text()
    assert "không tai nạn" not in panel.summary.text().lower()


def test_keeping_a_person_at_the_station(desk: Desk, station, visit_id: str) -> None:
    panel = desk.form.arrival
    open_panel(desk)
    assert not panel.stay.isVisible()
    panel.care_kind.set_value("06")
    panel.form.changed.emit("care_kind")
    assert panel.stay.isVisible()
    assert panel.admitted.value() is not None  # the moment it was chosen
    desk.go("stay.admission_reason")
    desk.type("Theo dõi sốt cao")
    desk.go("arrival.came_with")
    desk.type("MAU-17")
    desk.go("arrival.preliminary_diagnosis")
    desk.type("Theo dõi sốt vi rút")
    panel.accident.set_value("1")
    panel.progress.more.click()
    assert desk.at() == "progress.0.text"
    desk.type("Tỉnh, còn sốt 38,5")
    desk.go("progress.0.consultation")
    desk.type("Không")
    panel.progress.more.click()
    desk.type("Hết sốt")
    ready(desk)
    desk.screen.save_action()
    desk.idle()
    held = kept(station, visit_id).record
    assert (held.care_kind, held.accident, held.came_with) == ("06", "1", "MAU-17")
    assert (held.admission_reason, held.preliminary_diagnosis) == (
        "Theo dõi sốt cao",
        "Theo dõi sốt vi rút",
    )
    assert [(note.text, note.consultation) for note in held.progress] == [
        ("Tỉnh, còn sốt 38,5", "Không"),
        ("Hết sốt", ""),
    ]
    assert all(note.written_by for note in held.progress)
    desk.sign()
    assert kept(station, visit_id).status is RecordStatus.SIGNED


def test_the_sender_is_chosen_from_the_list(desk: Desk, station, visit_id: str) -> None:
    open_panel(desk)
    desk.go("arrival.came_from")
    desk.choose("da khoa tinh")
    desk.screen.save_action()
    desk.idle()
    assert kept(station, visit_id).record.came_from == "DEMO3"
    desk.open(visit_id)
    assert desk.form.arrival.came_from.text() == "Bệnh viện Đa khoa tỉnh (mẫu)"
    assert "từ Bệnh viện" in desk.form.arrival.summary.text()


def test_an_empty_note_is_shown_where_it_stands(desk: Desk) -> None:
    open_panel(desk)
    desk.form.arrival.progress.add_now()
    ready(desk)
    desk.sign()
    row = desk.form.arrival.progress.rows[0]
    assert row.form.field("text").problem is not None
    assert QApplication.focusWidget() is row.form.field("text").editor


def test_a_note_can_be_dropped_again(desk: Desk) -> None:
    open_panel(desk)
    progress = desk.form.arrival.progress
    progress.add_now()
    progress.rows[0].drop.click()
    assert progress.notes == ()


def test_every_part_of_the_stay_has_its_name(desk: Desk) -> None:
    open_panel(desk)
    panel = desk.form.arrival
    panel.care_kind.set_value("06")
    panel.form.changed.emit("care_kind")
    panel.progress.add_now()
    desk.idle()
    assert not unnamed(desk.screen)
    assert not without_object_name(desk.screen)
    assert not duplicate_mnemonics(desk.screen)
    assert not clipped(panel)
