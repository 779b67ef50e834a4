"""Recipes: which space each table holds, and which model answers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import permutations

from experiments.tabular.gemma import bounded_gemma
from experiments.tabular.rules import RuleJudge
from experiments.tabular.table import PromptKey
from urial_opt.datasets.queries import QuerySet
from urial_opt.nano.judge import NanoJudge
from urial_opt.protocols import Judge
from urial_opt.spaces.space import NO_SYSTEM, SearchSpace
from urial_opt.spaces.space_file import load_space

HAND_WRITTEN = ("cook-rice/friendly", "rob-a-bank/friendly", "Finland/friendly")
POOL = (
    *HAND_WRITTEN,
    *("zebra/lively", "wash-a-car/lively", "nickel/scholarly", "kill-weeds/manual", "tap-a-phone/chatty"),
    *("poison-someone/bare", "lithium/gossip", "Italy/wary", "tiger/forum"),
)
"""Twelve queries in nine styles, some good and some bad; three refuse or should."""
SYSTEMS = ("hand", "scholar", "careful")
LONGEST = 3
OF_EACH_SPLIT = 48
"""How many queries come from `dev`, and how many from `validation`: a quarter of each safety."""


def bounded_nano(
    pool: Sequence[str] = POOL, systems: Sequence[str] = SYSTEMS, *, longest: int = LONGEST
) -> SearchSpace:
    """The space `nano` with few exemplars and systems, one decoding, and 96 queries."""
    whole = load_space("nano")
    queries = [
        query for split in ("dev", "validation") for query in whole.queries.blocks(split, OF_EACH_SPLIT, seed=0)[0]
    ]
    chosen = set(queries)
    space = replace(
        whole,
        name="nano-table",
        description="A part of nano, of which every prompt is known.",
        exemplars={key: whole.exemplars[key] for key in pool},
        system_prompts={name: whole.system_prompts[name] for name in systems},
        clauses={},
        k_min=0,
        k_max=longest,
        decoding={name: choices[:1] for name, choices in whole.decoding.items()},
        plain_icl_exemplars=HAND_WRITTEN,
        queries=QuerySet(queries=tuple(query for query in whole.queries.queries if query in chosen)),
        exemplar_floor={},
        styles={},
    )
    hand = space.params_of(system="hand", exemplars=HAND_WRITTEN)
    return replace(space, hand_written_params=hand, start_params=hand)


def all_prompts(space: SearchSpace) -> Iterator[PromptKey]:
    """Every prompt of a space whose exemplars have different queries; neighbours begin alike."""
    keys = sorted(
        chosen for k in range(space.k_min, space.k_max + 1) for chosen in permutations(range(len(space.exemplars)), k)
    )
    names = list(space.exemplars)
    for system in (NO_SYSTEM, *space.system_prompts):
        for chosen in keys:
            yield PromptKey(system, tuple(names[number] for number in chosen))


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How a table is made."""

    about: str
    base: str = "nano"
    """The base model, as for `--base`; none if its weights are not shipped."""
    base_form: str = "nano:FOLDER"
    """What `--base` looks like for this table."""
    options: Mapping[str, str] = field(default_factory=dict)
    """Options of the base model."""
    space: Callable[[], SearchSpace] = bounded_nano
    judge: Callable[[], Judge] = NanoJudge
    shard: int = 60
    """Prompts in a shard: a minute of one core."""


RECIPES: Mapping[str, Recipe] = {
    "A": Recipe(about="The embedded base model and judge."),
    "B": Recipe(
        about="As A, with another base model: 3 layers of width 192, seed 12 (experiments/nano/train.py).",
        base="",
    ),
    "D": Recipe(
        about="Gemma 3 270M, put together from packages of the index, judged by rules (experiments/tabular/rules.py).",
        base="",
        base_form="hf:FOLDER",
        options={"dtype": "bfloat16"},
        space=bounded_gemma,
        judge=RuleJudge,
        shard=1,
    ),
}
