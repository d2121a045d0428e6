"""The programs that a job can run: ``executor``, and the older ``estimator`` and ``sampler``."""

from qhu.emulator.errors import ProgramError
from qhu.emulator.executor import Executor
from qhu.emulator.primitives import Estimator, Sampler
from qhu.emulator.program import RuntimeProgram

PROGRAMS: dict[str, type[RuntimeProgram]] = {
    kind.name: kind for kind in (Executor, Estimator, Sampler)
}


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
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        # What the decoders of qiskit-ibm-runtime and pydantic raise on a malformed payload.
        raise ProgramError(f"the parameters of '{program}' cannot be read: {error}") from error
