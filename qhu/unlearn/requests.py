"""What is kept of requests to forget that one model meets one after another."""

from collections.abc import Sequence
from typing import Any

from qhu.model.theta import ModelState
from qhu.unlearn.unlearning import UnlearnResult


def in_turn(start: ModelState, results: Sequence[UnlearnResult]) -> dict[str, Any]:
    """History, steps and facts of requests that were met one after another.

    Steps are counted on. Of several requests every line and fact says which one it is of; ``drift``
    is the distance of θ from the ``start`` after it. What a method reports alike of all requests is
    there once.
    """
    if len(results) == 1:
        history, facts = results[0].history, dict(results[0].facts)
    else:
        history, facts = [], {}
        first, *others = (result.facts for result in results)
        alike = {k: v for k, v in first.items() if all(o.get(k) == v for o in others)}
        for number, result in enumerate(results, 1):
            done = len(history)
            for line in result.history:
                history.append({**line, "step": done + line["step"], "request": number})
            drift = float((result.state.theta - start.theta).norm())
            own = {k: value for k, value in result.facts.items() if k not in alike}
            own = {"steps": len(result.history), "drift": drift, **own}
            facts |= {f"request {number} {name}": value for name, value in own.items()}
        facts |= {f"each request {name}": value for name, value in alike.items()}
    return {"history": history, "steps": len(history), "facts": facts}
