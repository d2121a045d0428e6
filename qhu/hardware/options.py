"""How circuits are run on a device, and what they may cost."""

from typing import Annotated, Any, Literal

from pydantic import Field, PositiveFloat, PositiveInt

from qhu import registry
from qhu.hardware.cost import Sampling, sampling
from qhu.hardware.dispatch import DispatchTerms
from qhu.hardware.submitter import SubmitTerms
from qhu.hardware.waiting import Patience

Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class Options(registry.Options):
    """Options of an IBM device."""

    device: str | None = None
    """Name of the device, such as ``ibm_fez``; ``auto`` for the one that suits the circuit best
    today; none: the name of the backend."""
    shots: Annotated[int, Field(gt=0, le=1_000_000_000)] = 256
    """Shots per parameter set; commuting observables share them."""
    resilience_level: Literal[0, 1, 2] = 1
    """0: values as measured; 1: readout error mitigated (TREX); 2: gate noise extrapolated, too."""
    twirl_gates: bool | None = None
    """Turn coherent gate errors into random ones; none: at level 2."""
    twirl_readout: bool | None = None
    """The same for readout errors; none: from level 1 on, which needs it."""
    dynamical_decoupling: Literal["XX", "XpXm", "XY4"] | None = None
    """Pulses on idle qubits."""
    rep_delay: Annotated[float, Field(ge=0)] | None = None
    """Seconds between executions; none: the device's default, 250 µs on most."""
    optimization_level: Annotated[int, Field(ge=0, le=3)] = 3
    """Of Qiskit's preset pass manager."""
    transpile_seed: Annotated[int, Field(ge=0)] = 0
    """First seed of layout and routing; a few are tried."""
    layout: tuple[int, ...] | None = None
    """Physical qubit to start from for each virtual one; none: those that err least today."""
    mode: Literal["job", "batch", "session"] = "job"
    """How jobs are grouped. Sessions bill wall-clock time, and the open plan has none."""
    job_seconds: Seconds = 60.0
    """Models share a job up to about this time; a job costs 2 s beside its circuits."""
    pending: PositiveInt = 3
    """Jobs under way at the same time."""
    max_qpu_seconds: Seconds | None = None
    """Budget: seconds that all jobs of the working folder may be charged. Without it nothing
    is ever submitted."""
    least_success: Annotated[float, Field(ge=0, le=1)] = 0.01
    """Refuse a device on which a smaller part of the executions is expected to be without error;
    0: any device."""
    price_per_second: PositiveFloat | None = None
    """What a second of device time costs you."""
    currency: str = "USD"
    """Of the price."""
    poll: tuple[Seconds, Seconds] | None = None
    """Seconds between two looks at a job, at first and at most; none: 5 and 30, for an emulator
    0.1 and 1."""
    patience: Seconds = 600.0
    """Seconds to wait for a usable answer of the platform before giving up, to be resumed."""
    call_timeout: Seconds = 75.0
    """Seconds to wait for one answer; the client itself may block 60 s to renew its token."""
    submit_timeout: Seconds = 900.0
    """Seconds to wait for a submit to end."""
    usage_timeout: Seconds | None = None
    """Seconds to wait for what jobs used; then their worst counts. None: 60, for an emulator 20."""
    tags_timeout: Seconds | None = None
    """Seconds after which the platform shows the tags of a job at the latest: for so long a job is
    looked for after a submit in doubt. None: 60, for an emulator 30."""


INCIDENTAL = frozenset(
    (
        *("device", "mode", "job_seconds", "pending", "max_qpu_seconds", "least_success"),
        *("price_per_second", "currency", "poll"),
        *("patience", "call_timeout", "submit_timeout", "usage_timeout", "tags_timeout"),
    )
)
"""Options that no value depends on; the device counts by its name, wherever that was given."""


def spent(options: Options) -> Sampling:
    """How the shots of a parameter set are spent."""
    twirls = options.twirl_gates, options.twirl_readout
    return sampling(options.shots, options.resilience_level, *twirls)


def estimator_options(options: Options) -> dict[str, Any]:
    """Options of the client-side Estimator, nested as it wants them."""
    decoupling = options.dynamical_decoupling
    return {
        "default_shots": options.shots,
        "resilience_level": options.resilience_level,
        "twirling": {
            "enable_gates": options.twirl_gates,
            "enable_measure": options.twirl_readout,
        },
        "dynamical_decoupling": {"enable": True, "sequence_type": decoupling} if decoupling else {},
        "execution": {"rep_delay": options.rep_delay},
    }


def terms(options: Options, budget: float | None, emulated: bool) -> DispatchTerms:
    """What may be spent, and how one waits."""
    poll = options.poll or ((0.1, 1.0) if emulated else (5.0, 30.0))
    tags = options.tags_timeout or (30.0 if emulated else 60.0)
    submit = SubmitTerms(budget, poll, tags, options.submit_timeout, options.patience)
    wait = usage_wait(options, emulated)
    return DispatchTerms(submit, options.job_seconds, options.pending, poll, usage=wait)


def patience(options: Options, emulated: bool) -> Patience:
    """How long one waits for the platform."""
    pause = 0.1 if emulated else 1.0
    waits = options.call_timeout, options.submit_timeout, options.patience
    return Patience(*waits, pause, usage_wait(options, emulated))


def usage_wait(options: Options, emulated: bool) -> float:
    """Seconds to wait for what jobs used, and for other answers that one can do without."""
    return options.usage_timeout or (20.0 if emulated else 60.0)
