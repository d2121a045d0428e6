"""Where the platform is: an emulator is on this machine, and only there."""

import os
from pathlib import Path

import pytest
import requests

from qhu.errors import UserError
from qhu.hardware.access import Access, loopback, redirected


def test_variables_last_as_long_as_the_block(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "mine")
    with redirected(Access("http://127.0.0.1:4321/")):
        assert os.environ["IAM_URL"] == "http://127.0.0.1:4321"
        assert os.environ["GLOBAL_CATALOG_URL"] == "http://127.0.0.1:4321/catalog/api/v1"
        assert os.environ["NO_PROXY"] == "127.0.0.1,mine"
    assert os.environ["NO_PROXY"] == "mine" and "IAM_URL" not in os.environ


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "localhost", "[::1]"])
@pytest.mark.parametrize("name", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
def test_no_proxy_stands_before_an_emulator(monkeypatch, host, name):
    base = f"http://{host}:4321"
    monkeypatch.setenv(name, "http://127.0.0.1:1")
    monkeypatch.setenv("NO_PROXY", "elsewhere")
    with redirected(Access(base)):
        assert requests.utils.get_environ_proxies(base) == {}


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


def test_where_the_ledger_is(tmp_path, monkeypatch):
    rehearsal = Access("http://127.0.0.1:1")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_DATA_HOME", "/data")
    assert (Access().ledger, rehearsal.ledger) == (
        Path("/data/qhu/ibm.db"),
        Path("ledger/emulator.db"),
    )
    monkeypatch.delenv("XDG_DATA_HOME")
    monkeypatch.setenv("HOME", "/home/me")
    assert Access().ledger == Path("/home/me/.local/share/qhu/ibm.db")
    Path("ledger").mkdir()
    Path("ledger/ibm.db").touch()
    assert Access().ledger == Path("ledger/ibm.db")  # one of before, paid for
    monkeypatch.setenv("QHU_LEDGER", "/books")
    assert (Access().ledger, rehearsal.ledger) == (
        Path("/books/ibm.db"),
        Path("/books/emulator.db"),
    )


def test_an_owner_is_a_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    here = Access().owner
    assert here == Access("http://127.0.0.1:1").owner and str(tmp_path) not in here
    (tmp_path / "there").mkdir()
    monkeypatch.chdir("there")
    assert Access().owner != here


def test_a_token_is_not_shown():
    assert "secret" not in repr(Access("http://127.0.0.1:1", "secret"))
