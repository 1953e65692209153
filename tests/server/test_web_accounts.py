"""Logging in to the pages: cookies, forms, locks, and whose page it is."""

from __future__ import annotations

import re
import secrets
import threading

import pytest
import requests
from sqlalchemy import select

from provincial_server.web import accounts
from provincial_server.web.access_log import AccessEntry, note_access
from provincial_server.web.accounts import WebUser
from tests.provincial_command import main
from tests.server.inbox_client import PASSWORD, Visitor, hospital


def receiver(server) -> str:
    """A new account of a new receiving hospital; its name."""
    return hospital(server)[1]


@pytest.fixture
def visitor(server):
    one = Visitor(server.root)
    yield one
    one.session.close()


def test_a_page_asks_who_is_there_and_leads_back_to_it(server, visitor):
    asked = visitor.get("/web/account", allow_redirects=False)
    assert asked.status_code == 303
    assert asked.headers["location"] == "/web/login?next=/web/account"
    entered = visitor.log_in(receiver(server), next="/web/account")
    assert entered.headers["location"] == "/web/account"
    cookie = entered.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    page = visitor.get("/web/account")
    assert "Người nhận mẫu" in page.text
    assert "default-src 'self'" in page.headers["content-security-policy"]
    assert page.headers["cache-control"] == "no-store"
    assert "style=" not in page.text


def test_cookies_are_for_https_alone_elsewhere_than_on_this_machine(visitor):
    here = visitor.get("/web/login")
    assert "secure" not in here.headers["set-cookie"].lower()
    far = requests.get(f"{visitor.root}/web/login", headers={"Host": "tinh.mau.vn"}, timeout=30)
    assert "secure" in far.headers["set-cookie"].lower()


@pytest.mark.parametrize(
    "target", ["https://mau.example/", "//mau.example", "/fhir", "/web\\@x", "/web@x", "/webé"]
)
def test_a_link_never_leads_elsewhere_after_the_log_in(server, visitor, target):
    assert visitor.log_in(receiver(server), next=target).headers["location"] == "/web"


def test_forms_of_another_page_are_refused(server, visitor):
    name = receiver(server)
    assert visitor.log_in(name, csrf="x" * 32).status_code == 403
    visitor.log_in(name)
    refused = visitor.post("/web/logout", csrf="x" * 43)
    assert refused.status_code == 403
    assert "hết hạn" in refused.text
    assert visitor.get("/web/account", allow_redirects=False).status_code == 200


def test_logging_out_ends_the_session_itself(server, visitor):
    visitor.log_in(receiver(server))
    kept = visitor.session.cookies["web_session"]
    assert visitor.post("/web/logout", page="/web/account").status_code == 303
    visitor.session.cookies.set("web_session", kept, path="/web")
    assert visitor.get("/web/account", allow_redirects=False).status_code == 303


def test_five_wrong_passwords_lock_for_a_quarter_of_an_hour(server):
    name, database = receiver(server), server.database
    for _ in range(4):
        assert accounts.check_password(database, name, "sai", 1000) is None
    assert accounts.check_password(database, name, PASSWORD, 1000) is not None
    for _ in range(5):
        assert accounts.check_password(database, name, "sai", 1000) is None
    assert accounts.check_password(database, name, PASSWORD, 1000) is None
    assert accounts.check_password(database, name, PASSWORD, 1000 + accounts.LOCK_MS - 1) is None
    assert accounts.check_password(database, name, PASSWORD, 1000 + accounts.LOCK_MS) is not None


def test_a_flood_of_log_ins_is_sent_away_before_a_try_is_counted(server, monkeypatch):
    name = receiver(server)
    monkeypatch.setattr(accounts, "_places", threading.BoundedSemaphore(1))
    assert accounts._places.acquire(blocking=False)
    for _ in range(9):
        with pytest.raises(accounts.TooManyAtOnce):
            accounts.check_password(server.database, name, "sai", 1000)
    flooded = Visitor(server.root)
    assert flooded.log_in(name).status_code == 429
    accounts._places.release()
    assert flooded.log_in(name).status_code == 303
    flooded.session.close()


def test_a_wrong_name_and_a_wrong_password_are_told_the_same(server, visitor):
    name = receiver(server)
    wrong, unknown = visitor.log_in(name, "sai"), visitor.log_in("khong.co", "sai")
    assert wrong.status_code == unknown.status_code == 403
    strip = lambda response: re.sub(r'value="[^"]*"', "", response.text)
    assert strip(wrong) == strip(unknown)


def test_a_session_ends_idle_and_ends_anyway(server):
    name = receiver(server)
    with server.database.write("*") as session:
        user = session.scalars(select(WebUser).where(WebUser.username == name)).one()
        token = accounts.open_session(session, user, 1000)
        assert accounts.find_session(session, token, 1000 + accounts.IDLE_MS - 1)
        assert accounts.find_session(session, token, 1000 + accounts.IDLE_MS) is None
        late = 1000 + accounts.LONGEST_MS
        accounts.note_seen(session, token, late - 1)
        assert accounts.find_session(session, token, late - 1)
        assert accounts.find_session(session, token, late) is None


def test_a_new_password_throws_out_who_knew_the_old_one(server, visitor):
    name = receiver(server)
    thief = Visitor(server.root)
    thief.log_in(name)
    visitor.log_in(name)
    short = visitor.post("/web/account", old=PASSWORD, new="ngan", again="ngan")
    assert "ít nhất 14" in short.text
    new = "Mật khẩu mới số 7."
    assert visitor.post("/web/account", old="sai", new=new, again=new).status_code == 422
    assert visitor.post("/web/account", old=PASSWORD, new=new, again=new).status_code == 303
    assert visitor.get("/web/account", allow_redirects=False).status_code == 200
    assert thief.get("/web/account", allow_redirects=False).status_code == 303
    assert thief.log_in(name).status_code == 403
    assert thief.log_in(name, new).status_code == 303
    thief.session.close()


def test_unknown_addresses_are_pages_for_people(visitor):
    missing = visitor.get("/web/khong-co")
    assert missing.status_code == 404
    assert "Không có trang này" in missing.text


@pytest.mark.parametrize(
    ("password", "said"),
    [
        ("Ngắn 1!", "ít nhất 14"),
        ("chỉ chữ thường thôi 1", "chữ hoa"),
        ("Không có chữ số nào.", "chữ số"),
        ("Khôngkýhiệu1234567", "ký hiệu"),
        ("Aa1!Aa1!Aa1!Aa1!", "lặp lại"),
        ("Nguyen.van 2026 Mau", "tên đăng nhập"),
    ],
)
def test_weak_passwords_are_refused_with_the_reason(password, said):
    assert said in (accounts.password_problem(password, "nguyen.van") or "")


def test_the_operator_adds_lists_and_closes_accounts(tmp_path, monkeypatch, capsys):
    database = f"sqlite:///{tmp_path / 'p.db'}"

    def run(*words: str, password: str | None = None) -> int:
        if password:
            monkeypatch.setenv("PROVINCIAL_SERVER_PASSWORD", password)
        return main([*words, "--database", database])

    assert run("init") == 0
    assert run("facility", "add", "BVMAU", "Bệnh viện mẫu") == 0
    adding = ("user", "add", "nhan.mau", "Trần Thị Mẫu", "--role", "receiver", "--facility")
    assert run(*adding, "BVMAU", password="ngan") == 1
    assert run(*adding, "KHONGCO", password=PASSWORD) == 1
    assert run(*adding, "BVMAU", password=PASSWORD) == 0
    assert run(*adding, "BVMAU", password=PASSWORD) == 1
    assert run("user", "close", "nhan.mau") == 0
    assert run("user", "list") == 0
    assert "nhan.mau\treceiver\tBVMAU\tTrần Thị Mẫu\tđã đóng" in capsys.readouterr().out


def test_access_lines_are_numbered_without_a_gap_and_never_changed(server):
    code = f"BVMAU{secrets.token_hex(3)}"
    for action in ("view", "accept"):
        with server.database.write("*") as session:
            note_access(
                session,
                facility_code=code,
                at=5,
                actor_kind="user",
                actor_id="u",
                action=action,
                object_type="referral",
                object_id="r",
                purpose="tiếp nhận",
            )
    with server.database.write("*") as session:
        rows = session.scalars(select(AccessEntry).where(AccessEntry.facility_code == code)).all()
        assert [(row.sequence, row.action) for row in rows] == [(1, "view"), (2, "accept")]
    with (
        pytest.raises(Exception, match=r"append-only|permission denied"),
        server.database.write("*") as session,
    ):
        session.get_one(AccessEntry, (code, 1)).action = "nothing"
