"""What those in charge decide for the whole station: the table of rights, restricted codes, accounts,
who works here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from station_emr.domain.errors import UserError
from station_emr.domain.permissions import Action, Role
from station_emr.domain.record import RecordKind
from station_emr.domain.sensitive import SensitiveRange, ranges_text
from station_emr.domain.station_rights import rights_id, standing_id
from station_emr.domain.user import Actor, User
from station_emr.services.access import Access
from station_emr.services.restricted_codes import RestrictedCodes
from station_emr.services.roles import Roles
from tests.interop import fhir_records as sample

from .forms import Forms
from .machine import STAFF, Killed, Machine
from .people import Mark

RIGHTS, STANDING = RecordKind.RIGHTS, RecordKind.STANDING
PRACTITIONER, FACILITY = RecordKind.PRACTITIONER, RecordKind.FACILITY
RIGHTS_ID = rights_id(sample.STATION.code)
DIRECTORS = STAFF[:2]
OTHERS = (sample.USER, *STAFF[2:])
"""Whose accounts the directors close and open. A director is never closed, so everything that they say
has to hold on every PC.
"""
CELLS = (
    (Role.NURSE, Action.PATIENT_EDIT),
    (Role.NURSE, Action.PRINT),
    (Role.DOCTOR, Action.RECORD_EXPORT),
)
CODES = (("A50", "A64"), ("B20", "B24"), ("F00", "F99"), ("O03", "O08"))


class Directors(Forms):
    """Two directors, each at any PC."""

    def _rights(self, machine: Machine) -> None:
        """One decision of those that a director can take."""
        self.chance.choice(
            (self._cell, self._codes, self._close, self._open, self._limit, self._give, self._end)
        )(machine)

    def _rights_clash(self, machine: Machine) -> None:
        """The same thing is decided at two PCs before they hear of each other."""
        other = self.chance.choice([one for one in self.machines if one is not machine])
        act = self.chance.choice((self._cell, self._codes, self._close, self._open, self._limit))
        for one in (machine, other):
            act(one)
        for one in (machine, other):
            self._synced(one)
        if self.chance.random() < 0.5:
            self._decide(other)

    def _cell(self, machine: Machine) -> None:
        role, action = self.chance.choice(CELLS)
        granted = self.chance.random() < 0.5
        self._decided_by(
            machine,
            RIGHTS,
            RIGHTS_ID,
            lambda actor: Roles(machine.store, machine.clock).change(
                actor, [(role, action, granted)]
            ),
        )

    def _codes(self, machine: Machine) -> None:
        """The list of restricted codes anew: some of them, one under another name."""
        what = self._value("ranges")
        chosen = self.chance.sample(CODES, self.chance.randint(1, len(CODES)))
        ranges = [SensitiveRange(first, last, "Mã mẫu") for first, last in sorted(chosen)]
        at = self.chance.randrange(len(ranges))
        ranges[at] = replace(ranges[at], what=what)
        codes = RestrictedCodes(machine.store, machine.clock, lambda _code: "Mẫu")
        mark = Mark(RIGHTS, RIGHTS_ID, "ranges", what)
        self._decided_by(
            machine,
            RIGHTS,
            RIGHTS_ID,
            lambda actor: codes.replace_all(actor, ranges_text(ranges)),
            mark,
        )

    def _close(self, machine: Machine) -> None:
        self._on_account(machine, lambda access, actor, user: access.suspend(actor, user.username))

    def _open(self, machine: Machine) -> None:
        self._on_account(machine, lambda access, actor, user: access.reopen(actor, user.username))

    def _limit(self, machine: Machine) -> None:
        last = self.chance.choice((None, date(2027, 1, 31), date(2027, 6, 30)))
        self._on_account(
            machine, lambda access, actor, user: access.limit(actor, user.username, None, last)
        )

    def _give(self, machine: Machine) -> None:
        user = self.chance.choice(OTHERS)
        reason, now = self._value("rights"), machine.clock.now()
        self._decided_by(
            machine,
            STANDING,
            standing_id(user.id),
            lambda actor: Access(machine.store, machine.clock, None).give(
                actor,
                user.username,
                [Action.RECORD_EXPORT],
                since=now,
                until=now + timedelta(days=self.chance.choice((2, 30, 360))),
                reason=reason,
            ),
            Mark(STANDING, standing_id(user.id), "rights", reason),
        )

    def _end(self, machine: Machine) -> None:
        with machine.store.read() as work:
            given = [one for one in work.access.rights_given() if one.ended_at is None]
        if not given:
            return
        grant = self.chance.choice(sorted(given, key=lambda one: one.id))
        self._decided_by(
            machine,
            STANDING,
            standing_id(grant.user_id),
            lambda actor: Access(machine.store, machine.clock, None).end(actor, grant.id),
        )

    def _on_account(self, machine: Machine, act: Callable[[Access, Actor, User], object]) -> None:
        user = self.chance.choice(OTHERS)
        access = Access(machine.store, machine.clock, None)
        self._decided_by(
            machine, STANDING, standing_id(user.id), lambda actor: act(access, actor, user)
        )

    def _decided_by(
        self,
        machine: Machine,
        kind: RecordKind,
        record_id: str,
        act: Callable[[Actor], object],
        *marks: Mark,
    ) -> None:
        actor = Actor(user=self.chance.choice(DIRECTORS), device=machine.name)
        if not self._done(machine, lambda: act(actor)):
            return
        self.marks.update(marks)
        if machine.newest(kind, record_id) is not None:  # what changes nothing writes nothing
            self.records[kind].add(record_id)

    def _done(self, machine: Machine, act: Callable[[], Any]) -> bool:
        """Whether the commit happened."""
        try:
            act()
        except Killed:
            after = machine.store.dies_after
            machine.kill()
            return after
        except UserError as told:
            self.happened[f"not allowed: {type(told).__name__}"] += 1
            return False
        return True

    # --- people and the letterhead ---------------------------------------------------------------

    def _staff(self, machine: Machine) -> None:
        """A colleague's number or licence is put right, or somebody new begins."""
        author = self.chance.choice(DIRECTORS).snapshot
        with machine.store.read() as work:
            here = sorted(work.users.all(), key=lambda one: one.id)
        user, field = self.chance.choice(here), self.chance.choice(("phone", "licence_no"))
        if self.chance.random() < 0.3:
            user_id = machine.clock.new_id()
            user = User(
                id=user_id,
                username=f"nv-{user_id[-6:]}",
                full_name="Người Mới Mẫu",
                role=Role.NURSE,
            )
        value = self._value(field)

        def act() -> None:
            with machine.store.write() as work:
                work.users.save(
                    replace(user, **{field: value}), author=author, at=machine.clock.now()
                )

        if self._done(machine, act):
            self.records[PRACTITIONER].add(user.id)
            self.marks.add(Mark(PRACTITIONER, user.id, field, value))

    def _letterhead(self, machine: Machine) -> None:
        """What a PC prints above its papers is its own; the province keeps each of them."""
        value = self._value("site")

        def act() -> None:
            with machine.store.write() as work:
                profile = replace(work.settings.station(), site=value)
                work.settings.save_station(profile, machine.clock.now())

        if self._done(machine, act):
            self.marks.add(Mark(FACILITY, sample.STATION.facility_id, "site", value))
