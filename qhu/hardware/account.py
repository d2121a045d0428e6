"""An account on the IBM platform: the only file that imports the service."""

import functools
import logging
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from qiskit.exceptions import QiskitError
from qiskit.providers.exceptions import QiskitBackendNotFoundError
from qiskit.transpiler import Target

from qhu.errors import UserError
from qhu.hardware.access import Access
from qhu.hardware.credentials import Credentials, credentials
from qhu.hardware.identifiers import check_instance
from qhu.hardware.opening import arguments, check_one_instance, is_refusal
from qhu.hardware.redirects import check_emulator, check_platform
from qhu.hardware.usage import part, words
from qhu.hardware.waiting import (
    FAILURES,
    Denied,
    Patience,
    Unreachable,
    is_ours,
    patiently,
    status,
)
from qhu.layout.calibration import name_of
from qhu.layout.figures import Pace, figure, pace, usable
from qhu.layout.placement import Device
from qhu.redaction import keep_secret, redact

T = TypeVar("T")
OPENING = 30.0
"""Seconds to try an account for that was never open; one that was may be renewed for longer."""


class UnknownDevice(UserError):
    """The account cannot use a device of that name."""


@dataclass(frozen=True)
class Listed:
    """A device that the account can use, as it is right now."""

    name: str
    operational: bool
    message: str
    queue: float | None
    """Jobs that wait there; None where that is not known."""


class Account:
    """An account on the platform, or on an emulator of it; opened at the first question.

    Args:
        access: which of the two.
        patience: how long to wait for answers.
        say: told what happens.
    """

    def __init__(self, access: Access, patience: Patience, say: Callable[[str], None]) -> None:
        self.access, self.patience, self.say = access, patience, say
        self._backends: dict[str, Any] = {}
        self._was_open = False

    @functools.cached_property
    def credentials(self) -> Credentials:
        """The account that is used.

        Raises:
            NoAccount: there is none.
            UserError: it is not plain which one, or what is said of it is damaged.
        """
        if self.access.emulator is None:
            return credentials()
        keep_secret(self.access.token)
        if self.access.instance:
            check_instance(self.access.instance, "QISKIT_IBM_INSTANCE")
        return Credentials("emulator", self.access.token, self.access.instance or None)

    @functools.cached_property
    def between(self) -> list[str]:
        """What stands between this machine and the platform, to be shown.

        Raises:
            UserError: something sends the client elsewhere.
        """
        if self.access.emulator is None:
            return check_platform(self.credentials)
        check_emulator(self.access.emulator)
        return []

    @functools.cached_property
    def service(self) -> Any:
        """The service.

        Raises:
            NoAccount: there is none to open.
            UserError: something sends the client elsewhere, or the platform does not accept the
                account's key or instance.
        """
        # It tells on every start which account it loads, and what each warning's code line is.
        logging.getLogger("qiskit_ibm_runtime").setLevel(logging.CRITICAL)
        warnings.filterwarnings("ignore", module=r"qiskit_ibm_runtime\b.*")
        if self.between and not self._was_open:
            self.say(f"the IBM platform is reached with {', '.join(self.between)}")
        total = self.patience.total
        total = total if self._was_open else min(total, OPENING)
        opened = patiently(self._open, replace(self.patience, total=total), lambda: None)
        self._was_open = True
        return opened

    def _open(self) -> Any:
        from qiskit_ibm_runtime import QiskitRuntimeService
        from qiskit_ibm_runtime.accounts import InvalidAccountError
        from qiskit_ibm_runtime.exceptions import IBMInputValueError

        account = self.credentials
        try:
            service = QiskitRuntimeService(**arguments(account, self.access.emulator))
        except (InvalidAccountError, IBMInputValueError) as error:
            if not is_refusal(error):
                raise
            cause = f" ({self.text(error.__cause__)})" if error.__cause__ else ""
            why = f"{self.text(error)}{cause}"
            raise UserError(f"the account is not accepted ({account.source}): {why}") from None
        check_one_instance(service, account)
        # Before each submit the client looks at the plan's usage, to warn, and reckons with
        # whatever it is told; the plan of a run has shown it.
        service._check_instance_usage = lambda: None
        return service

    def describe(self) -> str:
        """Which account is used, in words.

        Raises:
            UserError: there is none, or something sends the client elsewhere.
        """
        account = self.credentials
        instance = account.instance or "any that has the device"
        means = f"; with {', '.join(self.between)}" if self.between else ""
        return f"{account.source}; instance: {instance}{means}"

    def ask(self, call: Callable[[], T], patience: Patience | None = None) -> T:
        """Make a call that may be repeated, until it is answered.

        Args:
            call: the call.
            patience: how long to wait for its answer; None: as for all others.

        Raises:
            Unreachable: no usable answer for as long as one waits.
            Denied: the platform refuses.
        """
        try:
            return patiently(call, patience or self.patience, self.renew, _final())
        except FAILURES as error:
            if is_ours(error):
                raise
            raise Denied(f"the platform refuses: {self.text(error)}") from error
        except Unreachable as error:
            cause = self.text(_first(error)) or type(error.__cause__).__name__
            raise Unreachable(
                f"{error} from the platform (last: {cause}); nothing is lost: run the same "
                "command again"
            ) from None

    def renew(self) -> None:
        """Open the service anew: its token may have expired, or a connection may hang."""
        self.__dict__.pop("service", None)
        self._backends.clear()

    def text(self, error: BaseException | None) -> str:
        """What an error says, in one line and without the account's key."""
        words = redact(" ".join(str(error if error is not None else "").split()))
        return words if len(words) < 300 else words[:297] + "…"

    def backend(self, device: str) -> Any:
        """The client's backend of a device.

        Raises:
            UnknownDevice: the account cannot use it.
        """
        if device not in self._backends:
            try:
                self._backends[device] = self.ask(lambda: self.service.backend(device))
            except Denied as error:
                if not isinstance(error.__cause__, QiskitBackendNotFoundError):
                    raise
                raise UnknownDevice(device) from None
        return self._backends[device]

    def instance(self, device: str) -> str:
        """The instance that a device belongs to."""
        self.backend(device)
        return str(self.service.active_instance())

    def plan(self, device: str) -> str:
        """Name of the plan behind a device, in small letters."""
        instance = self.instance(device)
        listed = self.ask(lambda: self.service.instances())
        plans = (part(item, "plan") for item in listed if instance == part(item, "crn"))
        return words(next(plans, None)).lower() or "unknown"

    def seconds_left(self, device: str) -> float | None:
        """Device time left on the plan, None where the platform does not tell."""
        self.backend(device)

        def look() -> Any:
            try:
                return self.service.usage()
            except (TypeError, AttributeError):  # the client reckons with what it was told
                return None

        try:
            reply = self.ask(look, self.patience.brief)
        except (Denied, Unreachable):
            return None
        return figure(part(reply, "usage_remaining_seconds"))

    def devices(self) -> list[Listed]:
        """Devices that the account can use."""

        def look() -> list[Listed]:
            return [listed_as(backend) for backend in self.service.backends(simulator=False)]

        return self.ask(look)

    def calibrated(self, device: str) -> tuple[Device, dict[str, Any]]:
        """A device with its present calibration, and its properties in full."""

        def read() -> tuple[Target, Any, Pace]:
            backend = self.service.backend(device)  # a new object: not what was read before
            try:
                target, properties = backend.target, backend.properties()
            except (TypeError, AttributeError, LookupError, QiskitError) as error:
                if status(error) is not None:
                    raise
                raise UserError(
                    f"the calibration of {device} cannot be read ({self.text(error)}): take "
                    "another device, or try again after its next calibration"
                ) from None
            return usable(target), properties, pace(backend.configuration())

        self.backend(device)
        target, properties, its_pace = self.ask(read)
        full = properties.to_dict() if properties else {}
        date = properties.last_update_date.isoformat() if properties else "unknown"
        source = "emulator" if self.access.emulated else "IBM platform"
        return Device(device, target, its_pace, name_of(full), date, source), full


def listed_as(backend: Any) -> Listed:
    """A device as it is right now, asked from the client's backend.

    A status that cannot be read keeps no device from being used: a job would wait there.
    """
    try:
        status = backend.status()
    except (TypeError, AttributeError):  # the client reckons with what it was told
        return Listed(backend.name, True, "its status is not readable", None)
    message = words(status.status_msg)
    return Listed(backend.name, status.operational, message, figure(status.pending_jobs))


def _first(error: BaseException) -> BaseException:
    """What an error goes back to."""
    while error.__cause__ is not None:
        error = error.__cause__
    return error


@functools.cache
def _final() -> tuple[type[Exception], ...]:
    """Errors of the client, without a status, that another try does not change."""
    from qiskit_ibm_runtime.exceptions import RuntimeInvalidStateError, RuntimeJobNotFound

    return QiskitBackendNotFoundError, RuntimeInvalidStateError, RuntimeJobNotFound
