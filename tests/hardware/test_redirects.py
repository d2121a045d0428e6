"""Nothing sends the client, and with it the key, elsewhere: a stranger listens and hears nothing.

What the client and its cloud library read is asked of them, not listed: the last tests fail when a
release of theirs reads something that nobody has thought of.
"""

import ast
import importlib.util
import json
import os
import re
import socket
from pathlib import Path
from unittest.mock import patch
from urllib.parse import urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from listener import Listener

from qhu.emulator import Emulator
from qhu.emulator.platform import Rules
from qhu.errors import UserError

KEY = "marker-key-0123456789"
CRN = "crn:v1:bluemix:public:quantum-computing:us-east:a/0:1::"
READ = {
    "IAM_URL": "where tokens come from: held to the platform",
    "QISKIT_IBM_URL": "where the platform is: held to it",
    "QISKIT_IBM_TOKEN": "the key",
    "QISKIT_IBM_INSTANCE": "the instance: a CRN holds a part of the address, which is checked",
    "QISKIT_IBM_CHANNEL": "name of the platform",
    "QISKIT_FUNCTIONS_EXPERIMENTAL": "instances are not asked for: no address",
    "QISKIT_FUNCTIONS_IDENTIFIER": "a header",
    "QISKIT_IBM_RUNTIME_CUSTOM_CLIENT_APP_HEADER": "a header",
    "QE_CUSTOM_CLIENT_APP_HEADER": "a header",
    "USAGE_DATA_OPT_OUT": "a header",
    "QISKIT_IBM_RUNTIME_LOG_LEVEL": "the client's log, which is off",
    "QISKIT_IBM_RUNTIME_LOG_FILE": "the client's log, which is off",
    "IBM_CREDENTIALS_FILE": "the cloud library's reader, which is asked",
    "VCAP_SERVICES": "the cloud library's reader, which is asked",
}
"""Variables that the client's sources name, and why each sends no key elsewhere."""


@pytest.fixture
def listener(request):
    made = Listener()
    request.addfinalizer(made.close)
    return made


@pytest.fixture(autouse=True)
def _alone(tiny, tmp_path, monkeypatch):
    """An empty home, a key in the environment, no way out of this machine."""
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    for name in list(os.environ):
        if name.upper().endswith("_PROXY") or name.endswith("_CA_BUNDLE") or name in READ:
            monkeypatch.delenv(name)
    monkeypatch.setenv("USAGE_DATA_OPT_OUT", "True")
    monkeypatch.setenv("QISKIT_IBM_TOKEN", KEY)
    connect, look_up = socket.socket.connect, socket.getaddrinfo
    local = ("127.0.0.1", "localhost", "::1")

    def guarded(self, address):
        if isinstance(address, tuple) and address[0] not in local:
            raise OSError(f"a test connects to {address[0]}")
        return connect(self, address)

    def looked_up(host, *rest, **more):
        if host not in local:
            raise OSError(f"a test looks up {host}")
        return look_up(host, *rest, **more)

    monkeypatch.setattr(socket.socket, "connect", guarded)
    monkeypatch.setattr(socket, "getaddrinfo", looked_up)


def variables(**values):
    def prepare(url, monkeypatch):
        for name, value in values.items():
            monkeypatch.setenv(name, value.replace("URL", url))

    return prepare


def file(path, text, **values):
    def prepare(url, monkeypatch):
        where = Path(path.replace("~", str(Path.home())))
        where.parent.mkdir(exist_ok=True)
        where.write_text(text.replace("URL", url))
        variables(**values)(url, monkeypatch)

    return prepare


def saved(**entries):
    def prepare(url, monkeypatch):
        monkeypatch.delenv("QISKIT_IBM_TOKEN")
        account = {"channel": "ibm_quantum_platform", "token": KEY, **entries}
        text = json.dumps({"default-ibm-quantum-platform": account}).replace("URL", url)
        file("~/.qiskit/qiskit-ibm.json", text)(url, monkeypatch)

    return prepare


VCAP = json.dumps({"global_search": [{"credentials": {"url": "URL"}}]})
REDIRECTS = {
    "IAM_URL": variables(IAM_URL="URL"),
    "IAM_URL, alike": variables(IAM_URL="https://iam.cloud.ibm.com.evil.org"),
    "IAM_URL, user": variables(IAM_URL="https://iam.cloud.ibm.com@evil.org"),
    "QISKIT_IBM_URL": variables(QISKIT_IBM_URL="URL"),
    "QISKIT_IBM_URL, alike": variables(QISKIT_IBM_URL="http://cloud.ibm.com"),
    "GLOBAL_SEARCH_URL": variables(GLOBAL_SEARCH_URL="URL"),
    "GLOBAL_CATALOG_URL": variables(GLOBAL_CATALOG_URL="URL"),
    "GLOBAL_CATALOG-URL": variables(**{"GLOBAL_CATALOG-URL": "URL"}),
    "GLOBAL_SEARCH_AUTH_URL": variables(GLOBAL_SEARCH_AUTH_URL="URL"),
    "GLOBAL_CATALOG_AUTH_TYPE": variables(GLOBAL_CATALOG_AUTH_TYPE="noauth"),
    "GLOBAL_SEARCH_DISABLE_SSL": variables(GLOBAL_SEARCH_DISABLE_SSL="true"),
    "IBM_CREDENTIALS_FILE": file(
        "any.env", "GLOBAL_SEARCH_URL=URL\n", IBM_CREDENTIALS_FILE="any.env"
    ),
    "IBM_CREDENTIALS_FILE, catalog": file(
        "any.env", "A=1\n  GLOBAL_CATALOG_URL=URL\n", IBM_CREDENTIALS_FILE="any.env"
    ),
    "ibm-credentials.env": file("ibm-credentials.env", "GLOBAL_SEARCH_URL=URL\n"),
    "ibm-credentials.env, home": file("~/ibm-credentials.env", "GLOBAL_CATALOG_URL=URL\n"),
    "ibm-credentials.env, TLS": file("ibm-credentials.env", "GLOBAL_SEARCH_DISABLE_SSL=true\n"),
    "VCAP_SERVICES": variables(VCAP_SERVICES=VCAP),
    "VCAP_SERVICES, damaged": variables(VCAP_SERVICES="{"),
    "VCAP_SERVICES, a list": variables(VCAP_SERVICES="[1]"),
    "VCAP_SERVICES, deep": variables(VCAP_SERVICES="[" * 100_000),
    "url of account": saved(url="URL"),
    "url of account, experimental": saved(url="URL/experimental"),
    "proxies of account": saved(proxies={"urls": {"https": "URL"}}),
    "verify of account": saved(verify=False),
    "verify of account, null": saved(verify=None),
    "instance of account": saved(instance=CRN.replace("us-east", "evil.org/x")),
    "QISKIT_IBM_INSTANCE": variables(QISKIT_IBM_INSTANCE=CRN.replace("us-east", "evil.org/")),
    "instance 'crn:v1:staging": variables(QISKIT_IBM_INSTANCE=CRN.replace("bluemix", "staging")),
    "netrc": file("~/.netrc", "default login me password mine\n"),
    "netrc, NETRC": file(
        "logins", "machine iam.cloud.ibm.com login me password mine\n", NETRC="logins"
    ),
    "REQUESTS_CA_BUNDLE": variables(REQUESTS_CA_BUNDLE="/nowhere"),
    "CURL_CA_BUNDLE": variables(CURL_CA_BUNDLE="/nowhere"),
}
"""Ways to send the client elsewhere, by what the refusal has to name."""


@pytest.mark.parametrize("name", REDIRECTS)
def test_a_redirect_that_nobody_asked_for_is_refused(qhu, listener, monkeypatch, name):
    REDIRECTS[name](listener.url, monkeypatch)
    status, _, errors = qhu(
        *("run", "tiny.yaml", "--backend", "ibm_fez", "--yes", "--max-qpu-seconds", "1")
    )
    assert (status, listener.heard) == (2, [])
    assert re.fullmatch(r"qhu: [^\n]+\n", errors) and name.split(",")[0] in errors
    assert KEY not in errors


MORE = {
    "HTTP_PROXY": variables(HTTP_PROXY="URL", http_proxy="URL"),
    "ALL_PROXY": variables(ALL_PROXY="URL", NO_PROXY="elsewhere"),
}


@pytest.fixture(scope="module")
def emulator():
    with Emulator("fake_manila", rules=Rules(queue_seconds=0, settle_seconds=0)) as running:
        yield running


@pytest.mark.parametrize("name", [*REDIRECTS, *MORE])
def test_a_rehearsal_reaches_the_emulator_or_nobody(qhu, listener, monkeypatch, emulator, name):
    {**REDIRECTS, **MORE}[name](listener.url, monkeypatch)
    monkeypatch.delenv("QISKIT_IBM_TOKEN", raising=False)
    _, printed, errors = qhu("doctor", "--emulator", emulator.url, "--max-qpu-seconds", "1")
    assert listener.heard == []
    words = (name.split(",")[0], "does not have access to the instance", "devices: ibm_manila")
    assert any(word in printed + errors for word in words)


@pytest.fixture
def account():
    from qhu.hardware.access import Access
    from qhu.hardware.account import Account
    from qhu.hardware.waiting import Patience

    return Account(Access(), Patience(), lambda line: None)


@pytest.mark.parametrize("name", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"])
def test_a_proxy_of_the_environment_is_shown_without_its_password(account, monkeypatch, name):
    monkeypatch.setenv(name, "http://me:secret-word@proxy.example:3128")
    assert account.describe().endswith("; with proxy proxy.example:3128")
    monkeypatch.setenv("NO_PROXY", ".cloud.ibm.com")
    account.__dict__.pop("between")
    assert "proxy" not in account.describe()


def test_certificates_of_the_environment_are_shown(account, monkeypatch):
    import certifi

    monkeypatch.setenv("REQUESTS_CA_BUNDLE", certifi.where())
    assert account.describe().endswith(f"; with certificates of {certifi.where()}")


def test_an_account_that_names_the_platform_itself_is_no_redirect(monkeypatch):
    from qiskit_ibm_runtime.accounts import Account

    from qhu.hardware.credentials import credentials
    from qhu.hardware.identifiers import PLATFORM
    from qhu.hardware.redirects import check_platform

    assert Account(token=KEY).url == PLATFORM
    saved(**Account(token=KEY, instance=CRN).to_saved_format())("", monkeypatch)
    monkeypatch.setenv("IAM_URL", "https://iam.cloud.ibm.com")
    monkeypatch.setenv("VCAP_SERVICES", json.dumps({"another": [{"credentials": {"url": "x"}}]}))
    Path("ibm-credentials.env").write_text("WATSON_URL=http://elsewhere\n")
    assert check_platform(credentials()) == []


@pytest.mark.parametrize("private", [False, True])
@pytest.mark.parametrize("region", ["us-east", "eu-de"])
def test_every_address_of_the_platform_passes(private, region):
    from qiskit_ibm_runtime.accounts.utils import (
        get_global_catalog_api_url,
        get_global_search_api_url,
    )

    from qhu.hardware.credentials import Credentials
    from qhu.hardware.identifiers import PLATFORM
    from qhu.hardware.redirects import CATALOG, SEARCHED, check_platform, on_platform

    crn = CRN.replace("us-east", region)
    check_platform(Credentials("here", KEY, crn, preferences={"private_endpoint": private}))
    assert "quantum.cloud.ibm.com" in on_platform()(PLATFORM, crn, private, "")
    assert get_global_search_api_url(PLATFORM) == SEARCHED
    assert get_global_catalog_api_url(PLATFORM) == CATALOG


NAMES = [
    f"{prefix}{name}"
    for prefix in ("GLOBAL_SEARCH_", "GLOBAL_CATALOG_", "GLOBAL_SEARCH_TAGGING_", "IAM_", "WATSON_")
    for name in ("URL", "AUTH_URL", "AUTH_TYPE", "APIKEY", "DISABLE_SSL", "AUTH_DISABLE_SSL")
]
VALUES = ["http://elsewhere", "https://iam.cloud.ibm.com", "true", "noauth", "key"]


@given(
    st.dictionaries(st.sampled_from(NAMES), st.sampled_from(VALUES), max_size=3),
    st.dictionaries(st.sampled_from(NAMES), st.sampled_from(VALUES), max_size=2),
    st.sampled_from([None, "any.env", "ibm-credentials.env"]),
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_what_passes_leaves_the_client_as_it_is(environment, lines, file):
    from ibm_cloud_sdk_core import BaseService, get_authenticator_from_environment
    from ibm_cloud_sdk_core.authenticators import NoAuthAuthenticator
    from qiskit_ibm_runtime.accounts import Account

    from qhu.hardware.credentials import Credentials
    from qhu.hardware.redirects import SERVICES, check_platform

    Path("ibm-credentials.env").unlink(missing_ok=True)
    if file:
        Path(file).write_text("".join(f"{name}={value}\n" for name, value in lines.items()))
    environment |= {"IBM_CREDENTIALS_FILE": file} if file == "any.env" else {}
    with patch.dict(os.environ, environment):
        try:
            check_platform(Credentials("here", KEY))
        except UserError:
            return
        for name in SERVICES:
            service = BaseService(service_url="https://x", authenticator=NoAuthAuthenticator())
            service.configure_service(name)
            assert (service.service_url, service.disable_ssl_verification) == ("https://x", False)
            assert get_authenticator_from_environment(name) is None
        tokens = Account(token=KEY).get_iam_authentificator().token_manager
        assert tokens.url == "https://iam.cloud.ibm.com" and not tokens.disable_ssl_verification


HOSTS = {
    "iam.cloud.ibm.com": "",
    "api.global-search-tagging.cloud.ibm.com": "",
    "globalcatalog.cloud.ibm.com": "/catalog",
    "quantum.cloud.ibm.com": "",
}
"""Hosts of the platform, and the path below which the emulator answers for each."""


@pytest.mark.parametrize("instance", [None, "emulated", Emulator.instance])
def test_the_platform_is_used_at_its_own_addresses(account, emulator, monkeypatch, instance):
    from requests.adapters import HTTPAdapter

    reached, send = set(), HTTPAdapter.send

    def led_here(self, request, **options):
        url = urlsplit(request.url)
        assert (url.scheme, options["verify"]) == ("https", True)
        reached.add(url.hostname)
        request.url = emulator.url + HOSTS[url.hostname] + request.path_url
        return send(self, request, **options)

    monkeypatch.setattr(HTTPAdapter, "send", led_here)
    monkeypatch.setenv("QISKIT_IBM_TOKEN", Emulator.token)
    if instance:
        monkeypatch.setenv("QISKIT_IBM_INSTANCE", instance)
    assert [device.name for device in account.devices()] == ["ibm_manila"]
    assert (account.plan("ibm_manila"), reached) == ("open", set(HOSTS))


def test_the_client_configures_no_other_services(qhu, monkeypatch, emulator):
    from ibm_cloud_sdk_core import base_service

    from qhu.hardware.redirects import SERVICES

    asked, read = set(), base_service.read_external_sources
    monkeypatch.setattr(
        base_service, "read_external_sources", lambda name: asked.add(name) or read(name)
    )
    monkeypatch.delenv("QISKIT_IBM_TOKEN")
    qhu("doctor", "--emulator", emulator.url)
    assert asked == set(SERVICES)


def test_every_variable_that_the_client_reads_was_weighed():
    files = [
        *sources("qiskit_ibm_runtime"),
        *sources("ibm_cloud_sdk_core"),
        *sources("ibm_platform_services.global_search_v2"),
        *sources("ibm_platform_services.global_catalog_v1"),
        *sources("ibm_platform_services.common"),
    ]
    files = [path for path in files if path.name != "version.py"]  # which asks git, when built
    assert {name for path in files for name in named(path)} <= set(READ)


def sources(package):
    spec = importlib.util.find_spec(package)
    roots = spec.submodule_search_locations
    return (
        [path for root in roots for path in Path(root).rglob("*.py")]
        if roots
        else [Path(spec.origin)]
    )


def named(path):
    """Names of variables that a file reads, by ``os.environ`` or ``os.getenv``."""
    text = path.read_text(encoding="utf-8")
    if "environ" not in text and "getenv" not in text:
        return set()
    tree = ast.parse(text)
    constants = {
        node.targets[0].id: node.value.value
        for node in tree.body
        if isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Name)
        and isinstance(node.value, ast.Constant)
    }
    keys = [
        node.args[0] if isinstance(node, ast.Call) else node.slice
        for node in ast.walk(tree)
        if (
            isinstance(node, ast.Call)
            and node.args
            and ast.unparse(node.func) in ("os.getenv", "getenv", "os.environ.get", "environ.get")
        )
        or (
            isinstance(node, ast.Subscript) and ast.unparse(node.value) in ("os.environ", "environ")
        )
    ]
    return {
        key.value if isinstance(key, ast.Constant) else constants.get(ast.unparse(key))
        for key in keys
    }
