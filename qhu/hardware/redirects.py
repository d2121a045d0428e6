"""Where the IBM client sends an account's key, asked of the client's own readers.

The client and its cloud library take addresses from variables, files and saved accounts. No list of
those is kept here: the very functions that read them say what they would use, and anything but the
platform, or the emulator that was asked for, is refused before a key is sent.
"""

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from qhu.errors import UserError
from qhu.hardware.credentials import Credentials

SERVICES = {"global_search": "", "global_catalog": "/catalog/api/v1"}
"""Services that the client has its cloud library configure, with their paths on the emulator."""
PLATFORM_URL = re.compile(
    r"https://((private\.)?iam\.|(private\.)?([a-z0-9-]+\.)?quantum\.|api\.global-search-tagging\."
    r"|globalcatalog\.)?cloud\.ibm\.com(/api/v1)?"
)
"""Addresses of the platform."""
SEARCHED = "https://api.global-search-tagging.cloud.ibm.com"
CATALOG = "https://globalcatalog.cloud.ibm.com/api/v1"
MEND = "unset it, or ask for the emulator with --emulator"

Resolver = Callable[[str, str, bool | None, str], str]


def check_platform(credentials: Credentials) -> list[str]:
    """Make sure that the client talks to the platform and to nobody else.

    Returns:
        What stands between, a proxy or own certificates, to be shown.

    Raises:
        UserError: something sends the client elsewhere, or gives it another login.
    """
    for service in SERVICES:
        if _read(service):
            raise UserError(f"{_origins(service)} redirects the IBM client: {MEND}")
    urls = [*_identity_urls(credentials), SEARCHED, CATALOG]
    if not all(PLATFORM_URL.fullmatch(url) for url in urls):
        raise UserError(f"{_identity_source(credentials)} redirects the IBM client: {MEND}")
    urls.append(on_platform()(_platform(), credentials.instance or "", _private(credentials), ""))
    return list(dict.fromkeys(note for url in urls for note in _between(url)))


def check_emulator(base: str) -> None:
    """Make sure that the client talks to the emulator and to nobody else.

    Args:
        base: address of the emulator.

    Raises:
        UserError: something sends the client elsewhere, or gives it another login.
    """
    for service, path in SERVICES.items():
        if _read(service) != {"URL": base + path}:
            raise UserError(
                f"{_origins(service)} would redirect the IBM client: move it away to rehearse"
            )
    if os.environ.get("IAM_URL") != base:
        raise UserError("IAM_URL would redirect the IBM client from the emulator: rehearse by qhu")
    if notes := list(_between(base)):
        raise UserError(f"{notes[0]} stands before the emulator: unset it to rehearse")


def on_platform() -> Resolver:
    """The client's own rule for the address of an instance, held to the platform."""
    from qiskit_ibm_runtime.api.client_parameters import ClientParameters

    rule: Resolver = ClientParameters(channel="", token="").url_resolver

    def resolve(url: str, instance: str, private: bool | None, channel: str) -> str:
        address = rule(url, instance, private, channel)
        if not PLATFORM_URL.fullmatch(address):
            raise UserError(f"instance '{instance}' redirects the IBM client: mend its CRN")
        return address

    return resolve


def _platform() -> str:
    from qiskit_ibm_runtime.accounts import Account

    return str(Account(token="").url)


def _private(credentials: Credentials) -> bool:
    return bool(credentials.preferences.get("private_endpoint"))


def _identity_urls(credentials: Credentials) -> list[str]:
    """Where the client gets tokens for the key, to find instances and to use one."""
    from qiskit_ibm_runtime.accounts import Account

    account = Account(
        token=credentials.token,
        instance=credentials.instance,
        private_endpoint=_private(credentials),
    )
    return [account.get_iam_authentificator().token_manager.url, account.get_auth_handler().tm.url]


def _identity_source(credentials: Credentials) -> str:
    return "IAM_URL" if os.environ.get("IAM_URL") else f"instance '{credentials.instance}'"


def _read(service: str) -> dict[str, Any]:
    """What the cloud library finds for a service outside the program.

    Raises:
        UserError: a source is damaged.
    """
    from ibm_cloud_sdk_core import read_external_sources

    try:
        return dict(read_external_sources(service))
    except (ValueError, RecursionError, AttributeError, TypeError, LookupError):  # of any form
        raise UserError(f"{_origins(service)} cannot be read by the IBM client: unset it") from None


def _origins(service: str) -> str:
    """Variables and files that the cloud library may have found something in."""
    default = "ibm-credentials.env"
    files = [str(f) for f in (Path(default), Path.home() / default) if f.is_file()]
    files = ["IBM_CREDENTIALS_FILE"] if "IBM_CREDENTIALS_FILE" in os.environ else files[:1]
    prefixed = [name for name in os.environ if name.startswith(service.upper())]
    others = ["VCAP_SERVICES"] if os.environ.get("VCAP_SERVICES") else []
    return ", ".join([*files, *prefixed] or others)


def _between(url: str) -> Iterator[str]:
    """What the HTTP library puts between this machine and an address.

    Raises:
        UserError: it takes a login of its own for the address, or its certificates are not there.
    """
    import requests
    from requests.utils import get_netrc_auth, select_proxy

    host = urlsplit(url).hostname
    if get_netrc_auth(url):
        raise UserError(
            f"a netrc file has a login for {host}, which would take the place of the account's "
            "key: take it out, or set NETRC to another file"
        )
    settings = requests.Session().merge_environment_settings(url, {}, None, True, None)
    if proxy := select_proxy(url, settings["proxies"]):
        parts = urlsplit(proxy if "://" in proxy else f"http://{proxy}")
        yield f"proxy {parts.hostname}" + (f":{parts.port}" if parts.port else "")
    bundle = settings["verify"]
    if bundle is not True and url.startswith("https"):
        if not bundle or not Path(bundle).exists():
            raise UserError(f"REQUESTS_CA_BUNDLE or CURL_CA_BUNDLE: there is no file '{bundle}'")
        yield f"certificates of {bundle}"
