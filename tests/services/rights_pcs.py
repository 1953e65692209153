"""Two PCs of one station with the same people, which hear of one another's decisions about rights."""

import shutil
from contextlib import contextmanager
from dataclasses import replace

from station_emr.demo.clock import DemoClock
from station_emr.domain.permissions import Role
from station_emr.domain.record import RecordKind, RecordStatus
from station_emr.domain.station_rights import RightCell, standing_id
from station_emr.services.rights_effect import held_back
from station_emr.services.rights_records import id_here
from tests.services.conftest import MORNING, Station
from tests.services.replicas import Machine, sealed

RIGHTS, STANDING = RecordKind.RIGHTS, RecordKind.STANDING


class Pc:
    """One PC of the station, with everything that an open program has."""

    def __init__(self, station, lines, name):
        self.station = station
        self.machine = Machine(name, station.store, station.clock, lines)
        self.roles = station.services.people.roles
        self.access = station.services.people.access
        self.codes = station.services.privacy.codes

    def user(self, role):
        return self.station.actor(role).user

    def ids(self, *people):
        with self.station.store.read() as work:
            name = id_here(work)
        return [(RIGHTS, name), *((STANDING, standing_id(one.id)) for one in people)]

    def hears(self, other, *people):
        """Everything that the other PC has written of rights and of these people."""
        found = []
        for kind, record_id in self.ids(*people):
            for operation in other.machine.operations(kind, record_id):
                found += self.machine.take(operation)
        return found

    def may(self, role, action):
        return action in self.roles.table(self.station.actor(role))[role]

    def state(self, user):
        with self.station.store.read() as work:
            return work.access.state(user.id)

    def held(self, kind, user=None):
        with self.station.store.read() as work:
            return held_back(work, standing_id(user.id) if user else id_here(work))

    def log(self, action):
        rows = self.station.services.accounts.audit(self.station.director)
        return [row for row in rows if row.action == action]

    def forge(self, kind, author, change, **envelope):
        """A line of this PC that no program would have written: ``change`` of the newest version."""
        name = self.ids(self.user(Role.NURSE))[0 if kind is RIGHTS else 1][1]
        newest = self.machine.operations(kind, name)[-1]
        said = {
            "author_id": author.id,
            "author_name": author.full_name,
            "base": (newest.op_id,),
            "status": RecordStatus.AMENDED,
            "number": 900,
            **envelope,
        }
        made = sealed(replace(newest.envelope, **said), change(newest.record))
        self.machine.lines[made.line] = made
        return made


@contextmanager
def two_pcs(station, template, lists, folder):
    (folder / "two").mkdir()
    shutil.copy(template, folder / "two" / "station.db")
    other = Station(folder / "two" / "station.db", DemoClock(MORNING, seed=5), lists)
    lines = {}
    yield Pc(station, lines, "a" * 16), Pc(other, lines, "b" * 16)
    other.store.close()


def take_away(pc, role, action):
    pc.roles.change(pc.station.director, [(role, action, False)])


def granting(*cells):
    more = tuple(RightCell(role=r.value, action=a.value, granted=True) for r, a in cells)
    return lambda record: replace(record, cells=(*record.cells, *more))
