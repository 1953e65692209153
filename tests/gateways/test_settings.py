"""What is filled in of the gateways: off by default, passwords nowhere but in the key store."""

from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest

from station_emr.domain.errors import InvalidRecord, PermissionDenied, UserError
from station_emr.domain.gateway import Gateway, MessageKind, Outcome
from station_emr.domain.working_days import DaysOff, add_working_days, working_days_left
from station_emr.security.gateway_secrets import FILE_NAME, GatewaySecrets
from station_emr.services.claim_settings import ClaimSettings
from station_emr.services.gateway_data import days_off, hosts, rules_on, send_path
from station_emr.services.secret import Secret


def test_a_fresh_station_sends_nothing(station):
    settings = station.services.gateways.settings.read()
    assert settings == ClaimSettings()
    assert not settings.insurance_on
    assert not settings.prescriptions_on
    with pytest.raises(UserError, match="Chưa khai báo"):
        station.services.gateways.settings.test_insurance(station.director)


def test_the_official_addresses_come_first_and_the_training_ones_can_be_chosen():
    assert [host.url for host in hosts(Gateway.INSURANCE)] == [
        "https://egw.baohiemxahoi.gov.vn",
        "https://daotaoegw.baohiemxahoi.gov.vn",
    ]
    assert [host.url for host in hosts(Gateway.PRESCRIPTION)] == [
        "https://api.donthuocquocgia.vn",
        "https://beta.donthuocquocgia.vn",
    ]
    trained = ClaimSettings(insurance_host="training")
    assert trained.base_url(Gateway.INSURANCE) == "https://daotaoegw.baohiemxahoi.gov.vn"


@pytest.mark.parametrize(
    ("day", "standard"),
    [
        (date(2024, 6, 30), "130"),
        (date(2024, 7, 1), "4750"),
        (date(2024, 12, 31), "4750"),
        (date(2025, 1, 1), "3176"),
        (date(2026, 6, 30), "3176"),
        (date(2026, 7, 1), "1931"),
    ],
)
def test_the_tables_follow_the_decisions(day, standard):
    assert ClaimSettings().standard_on(day) == standard


def test_a_station_may_set_its_own_dates(desk):
    kept = desk.gateways.settings.save(
        desk.station.director,
        replace(desk.gateways.settings.read(), standards=(("4750", date(2020, 1, 1)),)),
    )
    assert kept.standard_on(date(2026, 11, 20)) == "4750"
    assert desk.gateways.settings.read() == kept
    assert send_path(MessageKind.RECORD, "4750").endswith("guiHoSoXmlQD4750")


def test_testing_logs_in_and_says_what_is_wrong(desk):
    desk_of = desk.gateways.settings
    assert desk_of.test_insurance(desk.station.director).outcome is Outcome.ACCEPTED
    assert desk_of.test_prescriptions(desk.station.director).outcome is Outcome.ACCEPTED
    desk_of.set_insurance_password(desk.station.director, Secret("sai"))
    wrong = desk_of.test_insurance(desk.station.director)
    assert (wrong.outcome, wrong.code) == (Outcome.NOT_TAKEN, "401")
    assert desk.bhyt.taken == []


def test_what_cannot_stand_is_refused(desk):
    director, settings = desk.station.director, desk.gateways.settings
    for change, field in (
        ({"insurance_host": "http://cong.example"}, "insurance_host"),
        ({"insurance_account": " "}, "insurance_account"),
        ({"prescription_facility": ""}, "prescription_facility"),
        ({"clerk_id": "12a"}, "clerk_id"),
        ({"clerk_name": ""}, "clerk_name"),
        ({"payment_method": "7"}, "payment_method"),
    ):
        with pytest.raises(InvalidRecord) as refused:
            settings.save(director, replace(settings.read(), **change))
        assert [problem.field for problem in refused.value.problems] == [field]
    with pytest.raises(PermissionDenied):
        settings.save(desk.station.nurse, settings.read())


def test_passwords_lie_in_no_database_and_no_log(desk):
    folder = desk.station.path.parent
    with desk.station.store.read() as work:
        raw = work._connection.connection.driver_connection
        dump = "\n".join(
            str(row)
            for (table,) in raw.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            for row in raw.execute(f'SELECT * FROM "{table}"')
        )
    assert "mat khau" not in dump
    assert "DEMO1_BV" in dump
    assert b"mat khau" not in (folder / FILE_NAME).read_bytes()


class Vault:
    def __init__(self):
        self.kept = {}

    def get(self, name):
        return self.kept.get(name)

    def put(self, name, text):
        self.kept[name] = text


def shelf(folder, key=b"k" * 32, machine="here", vault=None, earlier=()):
    return GatewaySecrets(
        folder,
        "DB",
        key,
        machine=machine,
        random=lambda count: b"\x07" * count,
        vault=lambda: vault,
        earlier=earlier,
    )


def test_secrets_lie_in_the_key_store_of_the_system_where_there_is_one(tmp_path):
    vault = Vault()
    shelf(tmp_path, vault=vault).put("bhxh", "mat khau")
    assert not (tmp_path / FILE_NAME).exists()
    assert "mat khau" not in str(vault.kept)
    assert shelf(tmp_path, vault=vault).get("bhxh") == "mat khau"


def test_secrets_are_of_no_use_elsewhere_and_survive_a_change_of_keys(tmp_path):
    shelf(tmp_path).put("bhxh", "mat khau")
    assert shelf(tmp_path, machine="other").get("bhxh") == ""
    assert shelf(tmp_path, key=b"n" * 32).get("bhxh") == ""
    renewed = shelf(tmp_path, key=b"n" * 32, earlier=(b"k" * 32,))
    assert renewed.get("bhxh") == "mat khau"
    renewed.put("bhxh", "")
    assert shelf(tmp_path, key=b"n" * 32).get("bhxh") == ""


# -- working days, counted on a calendar by hand ------------------------------------------------

FRIDAY = date(2026, 11, 20)


def test_seven_working_days_skip_the_weekends():
    assert add_working_days(FRIDAY, 7, DaysOff()) == date(2026, 12, 1)  # Tuesday
    assert add_working_days(date(2026, 11, 21), 1, DaysOff()) == date(2026, 11, 23)
    assert working_days_left(FRIDAY, date(2026, 12, 1), DaysOff()) == 7
    assert working_days_left(date(2026, 12, 1), date(2026, 12, 1), DaysOff()) == 0
    assert working_days_left(date(2026, 12, 2), date(2026, 12, 1), DaysOff()) == -1
    assert working_days_left(date(2026, 12, 5), date(2026, 12, 4), DaysOff()) == -1  # a Saturday


def test_days_off_do_not_count():
    # 2026-12-31 is a Thursday, 1 January a Friday off: two days end on Monday the 4th.
    assert add_working_days(date(2026, 12, 30), 2, days_off()) == date(2027, 1, 4)
    own = days_off([date(2027, 1, 4)])
    assert add_working_days(date(2026, 12, 30), 2, own) == date(2027, 1, 5)


def test_the_rules_have_a_date():
    assert rules_on(FRIDAY).record_days == 7
    assert rules_on(FRIDAY).correction_days == 7
    assert rules_on(date(2020, 1, 1)) == rules_on(FRIDAY)


def test_switching_off_and_on_begins_anew(desk):
    settings = desk.gateways.settings
    first = settings.read().insurance_since
    assert isinstance(first, datetime)
    desk.later(hours=1)
    assert settings.save(desk.station.director, settings.read()).insurance_since == first
    off = settings.save(desk.station.director, replace(settings.read(), insurance_on=False))
    assert off.insurance_since is None
    on = settings.save(desk.station.director, replace(off, insurance_on=True))
    assert on.insurance_since - first >= timedelta(hours=1)
