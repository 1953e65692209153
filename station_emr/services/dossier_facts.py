"""Gathers how the station stands at this moment, for the inspection's papers."""

from __future__ import annotations

import json
from datetime import date, datetime, timedelta
from typing import Any, Final

from station_emr.domain.access import RIGHTS_REVIEW_DAYS, AccessPolicy
from station_emr.domain.audit import AuditFilter, EvidenceKind, Result
from station_emr.domain.dossier import DossierSettings
from station_emr.domain.permissions import Role
from station_emr.domain.user import User

from .access_rules import read_policy
from .dossier_ports import Account, Done, Door, DoorFacts, DossierSource, Facts, LookAtBackups
from .keys import CODE_MADE_AT, CODE_TESTED_AT, ROTATED_AT
from .ports import Store, Work
from .signing_rules import read_policy as read_signing_policy
from .signing_rules import read_source
from .synchronisation import SyncControl
from .timekeeping import is_trusted, server_skew, station_time

SETTINGS: Final = "dossier.settings"
_MANY: Final = 500
_RUNS: Final = 100
# Passwords that are tried on the rules and open nothing.
_TOO_SHORT: Final = "Xm7#Qp2!Ld9&z"
_THREE_KINDS: Final = "Xm7QKp2TLd9zWb"
_SEVEN: Final = "Xm7#Qp2"
_GOOD: Final = "Xm7#Qp2!Ld9&zW"


def read_settings(work: Work) -> DossierSettings:
    """The usual where nothing was set, or it cannot be read."""
    kept = _parsed(work.settings.get(SETTINGS))
    try:
        return DossierSettings(
            complete_hours=int(kept.get("complete_hours", DossierSettings().complete_hours)),
            decision_no=str(kept.get("decision_no", "")),
            decision_on=_day(kept.get("decision_on")),
            level_decision_no=str(kept.get("level_decision_no", "")),
            level_decision_on=_day(kept.get("level_decision_on")),
            officer=str(kept.get("officer", "")),
        )
    except (ValueError, TypeError):
        return DossierSettings()


def write_settings(work: Work, settings: DossierSettings) -> None:
    kept = {
        "complete_hours": settings.complete_hours,
        "decision_no": settings.decision_no,
        "decision_on": settings.decision_on.isoformat() if settings.decision_on else "",
        "level_decision_no": settings.level_decision_no,
        "level_decision_on": settings.level_decision_on.isoformat()
        if settings.level_decision_on
        else "",
        "officer": settings.officer,
    }
    work.settings.put(SETTINGS, json.dumps(kept, ensure_ascii=False, sort_keys=True))


def gather(
    store: Store,
    now: datetime,
    source: DossierSource,
    backups: LookAtBackups,
    sync: SyncControl,
    door: Door,
    tries: int,
) -> Facts:
    """Reads only. Looks at the places of copies, which may take a while with a network folder."""
    backup = backups()
    with store.read() as work:
        settings = read_settings(work)
    figures = source.figures(now - timedelta(hours=settings.complete_hours))
    with store.read() as work:
        policy = read_policy(work)
        moment = station_time(work, now)
        emergencies = work.access.emergencies(_MANY)
        requests = tuple(one.record for one in work.requests.every())
        breaches = tuple(one.record for one in work.breaches.every())
        size, newest = work.audit.size(), work.audit.head()
        return Facts(
            at=now,
            station=work.settings.station(),
            settings=settings,
            file=source.file(),
            counts=work.counts(),
            figures=figures,
            accounts=_accounts(work, policy, moment),
            door=_door(door, tries),
            grants=sum(1 for one in work.access.rights_given() if one.is_open(moment)),
            role_changes=len(work.access.role_changes()),
            emergencies_open=sum(1 for one in emergencies if one.review is None),
            emergencies_late=sum(1 for one in emergencies if one.is_overdue(moment)),
            audit_lines=size.lines,
            audit_numbers=newest.seq if newest is not None else 0,
            audit_oldest=size.oldest,
            audit_check=_last(work, "audit.verify"),
            audit_anchored=anchored_at(work),
            audit_printed=_anchored(work, EvidenceKind.PRINTED),
            record_check=_last(work, "record.verify", "record.fault"),
            code_tested=_code_tested(work),
            key_changed=_moment(work, ROTATED_AT),
            clock_trusted=is_trusted(work, now),
            clock_skew=server_skew(work),
            backup=backup,
            catalogs=work.catalogs.summaries(now.date()),
            signing=read_signing_policy(work),
            key_source=read_source(work),
            sign_waiting=work.signatures.count_requests(),
            sync=sync.status(),
            sync_runs=len(work.outbox.runs(_RUNS)),
            requests_open=sum(1 for one in requests if one.state.is_open),
            requests_late=sum(1 for one in requests if one.is_late(now.date())),
            breaches=len(breaches),
            breaches_late=sum(
                1 for one in breaches if one.reported_at is None and one.hours_left(now) < 0
            ),
            second_factor_roles=tuple(role for role in Role if policy.asks_second_factor(role)),
        )


def _accounts(work: Work, policy: AccessPolicy, moment: datetime) -> tuple[Account, ...]:
    reviews = {one.user_id: one for one in work.access.rights_reviews()}

    def due(user: User) -> bool:
        review = reviews.get(user.id)
        return (
            review is None
            or review.role is not user.role
            or (moment - review.at).days >= RIGHTS_REVIEW_DAYS
        )

    found = []
    for user in work.users.all():
        state = work.access.state(user.id)
        found.append(
            Account(
                username=user.username,
                name=user.snapshot.printed_name,
                role=user.role,
                active=user.active,
                closed=state.closed.value if state.closed is not None else "",
                second_factor=state.has_second_factor,
                second_factor_asked=policy.asks_second_factor(user.role),
                idle_days=state.idle_days(moment),
                licence=bool(user.licence_no.strip()),
                review_due=user.active and due(user),
                must_change=state.must_change,
                password_days=max(0, (moment - state.password_at).days)
                if state.password_at is not None
                else None,
            )
        )
    return tuple(found)


def _door(door: Door, tries: int) -> DoorFacts:
    """Tries passwords of nobody, as somebody would who chooses a new one."""

    def refuses(password: str, *, second_factor: bool = False) -> bool:
        return bool(
            door.password_problems(password, "nguoimau", "Người Mẫu", second_factor=second_factor)
        )

    return DoorFacts(
        refuses_weak=refuses(_TOO_SHORT) and refuses(_THREE_KINDS),
        refuses_short=refuses(_SEVEN, second_factor=True),
        takes_good=not refuses(_GOOD),
        tries=tries,
    )


def _last(work: Work, *actions: str) -> Done | None:
    rows = work.audit.rows(1, None, AuditFilter(actions=actions))
    if not rows:
        return None
    row = rows[0]
    fine = row.result == Result.DONE and not row.action.endswith(".fault")
    return Done(at=row.at, ok=fine, by=row.user_name)


def _code_tested(work: Work) -> datetime | None:
    made, tested = _moment(work, CODE_MADE_AT), _moment(work, CODE_TESTED_AT)
    return None if tested is None or (made is not None and made > tested) else tested


def _moment(work: Work, key: str) -> datetime | None:
    kept = work.settings.get(key)
    return datetime.fromisoformat(kept) if kept else None


def anchored_at(work: Work) -> datetime | None:
    """Since when nobody outside vouches for the log: the day of the last end that the province took."""
    return _anchored(work, EvidenceKind.PROVINCE)


def _anchored(work: Work, *kinds: EvidenceKind) -> datetime | None:
    """When the end of the log was last shown to one of these."""
    seen = [one.head.at for one in work.audit.anchors() if one.kind in kinds]
    return max((at for at in seen if at is not None), default=None)


def _parsed(text: str | None) -> dict[str, Any]:
    try:
        found = json.loads(text or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _day(text: Any) -> date | None:
    return date.fromisoformat(str(text)) if text else None
