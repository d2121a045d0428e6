"""The programs that a job can run: ``executor``, and the older ``estimator`` and ``sampler``."""

import textwrap

from qhu.emulator.devices import EmulatedDevice
from qhu.emulator.errors import ProgramError
from qhu.emulator.executor import Executor
from qhu.emulator.primitives import Estimator, Sampler
from qhu.emulator.program import RuntimeProgram

_MESSAGE = 400
PROGRAMS: dict[str, type[RuntimeProgram]] = {
    kind.name: kind for kind in (Executor, Estimator, Sampler)
}


def price(program: str, params: str, device: EmulatedDevice) -> float:
    """Quantum time of a job, seconds.

    Raises:
        ProgramError: as :func:`parse`, or the circuits are not the device's.
    """
    understood = parse(program, params)
    try:
        return understood.seconds(device)
    except ProgramError:
        raise
    except Exception as error:
        raise _unreadable(program, error) from error


def parse(program: str, params: str) -> RuntimeProgram:
    """The program of a job.

    Args:
        program: one of ``PROGRAMS``.
        params: as submitted, JSON.

    Raises:
        ProgramError: the parameters are malformed, or ask for what is not emulated.
    """
    try:
        return PROGRAMS[program](params)
    except ProgramError:
        raise
    except Exception as error:
        raise _unreadable(program, error) from error


def _unreadable(program: str, error: Exception) -> ProgramError:
    # The decoders of other packages raise whatever a malformed payload makes them stumble over.
    what = textwrap.shorten(f"{type(error).__name__}: {error}", _MESSAGE)
    return ProgramError(f"the parameters of '{program}' cannot be read: {what}")
