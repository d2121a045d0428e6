"""Which account of the IBM platform is meant: that of the environment, or a saved one."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from qhu.errors import UserError
from qhu.hardware.identifiers import (
    CHANNELS,
    GONE,
    check_channel,
    check_instance,
    check_key,
    check_url,
    variable,
)
from qhu.redaction import keep_secret

SAVE = "QiskitRuntimeService.save_account(token=…, instance=…) or QISKIT_IBM_TOKEN"
DEFAULTS = ("default-ibm-quantum-platform", "default-ibm-cloud", "default")
"""What the client calls an account that is saved without a name."""


class NoAccount(UserError):
    """Neither a saved account nor one in the environment."""


@dataclass(frozen=True)
class Credentials:
    """An account, and where it is from.

    Attributes:
        source: variable, or file and name.
        token: the key; never shown.
        instance: name or CRN; None: the client takes one that has the device.
        channel: the platform's name.
        preferences: what the client chooses an instance by, as it takes it.
    """

    source: str
    token: str = field(repr=False)
    instance: str | None = None
    channel: str = CHANNELS[0]
    preferences: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        keep_secret(self.token)


class Saved(BaseModel):
    """An account as the client saves it; what is not listed here does not matter."""

    model_config = ConfigDict(hide_input_in_errors=True, strict=True)

    token: str = ""
    channel: str = CHANNELS[0]
    url: str | None = None
    instance: str | None = None
    proxies: dict[str, Any] | None = None
    verify: bool | None = True
    private_endpoint: bool | None = None
    region: str | None = None
    plans_preference: list[str] | None = None
    tags: list[str] | None = None
    is_default_account: bool = False


def credentials() -> Credentials:
    """The account that is meant.

    ``QISKIT_IBM_NAME`` names a saved one. Otherwise it is that of ``QISKIT_IBM_TOKEN``, else the
    saved one that is marked or named as the default, else the only one. ``QISKIT_IBM_INSTANCE``
    goes before a saved instance.

    Raises:
        NoAccount: there is none.
        UserError: a variable, the file or an entry of it is damaged, or it is not plain which
            account is meant.
    """
    token, name = variable("QISKIT_IBM_TOKEN"), variable("QISKIT_IBM_NAME")
    instance, channel = variable("QISKIT_IBM_INSTANCE"), variable("QISKIT_IBM_CHANNEL")
    if token and name:
        raise UserError("QISKIT_IBM_TOKEN and QISKIT_IBM_NAME name two accounts: unset one of them")
    if channel:
        check_channel(channel, "QISKIT_IBM_CHANNEL")
    if instance:
        check_instance(instance, "QISKIT_IBM_INSTANCE")
    check_url(variable("QISKIT_IBM_URL"), "QISKIT_IBM_URL")
    if token:
        check_key(token, "QISKIT_IBM_TOKEN")
        return Credentials("QISKIT_IBM_TOKEN", token, instance, channel or CHANNELS[0])
    return _saved(name, instance, channel)


def account_file() -> Path:
    """Where the client saves accounts."""
    return Path.home() / ".qiskit" / "qiskit-ibm.json"


def _saved(name: str | None, instance: str | None, channel: str | None) -> Credentials:
    file = account_file()
    entries = _entries(file)
    name = name or _default(file, entries, channel)
    if name is None:
        raise NoAccount(f"no IBM account: save one once with {SAVE}")
    if name not in entries:
        names = ", ".join(sorted(entries)) or "none"
        raise UserError(f"QISKIT_IBM_NAME: {file} has no account '{name}': it has {names}")
    entry, where = entries[name], f"account '{name}' in {file}"
    check_channel(entry.channel, where)
    check_key(entry.token, f"token of {where}")
    check_url(entry.url, f"url of {where}")
    if entry.proxies:
        raise UserError(
            f"proxies of {where} redirect the IBM client: set HTTPS_PROXY instead, which is shown"
        )
    if entry.verify is not True:
        raise UserError(f"verify of {where} turns off the check of who answers: save it without")
    instance = instance or entry.instance
    if instance is not None:
        check_instance(instance, f"instance of {where}")
    wishes = {"private_endpoint", "region", "plans_preference", "tags"}
    preferences = entry.model_dump(include=wishes, exclude_none=True)
    return Credentials(where, entry.token, instance, entry.channel, preferences)


def _default(file: Path, entries: dict[str, Saved], channel: str | None) -> str | None:
    """Name of the account that is meant where none is named, None where none is saved."""
    usable = [name for name, entry in entries.items() if entry.channel != GONE]
    if channel:
        usable = [name for name in usable if entries[name].channel == channel]
    marked = [name for name in usable if entries[name].is_default_account]
    if len(usable) > 1 and not marked:
        marked = [name for name in DEFAULTS if name in usable][:1]
    chosen = marked or usable
    if len(chosen) > 1:
        raise UserError(
            f"{file} holds several accounts ({', '.join(sorted(chosen))}) and no one default: "
            f"choose with QISKIT_IBM_NAME, such as QISKIT_IBM_NAME={sorted(chosen)[0]}"
        )
    if not chosen and entries:
        channels = {entries[name].channel for name in entries}
        raise UserError(
            f"{file} holds no account of channel {channel or CHANNELS[0]}, only of "
            f"{', '.join(sorted(channels))}: save one with {SAVE}"
        )
    return chosen[0] if chosen else None


def _entries(file: Path) -> dict[str, Saved]:
    """Saved accounts by name."""
    try:
        document = json.loads(file.read_text(encoding="utf-8"), object_pairs_hook=_unique)
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise UserError(f"{file} cannot be read ({error.strerror}): {_mend(file)}") from None
    except (ValueError, RecursionError):
        raise UserError(f"{file} is damaged (no JSON, or a name twice): {_mend(file)}") from None
    try:
        return TypeAdapter(dict[str, Saved]).validate_python(document)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "as a whole"
        raise UserError(f"{file} is damaged ({where}: {first['msg']}): {_mend(file)}") from None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(dict(pairs)) < len(pairs):
        raise ValueError("a name twice")
    return dict(pairs)


def _mend(file: Path) -> str:
    return f"mend it, or move it away and save the account again with {SAVE}"
