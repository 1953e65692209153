"""Infectious diseases and sick leave of the made-up station: most cases told, the newest still open."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Final

from station_emr.domain.birth import age_on
from station_emr.domain.encounter import Stage
from station_emr.domain.errors import InvalidRecord
from station_emr.domain.notification import CaseClass, CaseState, ReportWay, YesNo
from station_emr.domain.record import RecordKind, RecordStatus
from station_emr.domain.user import Actor
from station_emr.services.ports import Store
from station_emr.services.station_services import StationServices

_LEFT_OPEN: Final = 2
_LEAVES: Final = 2
_WORKING: Final = range(18, 60)


def tell_cases(services: StationServices, actor: Actor) -> int:
    """Write and tell of the coded cases of the last days; gives how many. The newest wait."""
    now = services.clock.now()
    notices, rules = services.notifications, services.notifications.rules()
    waiting = [row for row in notices.rows(actor) if not row.notification_id]
    done = waiting[:-_LEFT_OPEN] if len(waiting) > _LEFT_OPEN else []
    for row in done:
        draft = notices.prepare(actor, row.encounter_id)
        disease = rules.by_code(draft.disease_code)
        made = notices.submit(
            actor,
            replace(
                draft,
                phone=draft.phone or "0900000000",
                onset_address=draft.home_address,
                onset_on=row.detected_at.date() - timedelta(days=2),
                grade=disease.grades[0] if disease is not None and disease.grades else "",
                case_class=CaseClass.SUSPECTED,
                state=draft.state or CaseState.OUTPATIENT,
                specimen_taken=YesNo.NO,
                measures="Hướng dẫn vệ sinh, theo dõi người cùng nhà.",
            ),
        )
        notices.report(
            actor,
            made.id_of(RecordKind.NOTIFICATION),
            way=ReportWay.ONLINE,
            told="Cơ quan kiểm soát bệnh tật (mẫu)",
            at=min(now, row.detected_at + timedelta(hours=3)),
        )
    return len(done)


def give_leave(store: Store, services: StationServices, doctor: Actor) -> int:
    """Sick leave for some who were seen today; gives how many. As with the visits of the year, the
    clock of the machine is not asked.
    """
    given = 0
    for row in services.encounters.queue(doctor):
        if given == _LEAVES:
            break
        today = row.arrived_at.date()
        signed = row.status in (RecordStatus.SIGNED, RecordStatus.AMENDED)
        if not signed or row.stage is Stage.WAITING or age_on(row.birth, today) not in _WORKING:
            continue
        draft = services.certificates.prepare(doctor, row.encounter_id)
        first = draft.first_day or today
        draft = replace(
            draft,
            workplace=draft.workplace or "Công ty cà phê Mẫu",
            days=3,
            last_day=first + timedelta(days=2),
        )
        try:
            with store.write() as work:
                services.certificates.sign_within(work, doctor, draft)
        except InvalidRecord:  # no number of the insurance on the card: it stays a draft
            services.certificates.save_draft(doctor, draft)
        given += 1
    return given
