"""Methods: the peers by name, with the number of seeds that a slow one is run on."""

from __future__ import annotations

import importlib
from typing import NamedTuple, cast

from experiments.tabular.peers.judged import Method

OURS = "ours"
_HERE = "experiments.tabular.peers"


class Peer(NamedTuple):
    """Where a method is; it is imported when it is run, since some need packages that take seconds."""

    title: str
    module: str
    function: str
    most_seeds: int = 100

    def load(self) -> Method:
        return cast(Method, getattr(importlib.import_module(f"{_HERE}.{self.module}"), self.function))


PEERS = {
    "random": Peer("random", "simple", "random_search"),
    "halving": Peer("successive halving of random prompts", "simple", "successive_halving"),
    "greedy": Peer("greedy forward selection", "simple", "greedy_forward"),
    "tpe": Peer("Optuna's TPE", "optuna_samplers", "tpe"),
    "nsga2": Peer("Optuna's NSGA-II", "optuna_samplers", "nsga2"),
    "gp": Peer("Optuna's Gaussian process", "optuna_samplers", "gaussian_process", 10),
    "drpo": Peer("DRPO's beam search", "drpo", "drpo_published"),
    "drpo-blocks": Peer("DRPO's beam search, 16 queries a depth", "drpo", "drpo_blocks"),
    "mipro": Peer("DSPy MIPROv2, 18 drawn demo sets", "mipro", "mipro_drawn"),
    "mipro-all": Peer("DSPy MIPROv2, all demo sets", "mipro", "mipro_all"),
    "mipro-many": Peer("DSPy MIPROv2, 180 drawn demo sets", "mipro", "mipro_many"),
    "gepa": Peer("GEPA, blind writer", "gepa_search", "gepa_blind", 100),
    "gepa-scripted": Peer("GEPA, writer that reads the scores", "gepa_search", "gepa_scripted", 100),
    "capo": Peer("promptolution CAPO, blind writer", "capo", "capo_blind"),
    "capo-scripted": Peer("promptolution CAPO, writer that reads the scores", "capo", "capo_scripted"),
    "hbbops": Peer("HbBoPs, reimplemented", "hbbops", "hbbops_brackets"),
    "case": Peer("CASE, reimplemented", "case_bandit", "case"),
    "piast": Peer("PIAST, reimplemented", "piast", "piast_rounds"),
}
