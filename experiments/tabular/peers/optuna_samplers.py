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
    """Optuna's Gaussian process with log expected improvement. It knows no conditions: a slot may be empty instead."""
    _run(answers, GPSampler(seed=seed), conditional=False)


def _run(answers: JudgedAnswers, sampler: BaseSampler, *, conditional: bool = True) -> None:
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    warnings.filterwarnings("ignore", category=optuna.exceptions.ExperimentalWarning)
    bench, best = answers.bench, Best(answers)
    study = optuna.create_study(direction="maximize", sampler=sampler)
    start, empty = bench.prompts[bench.start], bench.exemplars
    slots = [*start.exemplars, *([] if conditional else [empty] * (bench.most - len(start.exemplars)))]
    first = {"k": len(slots)} if conditional else {}
    study.enqueue_trial(first | {"system": start.system} | {f"exemplar_{i}": one for i, one in enumerate(slots)})
    asked: list[int] = []

    def objective(trial: optuna.Trial) -> float:
        system = trial.suggest_categorical("system", range(bench.systems))
        k = trial.suggest_int("k", 0, bench.most) if conditional else bench.most
        choices = range(bench.exemplars if conditional else bench.exemplars + 1)
        chosen = [trial.suggest_categorical(f"exemplar_{place}", choices) for place in range(k)]
        asked.append(answers.judged)
        if len(asked) > _IDLE and asked[-_IDLE - 1] == answers.judged:
            study.stop()
        return best.evaluate(bench.prompt(system, [one for one in chosen if one != empty]))

    study.optimize(objective, n_trials=_TRIALS * answers.budget // bench.queries)
