"""Who may send by stick and what they may carry away, and which province a station believes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from station_emr.domain.errors import PermissionDenied
from station_emr.domain.permissions import Role
from station_emr.services.courier import PROVINCE_KEY, CourierRefused
from tests.sync.courier_machines import DIRECTOR, Make, Province, make, province

__all__ = ["make", "province"]


def test_a_revoked_device(make: Make, province: Province) -> None:
    from provincial_server.courier.faults import CourierRefused as ProvinceRefused

    one = make()
    one.patient(1)
    sent = one.write()
    province.revoke(one.device)
    with pytest.raises(ProvinceRefused, match="thu hồi"):
        province.answer(sent)
    assert len(one.waiting()) > 0


def test_who_may(make: Make) -> None:
    one = make()
    inspector = replace(DIRECTOR, user=replace(DIRECTOR.user, role=Role.INSPECTOR))
    with pytest.raises(PermissionDenied):
        one.courier.export(inspector, str(one.folder))
    with pytest.raises(PermissionDenied):
        one.courier.trust(inspector, str(one.folder), compared="")
    with pytest.raises(PermissionDenied):
        one.courier.export_snapshot(inspector, str(one.folder), one.pair.public)
    assert not list(one.folder.glob("*.semr"))


def test_who_reads_no_record_does_not_carry_it_away(make: Make) -> None:
    """A snapshot can be opened by whoever holds the key it is given."""
    one = make()
    one.work_a_day()
    administrator = replace(DIRECTOR, user=replace(DIRECTOR.user, role=Role.ADMINISTRATOR))
    with pytest.raises(PermissionDenied):
        one.courier.export_snapshot(administrator, str(one.folder), one.pair.public)
    assert not list(one.folder.glob("*.semr"))


def test_a_snapshot_is_in_the_audit_before_it_is_on_the_stick(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also when somebody pulls the plug as soon as the file is there."""
    one = make()

    def pulled(*_given: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(one.desk, "export_snapshot", pulled)
    with pytest.raises(KeyboardInterrupt):
        one.courier.export_snapshot(DIRECTOR, str(one.folder), one.pair.public)
    with one.store.read() as work:
        newest = work.audit.rows(1)[0]
    assert newest.action == "snapshot.begin"
    assert one.pair.public in newest.detail


def test_a_key_file_that_was_swapped_after_the_telephone_call(
    make: Make, province: Province, tmp_path: Path
) -> None:
    one = make()
    one.put(PROVINCE_KEY, "")
    path = tmp_path / "khoa.json"
    path.write_text(province.key_text(), encoding="ascii")
    with pytest.raises(CourierRefused) as caught:
        one.courier.trust(DIRECTOR, str(path), compared="0" * 32)
    assert caught.value.code == "unknown-sender"
    assert one.courier.province_fingerprint() == ""
    shown = one.courier.read_province_key(str(path))
    assert one.courier.trust(DIRECTOR, str(path), compared=shown) == shown


def test_the_key_of_the_province(make: Make, province: Province, tmp_path: Path) -> None:
    one = make()
    one.put(PROVINCE_KEY, "")
    path = tmp_path / "khoa.json"
    path.write_text(province.key_text(), encoding="ascii")
    shown = one.courier.read_province_key(str(path))
    assert one.courier.province_fingerprint() == ""
    assert one.courier.trust(DIRECTOR, str(path), compared=shown) == shown
    assert one.courier.province_fingerprint() == shown
    from provincial_server.courier.keys import courier_keys

    with province.database.write() as session:
        assert courier_keys(session).public()["fingerprint"] == shown.replace(" ", "")
    for text in ("", "{}", '{"format":"station-emr-courier-key","encrypt":"age1","sign":""}'):
        path.write_text(text, encoding="ascii")
        with pytest.raises(CourierRefused) as caught:
            one.courier.trust(DIRECTOR, str(path), compared=shown)
        assert caught.value.code == "not-ours"
    assert one.courier.province_fingerprint() == shown
    one.patient(1)
    assert one.round_trip().waiting == 0
