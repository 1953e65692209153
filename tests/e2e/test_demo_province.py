"""The demo's provincial server as a process of its own."""

from station_emr.demo.province import DemoProvince


def test_a_token_that_starts_with_a_dash_starts_the_server_too(tmp_path):
    (tmp_path / "token").write_text("-starts-with-a-dash-0123456789abcdefghijkl")
    with DemoProvince(tmp_path, "DEMO1") as province:
        assert province.start().token.startswith("-starts")
