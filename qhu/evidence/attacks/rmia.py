"""RMIA: a row against rows of the population."""

import numpy as np
from pydantic import Field

from qhu.errors import UserError
from qhu.evidence.game import Booleans, Floats, Game, Score, World, log_probability
from qhu.evidence.gaussians import mean_over_models
from qhu.registry import Options, attack


class PopulationOptions(Options):
    """Options of ``rmia``."""

    gamma: float = Field(1.0, gt=0)
    """factor by which a row's ratio must exceed that of a row of the population"""
    a: float = Field(0.3, ge=0, le=1)
    """share of the mean probability of teachers that saw no row in the guess of all teachers'"""


@attack("rmia", cites=["zarifzadeh2024low"])
def rmia(game: Game, options: PopulationOptions) -> tuple[Floats, Floats]:
    """Share of population rows z that row x beats: ``(p_x / p̄_x) / (p_z / p̄_z) > γ``, offline.

    p is the model's probability of the label; p̄ is that of teachers with and without the row in
    equal parts, guessed from those without it: ``p̄ = ½((1 + a) · mean p_out + (1 − a))``.

    Raises:
        UserError: the game has no population.
    """
    if not len(game.population):
        raise UserError("rmia compares with rows that nothing was trained on: keep validation rows")
    played, rows = np.concatenate([game.rows, game.population]), len(game.rows)

    def log_p(world: World) -> Floats:
        logits = world.logits[:, played].astype(np.float64)
        return log_probability(logits, game.labels[played])

    never = np.where(game.teachers.pairs[:, played], np.nan, np.exp(log_p(game.teachers)))

    def learn(earlier: Booleans) -> Score:
        guess = 0.5 * ((1 + options.a) * mean_over_models(never[earlier]) + 1 - options.a)

        def score(values: Floats) -> Floats:
            scores = np.full((len(values), len(game.labels)), np.nan)
            ratios = values - np.log(guess)
            for model, ratio in enumerate(ratios):
                reached, population = ratio[:rows] - np.log(options.gamma), np.sort(ratio[rows:])
                scores[model, game.rows] = np.searchsorted(population, reached) / len(population)
            return scores

        return score

    scores = game.learned(learn, (log_p(game.inside), log_p(game.outside)))
    inside, outside = (
        np.where(world.pairs, score, np.nan)
        for world, score in zip((game.inside, game.outside), scores, strict=True)
    )
    return inside, outside
