"""Why the platform does not run a program."""

from qhu.errors import QhuError

INVALID = 1002
"""Code of "error in the validation process of the job"."""
NOT_NATIVE = 7001
TOO_LARGE = 5302


class ProgramError(QhuError):
    """A program that the platform does not run.

    Args:
        message: why.
        code: of the platform's registry.
    """

    def __init__(self, message: str, code: int = INVALID) -> None:
        super().__init__(message)
        self.code = code
