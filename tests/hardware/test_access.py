"""The client is redirected only for an emulator that was asked for, and to this machine only."""

import os
from pathlib import Path

import pytest

from qhu.errors import UserError
from qhu.hardware.access import CREDENTIALS, REDIRECTS, Access, loopback, redirected


@pytest.fixture(autouse=True)
def _alone(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "home").mkdir()
    monkeypatch.chdir(tmp_path)
    for name in REDIRECTS:
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize("name", REDIRECTS)
def test_a_redirect_that_nobody_asked_for_is_refused(monkeypatch, name):
    monkeypatch.setenv(name, "http://127.0.0.1:1")
    with pytest.raises(UserError, match=f"{name} redirects the IBM client"), redirected(Access()):
        pass


@pytest.mark.parametrize("home", [False, True])
def test_a_file_of_credentials_redirects_too(home):
    file = Path.home() / CREDENTIALS if home else Path(CREDENTIALS)
    file.write_text("GLOBAL_SEARCH_URL=http://elsewhere\n")
    for access in (Access(), Access("http://127.0.0.1:1")):
        with pytest.raises(UserError, match=CREDENTIALS), redirected(access):
            pass
    file.write_text("WATSON_URL=http://elsewhere\n")
    with redirected(Access()):
        pass


def test_variables_last_as_long_as_the_block(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "mine")
    with redirected(Access("http://127.0.0.1:4321/")):
        assert os.environ["IAM_URL"] == "http://127.0.0.1:4321"
        assert os.environ["GLOBAL_CATALOG_URL"] == "http://127.0.0.1:4321/catalog/api/v1"
    assert os.environ["NO_PROXY"] == "mine" and "IAM_URL" not in os.environ


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "http://localhost:80/", "http://[::1]:9"])
def test_this_machine(url):
    assert loopback(url) == url.rstrip("/")


@pytest.mark.parametrize(
    "url",
    [
        *("http://10.0.0.1:80", "https://127.0.0.1:80", "http://127.0.0.1", "127.0.0.1:80"),
        *("http://ibm.com:80", "http://127.0.0.1.evil.org:80", "auto:80", "http://0.0.0.0:80", ""),
    ],
)
def test_any_other_machine_is_refused(url):
    with pytest.raises(UserError, match="an emulator is on this machine"):
        loopback(url)


def test_ledgers_do_not_mix():
    assert Access().ledger != Access("http://127.0.0.1:1").ledger


def test_a_token_is_not_shown():
    assert "secret" not in repr(Access("http://127.0.0.1:1", "secret"))
