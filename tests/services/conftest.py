"""A real encrypted station per test, copied from one made at the start of the session."""

import gc
import shutil
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from station_emr.catalogs.station_catalogs import StationCatalogs
from station_emr.db.store import EncryptedStore
from station_emr.demo.clock import DemoClock
from station_emr.demo.people import People
from station_emr.demo.station import demo_people, demo_profile
from station_emr.domain.catalog import CatalogKind
from station_emr.domain.errors import WrongPassword
from station_emr.domain.permissions import Role
from station_emr.domain.sync import LinkState, SyncStatus
from station_emr.domain.user import Actor, User
from station_emr.machine_identity import identity_of
from station_emr.services.guards import confirmation_key
from station_emr.station import build_services, furnish
from tests.services.replicas import Machine

KEY = bytes(range(32))
MORNING = datetime(2026, 11, 20, 8, 0, tzinfo=timezone(timedelta(hours=7)))  # a Friday


class FakeKeys:
    """Key slots without the expensive key derivation."""

    def __init__(self):
        self.added, self.removed, self.unlocked, self.described = [], [], [], []
        self.codes = 0
        self.password = "mat khau"

    def add(self, username, display_name, role_label, password):
        self.added.append((username, display_name, role_label, password))

    def describe(self, username, display_name, role_label):
        self.described.append((username, display_name, role_label))

    def change_password(self, username, old, new):
        pass

    def reset_password(self, username, display_name, role_label, new):
        pass

    def unlock_account(self, username):
        self.unlocked.append(username)

    def remove(self, username):
        self.removed.append(username)

    def new_recovery_code(self):
        self.codes += 1
        return f"MAUAA-MAUBB-MAUCC-MAUD{self.codes}"

    data_key = KEY
    generation = 1
    tied = False
    recovery = "MAU"

    def change_data_key(self, new):
        self.data_key = new
        self.generation += 1

    def check_recovery(self, code):
        if code != self.recovery:
            raise WrongPassword("Mã khôi phục này không phải của trạm này.")

    def machine_state(self):
        return self.tied, ()

    def can_tie(self):
        return True

    def tie_to_machine(self):
        self.tied = True

    def untie_from_machine(self):
        self.tied = False

    def is_locked(self, username):
        return False

    def check(self, username, password):
        if password != self.password:
            raise WrongPassword("Sai mật khẩu.")

    def password_problems(self, password, username, full_name, *, second_factor=False):
        return ()


class FakeSync:
    def __init__(self):
        self.wakes = 0

    def status(self):
        return SyncStatus(link=LinkState.UNCONFIGURED)

    def wake(self):
        self.wakes += 1


class Station:
    """One open station with its people, for tests."""

    def __init__(self, path, clock, lists=None):
        self.path = path
        self.clock = clock
        self.keys = FakeKeys()
        self.sync = FakeSync()
        self.open()
        if lists is not None:  # in memory already, as in a program that has been open for a while
            self.services.catalogs._search._indexes.update(lists)

    def open(self):
        self.store = EncryptedStore.open(self.path, KEY)
        identity = identity_of(self.path.parent, "DEMO-STATION", KEY, self.clock)
        self.services = build_services(self.store, self.clock, self.keys, self.sync, identity)

    def reopen(self):
        self.store.close()
        self.open()

    def actor(self, role):
        with self.store.read() as work:
            user = next(u for u in work.users.all() if u.role is role)
        return Actor(user=user, device="Máy 1")

    @property
    def doctor(self):
        return self.actor(Role.DOCTOR)

    @property
    def nurse(self):
        return self.actor(Role.NURSE)

    @property
    def director(self):
        return self.actor(Role.DIRECTOR)

    def register(self, **changes):
        """A registered synthetic patient; gives the stored record."""
        patient = replace(People(7, self.clock.now().date()).next(), **changes)
        yes = [confirmation_key(p) for p in self.services.patients.check(patient)]
        made = self.services.patients.register(self.nurse, patient, [*yes, "national_id:duplicate"])
        return self.services.patients.get(self.nurse, made.items[0].record_id).record


# Several folders of tests take these fixtures over, and each would have a session's copy of its own.
_made: dict[str, Any] = {}


@pytest.fixture(scope="session")
def template(tmp_path_factory):
    if "template" not in _made:
        _made["template"] = _found(tmp_path_factory.mktemp("station"))
    return _made["template"]


def _found(folder):
    clock = DemoClock(MORNING, seed=1)
    director, *others = demo_people()
    extra = [
        User(id="", username="admin", full_name="Quản Trị Mẫu", role=Role.ADMINISTRATOR),
        User(id="", username="thanhtra", full_name="Thanh Tra Mẫu", role=Role.INSPECTOR),
        User(id="", username="duoc", full_name="Dược Mẫu", role=Role.PHARMACIST),
        User(
            id="",
            username="ysi",
            full_name="Y Sĩ Mẫu",
            role=Role.PHYSICIAN_ASSISTANT,
            title="YS.",
            licence_no="000003/MẪU-GPHN",
        ),
    ]
    store = EncryptedStore.create(folder / "station.db", KEY)
    owner = replace(director.user, id=clock.new_id())
    furnish(store, demo_profile(clock.new_id()), owner, clock)
    with store.write() as work:
        for made in [*(person.user for person in others), *extra]:
            user = replace(made, id=clock.new_id())
            now = clock.now()
            work.users.save(user, author=owner.snapshot, at=now)
            actor = Actor(user=owner, device="Máy 1")
            named = {"kind": "practitioner", "record_id": user.id, "detail": {"role": user.role}}
            work.audit.append(actor, "user.add", now, **named)
    store.close()
    return folder / "station.db"


@pytest.fixture(scope="session")
def lists(template):
    """What every station of these tests would load from its own copy of the same lists."""
    if "lists" not in _made:
        _made["lists"] = _load(template)
    return _made["lists"]


def _load(template):
    with closing(EncryptedStore.open(template, KEY)) as store:
        catalogs = StationCatalogs(store)
        made = {kind: catalogs._index(kind) for kind in CatalogKind}
    gc.collect()
    gc.freeze()  # a hundred thousand rows that stay: no later look for garbage goes through them
    return made


@pytest.fixture
def station(template, lists, tmp_path):
    shutil.copy(template, tmp_path / "station.db")
    opened = Station(tmp_path / "station.db", DemoClock(MORNING, seed=2), lists)
    yield opened
    opened.store.close()


@pytest.fixture(scope="session")
def machines(template, tmp_path_factory):
    """Three PCs of one station. Their clocks are years apart, and that must not matter; records
    are told apart by their ids, so that the databases serve every test.
    """
    lines, made = {}, []
    for number, years in enumerate((0, 3, -2)):
        path = tmp_path_factory.mktemp("machine") / "station.db"
        shutil.copy(template, path)
        clock = DemoClock(MORNING + timedelta(days=365 * years), seed=number + 10)
        made.append(Machine(f"may{number}", EncryptedStore.open(path, KEY), clock, lines))
    yield made
    for machine in made:
        machine.store.close()
