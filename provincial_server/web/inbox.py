"""The inbox of a receiving facility: the letters addressed to it, and its answers.

Each page first finds the letter in the list of the person's own facility; only then is anything of the
sender's read. An address that names another letter is answered like one that does not exist.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from fastapi import FastAPI, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from provincial_server.binaries import Binary, BinaryUpload
from provincial_server.dates import VIETNAM
from provincial_server.exchange.indexing import catch_up
from provincial_server.referrals import tables
from provincial_server.referrals.addressing import KIND, note_event, stored_resource
from provincial_server.referrals.answering import (
    FIELDS,
    OUTCOMES,
    Actor,
    Answer,
    AnswerRefused,
    give,
    mark_of,
    purpose_of,
)
from provincial_server.referrals.letter import Letter, patient_from, read_letter, shown_date
from provincial_server.referrals.tables import ReferralEvent, ReferralInbox
from provincial_server.structure import ID
from provincial_server.web import inbox_list
from provincial_server.web.access_log import note_access
from provincial_server.web.accounts import RECEIVER, WebUser
from provincial_server.web.inbox_forms import SlipRead, cleaned, read_slip
from provincial_server.web.inbox_wording import ACTIONS, TOLD, state_of
from provincial_server.web.pages import HEADERS, MENU, Pages, not_found

PATH = "/web/inbox"
MENU.append((frozenset({RECEIVER}), PATH, "Phiếu chuyển đến"))
_LOOK_AGAIN_MS = 15 * 60_000


@dataclass(frozen=True)
class LetterPage:
    """Everything that the page of one letter shows."""

    row: ReferralInbox
    letter: Letter
    events: list[ReferralEvent]
    forms: list[Binary]
    coming: list[tuple[int, int]]


def add_routes(app: FastAPI, pages: Pages) -> None:
    inbox_list.add_routes(app, pages, PATH)
    _add_letter(app, pages)
    _add_answers(app, pages)


def _add_letter(app: FastAPI, pages: Pages) -> None:
    @app.get(f"{PATH}/{{sender}}/{{record_id}}", include_in_schema=False)
    async def letter(request: Request, sender: str, record_id: str) -> Response:
        user = await pages.signed_in(request, RECEIVER)
        _check_names(sender, record_id)
        told = TOLD.get(request.query_params.get("done", ""), "")
        return await _letter_page(pages, request, user, sender, record_id, told=told)

    @app.get(f"{PATH}/{{sender}}/{{record_id}}/form/{{binary_id}}", include_in_schema=False)
    async def printed_form(
        request: Request, sender: str, record_id: str, binary_id: str
    ) -> Response:
        user = await pages.signed_in(request, RECEIVER)
        _check_names(sender, record_id, binary_id)

        def fetch() -> Binary | None:
            code, database = str(user.facility_code), pages.services.database
            with database.read(code) as session:
                if _own(session, code, sender, record_id) is None:
                    return None
            catch_up(database, pages.services.settings.clock, sender)
            with database.write(code) as session:
                if _own(session, code, sender, record_id, lock=True) is None:
                    return None  # it has gone elsewhere
                database.work_for(session, sender)
                found = session.get(Binary, (sender, binary_id))
                if found is None or found.record_id != record_id:
                    return None
                _note(pages, session, user, sender, record_id, "printed-form")
                return found

        found = await pages.services.run(fetch)
        if found is None:
            raise not_found()
        # A browser's own reader of PDF must be able to load its parts, so only framing is forbidden.
        headers = {
            **HEADERS,
            "Content-Security-Policy": "frame-ancestors 'none'",
            "Content-Disposition": 'inline; filename="phieu-chuyen.pdf"',
        }
        return Response(found.content, 200, headers, media_type=found.content_type)


def _check_names(*names: str) -> None:
    """What no letter can be called is not looked for."""
    if not all(ID.fullmatch(name) for name in names):
        raise not_found()


async def _letter_page(
    pages: Pages,
    request: Request,
    user: WebUser,
    sender: str,
    record_id: str,
    *,
    told: str = "",
    problem: str = "",
    slip: SlipRead | None = None,
    reason: str = "",
) -> Response:
    found = await pages.services.run(lambda: _look(pages, user, sender, record_id))
    if found is None:
        raise not_found()
    if isinstance(found, ReferralInbox):
        return pages.render(request, "moved.html", status=410, row=found)
    fields = slip.fields if slip else json.loads(found.row.feedback or "{}")
    return pages.render(
        request,
        "letter.html",
        status=422 if problem else 200,
        page=found,
        row=found.row,
        letter=found.letter,
        state=state_of(found.row),
        mark=mark_of(found.row),
        actions=ACTIONS,
        outcomes=OUTCOMES,
        fields={name: fields.get(name, "") for name in FIELDS},
        problems=slip.problems if slip else {},
        told=told,
        problem=problem,
        reason=reason,
        shown_date=shown_date,
        tables=tables,
    )


def _own(
    session: Session, code: str, sender: str, record_id: str, *, lock: bool = False
) -> ReferralInbox | None:
    """The letter, if it stands in this facility's list."""
    key = (code, sender, record_id)
    row = session.get(ReferralInbox, key, with_for_update=lock)
    return None if row is None or row.letter_state == tables.MOVED else row


def _look(
    pages: Pages, user: WebUser, sender: str, record_id: str
) -> LetterPage | ReferralInbox | None:
    """The letter with everything around it, and a line in the logs that it was seen. The bare row
    when the letter has gone elsewhere."""
    code = str(user.facility_code)
    database = pages.services.database
    with database.read(code) as session:
        row = session.get(ReferralInbox, (code, sender, record_id))
        if row is None:
            return None
    catch_up(database, pages.services.settings.clock, sender)
    with database.write(code) as session:
        row = _own(session, code, sender, record_id, lock=True)
        if row is None:
            return session.get_one(ReferralInbox, (code, sender, record_id))
        _note_look(pages, session, user, row)
        row.read_version = row.version
        session.flush()
        events = _events(session, row)
        database.work_for(session, sender)
        _note(pages, session, user, sender, record_id, "view")
        letter = _stored_letter(session, row)
        forms, coming = _forms(session, sender, record_id)
        return LetterPage(row, letter, events, forms, coming)


def _stored_letter(session: Session, row: ReferralInbox) -> Letter:
    parts = [
        stored_resource(session, row.sender_code, resource_type, name)
        for resource_type, name in (
            ("ServiceRequest", row.record_id),
            ("Task", f"{row.record_id}-t1"),
        )
    ]
    letter = read_letter([part for part in parts if part]) or Letter(number=row.number)
    if not letter.patient.get("full_name"):
        person = stored_resource(session, row.sender_code, "Patient", row.patient_id)
        letter.patient = patient_from(person or {}) | letter.patient
    return letter


def _forms(
    session: Session, sender: str, record_id: str
) -> tuple[list[Binary], list[tuple[int, int]]]:
    """The printed forms that are here, the newest first, and how much there is of those on their way."""
    whole = session.scalars(
        select(Binary)
        .where(Binary.facility_code == sender, Binary.record_id == record_id)
        .order_by(Binary.received_at.desc())
    ).all()
    begun = session.execute(
        select(BinaryUpload.received, BinaryUpload.size).where(
            BinaryUpload.facility_code == sender,
            BinaryUpload.id.startswith(f"{record_id}-b", autoescape=True),
        )
    )
    return list(whole), [(received, size) for received, size in begun]


def _events(session: Session, row: ReferralInbox) -> list[ReferralEvent]:
    return list(
        session.scalars(
            select(ReferralEvent)
            .where(
                ReferralEvent.facility_code == row.facility_code,
                ReferralEvent.sender_code == row.sender_code,
                ReferralEvent.record_id == row.record_id,
            )
            .order_by(ReferralEvent.sequence.desc())
        )
    )


def _note_look(pages: Pages, session: Session, user: WebUser, row: ReferralInbox) -> None:
    """One line for one look: reloading the page a minute later is the same look."""
    recent = session.scalar(
        select(func.max(ReferralEvent.at)).where(
            ReferralEvent.facility_code == row.facility_code,
            ReferralEvent.sender_code == row.sender_code,
            ReferralEvent.record_id == row.record_id,
            ReferralEvent.actor_id == user.id,
        )
    )
    if recent is None or pages.now() - recent >= _LOOK_AGAIN_MS or row.read_version < row.version:
        note_event(session, row, pages.now(), "viewed", actor_id=user.id, actor_name=user.full_name)


def _note(
    pages: Pages, session: Session, user: WebUser, sender: str, record_id: str, action: str
) -> None:
    note_access(
        session,
        facility_code=sender,
        at=pages.now(),
        actor_kind="user",
        actor_id=user.id,
        action=action,
        object_type=KIND,
        object_id=record_id,
        purpose=purpose_of(user.facility_code),
    )


def _add_answers(app: FastAPI, pages: Pages) -> None:
    @app.post(f"{PATH}/{{sender}}/{{record_id}}/{{step}}", include_in_schema=False)
    async def answer(request: Request, sender: str, record_id: str, step: str) -> Response:
        user = await pages.signed_in(request, RECEIVER)
        form = await pages.check_form(request)
        _check_names(sender, record_id)
        status = _STEPS.get(step)
        if status is None:
            raise not_found()
        slip = _slip(pages, form) if status == tables.ANSWERED else None
        reason = cleaned(form.get("reason", "")).strip()[:2000]
        given = Answer(status, form.get("seen", ""), reason, slip.fields if slip else None)

        def work() -> str:
            actor = Actor(user.id, user.full_name, str(user.facility_code))
            clock = pages.services.settings.clock
            try:
                give(pages.services.database, clock, actor, sender, record_id, given)
            except AnswerRefused as refused:
                return str(refused)
            return ""

        if slip and slip.problems:
            problem = "Còn mục cần sửa. Chưa có gì được gửi."
        else:
            problem = await pages.services.run(work)
        if problem:
            return await _letter_page(
                pages, request, user, sender, record_id, problem=problem, slip=slip, reason=reason
            )
        return RedirectResponse(f"{PATH}/{sender}/{record_id}?done={status}", 303)


_STEPS = {
    "accept": tables.ACCEPTED,
    "decline": tables.REJECTED,
    "arrived": tables.ARRIVED,
    "feedback": tables.ANSWERED,
}


def _slip(pages: Pages, form: Mapping[str, str]) -> SlipRead:
    return read_slip(form, datetime.fromtimestamp(pages.now() / 1000, VIETNAM).date())
