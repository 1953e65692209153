"""Pages leave a line in the access log too: who saw which list, and who was refused."""

from __future__ import annotations

import time
from collections.abc import Iterator
from urllib.parse import urlencode

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from provincial_server import audit, auth, tokens
from provincial_server.audit import Access, AccessBuffer
from provincial_server.settings import Rate, Rates
from provincial_server.store import EVERY_FACILITY
from provincial_server.web import accounts
from provincial_server.web.access_log import PROVINCE
from provincial_server.web.accounts import ADMINISTRATOR, OVERSEER, RECEIVER
from tests.server.direct import Answer, Direct, running
from tests.server.inbox_client import PASSWORD
from tests.server.test_access_audit import lines, shown

LETTER = "/web/inbox/TRAMMAU/0197a000-0000-7000-8000-0000deadbeef"
OF_LETTER = "0197a000-0000-7000-8000-0000deadbeef"
FORM = [("content-type", "application/x-www-form-urlencoded")]


@pytest.fixture
def direct(tmp_path) -> Iterator[Direct]:
    with running(tmp_path) as one:
        yield one


class Person:
    """Somebody who is signed in."""

    def __init__(self, direct: Direct, role: str) -> None:
        self.direct = direct
        place = "BVMAU" if role == RECEIVER else None
        now = int(time.time() * 1000)
        with direct.database.write(EVERY_FACILITY) as session:
            auth.add_facility(session, "BVMAU", "Bệnh viện mẫu", 0)
            user = accounts.add_user(
                session, f"mau.{role}", "Người mẫu", role, PASSWORD, now, facility_code=place
            )
            self.id = user.id
            self.cookie = accounts.open_session(session, user, now)
        with direct.database.read(EVERY_FACILITY) as session:
            found = accounts.find_session(session, self.cookie, now)
            assert found
            self.csrf = found.csrf

    def get(self, path: str) -> Answer:
        return self.direct.call("GET", path, headers=[("cookie", f"web_session={self.cookie}")])

    def post(self, path: str, **fields: str) -> Answer:
        form = urlencode({"csrf": self.csrf, **fields}).encode()
        cookie = ("cookie", f"web_session={self.cookie}")
        return self.direct.call("POST", path, form, [*FORM, cookie])

    def said(self) -> list[tuple[str, str, str, str]]:
        found = [line for line in lines(self.direct) if line.actor_id == self.id]
        assert {line.actor_kind for line in found} == {"user"}
        return [shown(line) for line in found]


def test_whoever_sees_a_list_is_noted_without_what_was_looked_for(direct):
    clerk = Person(direct, RECEIVER)
    assert clerk.get("/web/inbox").status == 200
    assert clerk.get("/web/inbox?q=puih+mau").status == 200
    assert clerk.said() == [
        ("list", "/web/inbox", "", "ok given=0"),
        ("search", "/web/inbox", "", "ok given=0"),
    ]
    found = lines(direct, "BVMAU")
    assert [line.purpose for line in found] == ["tiếp nhận chuyển tuyến tại BVMAU"] * 2
    assert "puih" not in str([vars(line) for line in found])


def test_whoever_looks_over_the_province_is_noted(direct):
    overseer = Person(direct, OVERSEER)
    direct.device("A")
    for path in ("tong-quan", "tong-quan/xuat.xlsx", "tong-quan/A", "trung-nguoi", "xem-ho-so"):
        assert overseer.get(f"/web/{path}").status == 200, path
    assert overseer.said() == [
        ("overview", "/web/tong-quan", "", "ok"),
        ("export", "/web/tong-quan/xuat.xlsx", "", "ok"),
        ("overview", "/web/tong-quan/{code}", "A", "ok"),
        ("list", "/web/trung-nguoi", "", "ok"),
        ("access-log", "/web/xem-ho-so", "", "ok"),
    ]
    assert {line.facility_code for line in lines(direct)} == {PROVINCE}


def test_whoever_is_refused_a_page_is_noted_by_name(direct):
    clerk, administrator = Person(direct, RECEIVER), Person(direct, ADMINISTRATOR)
    form = f"{LETTER}/form/{OF_LETTER}-b1"
    refused = [
        clerk.get(LETTER),
        clerk.get(form),
        clerk.post(f"{LETTER}/accept", seen="1.0"),
        clerk.get("/web/trung-nguoi"),
        clerk.get("/web/tong-quan/xuat.xlsx"),
        clerk.get("/web/inbox/%00/064099100001 x"),
        clerk.get("/web/nowhere"),
        clerk.post("/web/logout", csrf="x" * 43),
    ]
    assert [answer.status for answer in refused] == [404, 404, 404, 403, 403, 404, 404, 403]
    assert administrator.get("/web/inbox").status == 403
    assert clerk.said() == [
        ("get", "referral", OF_LETTER, "refused 404"),
        ("get", "referral", OF_LETTER, "refused 404"),
        ("post", "referral", OF_LETTER, "refused 404"),
        ("list", "/web/trung-nguoi", "", "refused 403"),
        ("export", "/web/tong-quan/xuat.xlsx", "", "refused 403"),
        ("get", "referral", "?", "refused 404"),
        ("get", "?", "", "refused 404"),
        ("post", "/web/logout", "", "refused 403"),
    ]
    assert administrator.said() == [("list", "/web/inbox", "", "refused 403")]
    assert {line.facility_code for line in lines(direct) if line.actor_id == clerk.id} == {"BVMAU"}


def test_pages_that_show_nobody_leave_nothing(direct):
    clerk = Person(direct, RECEIVER)
    for path in ("/web", "/web/account", "/web/static/site.css", "/web/login"):
        clerk.get(path)
    direct.call("GET", "/web/inbox")  # nobody is there: the log-in page
    direct.call("GET", "/web/nowhere")
    assert lines(direct) == []


def test_a_log_in_leaves_one_line_however_it_ends(direct):
    def enter(word: str, password: str) -> int:
        form = urlencode({"csrf": word, "username": "mau.receiver", "password": password}).encode()
        return direct.call(
            "POST", "/web/login", form, [*FORM, ("cookie", f"web_form={'w' * 24}")]
        ).status

    Person(direct, RECEIVER)
    assert [enter("w" * 24, "sai"), enter("w" * 24, PASSWORD), enter("x", PASSWORD)] == [
        403,
        303,
        403,
    ]
    assert [(line.actor_kind, line.action, line.result) for line in lines(direct)] == [
        ("user", "login", "refused"),
        ("user", "login", "ok"),
        ("address", "login", "refused 403"),
    ]


def test_no_page_is_shown_that_cannot_be_noted(direct, monkeypatch):
    clerk = Person(direct, RECEIVER)
    monkeypatch.setattr(audit, "_MOST_WAITING", 0)
    answer = clerk.get("/web/inbox")
    assert answer.status == 503
    assert "nhật ký" in answer.body.decode()
    assert direct.call("GET", "/web/static/site.css").status != 503


# --- tokens that are refused ----------------------------------------------------------------------


def ask_token(direct: Direct, assertion: str) -> int:
    form = urlencode(
        {
            "grant_type": "client_credentials",
            "client_assertion_type": tokens.ASSERTION_TYPE,
            "client_assertion": assertion,
        }
    ).encode()
    return direct.call("POST", "/token", form, FORM).status


def test_a_refused_assertion_is_noted_under_the_device_it_claims(direct):
    key, foreign = (ec.generate_private_key(ec.SECP384R1()) for _ in range(2))
    pem = tokens.public_key_text(jwt.algorithms.ECAlgorithm.to_jwk(key.public_key(), as_dict=True))
    with direct.database.write(EVERY_FACILITY) as session:
        auth.add_facility(session, "A", "Trạm mẫu A", 0)
        device = auth.enrol_device(session, "A", "Máy 1", 0, public_key=pem).device_id
    now = int(time.time())
    claims = {
        "iss": device,
        "sub": device,
        "aud": "http://127.0.0.1:8080/token",
        "exp": now + 240,
        "jti": "once",
    }
    good = jwt.encode(claims, key, algorithm="ES384")
    assert [
        ask_token(direct, good),
        ask_token(direct, good),  # a replay
        ask_token(direct, jwt.encode({**claims, "aud": "x"}, key, algorithm="ES384")),
        ask_token(direct, jwt.encode(claims, foreign, algorithm="ES384")),
        ask_token(direct, "Nguyễn Thị Mẫu"),
        ask_token(direct, jwt.encode({**claims, "sub": "Mẫu"}, key, algorithm="ES384")),
        direct.call("POST", "/token", b"x" * 20_000, FORM).status,
    ] == [200, 400, 400, 401, 400, 401, 413]
    said = [(line.actor_kind, line.actor_id, *shown(line)) for line in lines(direct)]
    assert sorted(said) == [
        ("address", "127.0.0.1", "token", "/token", "", "refused 400"),
        ("address", "127.0.0.1", "token", "/token", "", "refused 401"),
        ("address", "127.0.0.1", "token", "/token", "", "refused 413"),
        ("claimed", device, "token", "/token", "", "refused 400"),
        ("claimed", device, "token", "/token", "", "refused 400"),
        ("claimed", device, "token", "/token", "", "refused 401"),
        ("device", device, "token", "/token", "", "ok"),
    ]
    purposes = {line.purpose for line in lines(direct) if line.actor_kind == "claimed"}
    assert purposes == {"đăng nhập từ 127.0.0.1"}


def test_a_revoked_device_is_named_wherever_it_knocks(direct):
    token = direct.device("A")
    with direct.database.write(EVERY_FACILITY) as session:
        device = auth.authenticate(session, token, 0).device_id
        auth.revoke_device(session, device, 1)
    direct.call("GET", "/fhir/Patient", token=token)
    media = [("content-type", "application/vnd.station-emr.exchange")]
    direct.call("POST", "/fhir/$exchange", b"{}", media, token=token)
    direct.call("DELETE", "/fhir/Patient/p1", token=token)
    key = tokens.public_key_text(
        jwt.algorithms.ECAlgorithm.to_jwk(
            ec.generate_private_key(ec.SECP384R1()).public_key(), as_dict=True
        )
    )
    direct.call("POST", "/enrol-key", {"public_key": key}, token=token)
    assert [(line.actor_kind, line.actor_id, *shown(line)) for line in lines(direct, "A")] == [
        ("device", device, "search", "Patient", "", "refused 401"),
        ("device", device, "exchange", "/fhir/$exchange", "", "refused 401"),
        ("device", device, "delete", "Patient", "p1", "refused 405"),
        ("device", device, "enrol", "/enrol-key", "", "refused 401"),
    ]


def test_a_stranger_who_asks_too_often_is_one_line_a_second(tmp_path, monkeypatch):
    monkeypatch.setattr(AccessBuffer, "start", lambda _: None)  # the second does not end by itself
    rates = Rates(address=Rate(0.001, 2))
    with running(tmp_path, rates=rates, rates_on_loopback=True) as direct:
        tried = [direct.call("POST", "/enrol", {"code": "X"}).status for _ in range(12)]
        assert tried == [400, 400, *[429] * 10]
        said = ["refused 400 times=2", "refused 429 times=10"]
        assert [line.result for line in lines(direct)] == said
        direct.call("POST", "/enrol", {"code": "X"})
        assert [line.result for line in lines(direct)] == [*said, "refused 429"]


def test_what_repeats_is_kept_while_the_log_cannot_be_written(direct, monkeypatch):
    buffer = AccessBuffer(direct.database)
    one = Access(PROVINCE, 1, "address", "a", "token", "/token", "", "-", "refused 429", True)
    real = audit.write

    def broken(*_: object) -> None:
        buffer.add(one)  # comes in the meantime
        raise OSError

    monkeypatch.setattr(audit, "write", broken)
    buffer.add(one)
    with pytest.raises(OSError):
        buffer.flush()
    monkeypatch.setattr(audit, "write", real)
    buffer.flush()
    assert [line.result for line in lines(direct)] == ["refused 429"] * 2
