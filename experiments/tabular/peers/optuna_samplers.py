"""Optuna's samplers: TPE, NSGA-II and Gaussian process, each trial on all queries, on the parameters of our spaces."""

from __future__ import annotations

import warnings

import optuna
from optuna.samplers import BaseSampler, GPSampler, NSGAIISampler, TPESampler

from experiments.tabular.peers.judged import Best, JudgedAnswers

_TRIALS = 4
"""At most so many times as many trials as the budget pays, since samplers repeat prompts, which costs nothing."""
_IDLE = 40
"""Trials in a row that ask nothing new, after which it ends."""


def tpe(answers: JudgedAnswers, seed: int) -> None:
    """The tree-structured Parzen estimator (Bergstra et al. 2011), Optuna's default; a slot exists from its K on."""
    _run(answers, TPESampler(seed=seed))


def nsga2(answers: JudgedAnswers, seed: int) -> None:
    """NSGA-II (Deb et al. 2002) with one objective and Optuna's population of 50."""
    _run(answers, NSGAIISampler(seed=seed))


def gaussian_process(answers: JudgedAnswers, seed: int) -> None:
    """Optuna's Gaussian process with log expected improvement; all slots always exist, since it knows no conditions."""
    _run(answers, GPSampler(seed=seed), conditional=False)


def _run(answers: JudgedAnswers, sampler: BaseSampler, *, conditional: bool = True) -> None:
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    warnings.filterwarnings("ignore", category=optuna.exceptions.ExperimentalWarning)
    bench, best = answers.bench, Best(answers)
    study = optuna.create_study(direction="maximize", sampler=sampler)
    start = bench.prompts[bench.start]
    padded = [*start.exemplars, *(one for one in range(bench.exemplars) if one not in start.exemplars)]
    slots = {f"exemplar_{place}": padded[place] for place in range(bench.most)}
    study.enqueue_trial({"system": start.system, "k": len(start.exemplars), **slots})

    asked: list[int] = []

    def objective(trial: optuna.Trial) -> float:
        system = trial.suggest_categorical("system", range(bench.systems))
        k = trial.suggest_int("k", 0, bench.most)
        places = range(k if conditional else bench.most)
        chosen = [trial.suggest_categorical(f"exemplar_{place}", range(bench.exemplars)) for place in places]
        asked.append(answers.judged)
        if len(asked) > _IDLE and asked[-_IDLE - 1] == answers.judged:
            study.stop()
        return best.evaluate(bench.prompt(system, chosen[:k]))

    study.optimize(objective, n_trials=_TRIALS * answers.budget // bench.queries)
