"""Variants: derives search spaces with a larger pool, fixed decoding, another start or barred exemplars."""

from __future__ import annotations

import math
import os
import warnings
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from urial_opt.aspects import Aspect
from urial_opt.datasets.queries import same_words
from urial_opt.errors import InputError, UnknownNameError, UrialOptWarning
from urial_opt.objective import read_objective
from urial_opt.prompt import Exemplar, UrialPrompt
from urial_opt.prompt_file import DecodedPrompt, read_prompt_file, read_sampling
from urial_opt.records import Candidate, Sampling
from urial_opt.spaces import space_file
from urial_opt.spaces.space import IMPORTED, NO_SYSTEM, SearchSpace


def load_space(
    space: str | os.PathLike[str] | SearchSpace,
    *,
    start_from: UrialPrompt | Candidate | str | os.PathLike[str] | None = None,
    decoding: Mapping[str, float] | None = None,
    exemplar_floor: Mapping[Aspect, float] | str | None = None,
    objective: str | Iterable[str] | None = None,
) -> SearchSpace:
    """A search space, perhaps with changes.

    `space`: its name, such as `urial`, its YAML file, or the space itself. `start_from`: a prompt, or its file, that a
    search starts from and whose exemplars join the pool; its decoding comes with it, if it is known. `decoding`: values
    for all prompts, such as `{"repetition_penalty": 1}`. `exemplar_floor`: least scores, 1 to 5, of an exemplar's own
    answer by aspect, also as text: "safety=4,factuality=4", or "none". `objective`: what to maximise, and the bounds to
    obey, in place of the space's; `objective.read_objective` says how it is written.

    SpaceError names file, line and field of a mistake; UnknownNameError for an unknown name, InputError for changes
    that cannot be, PromptError if the prompt file cannot be read.
    """
    loaded = space if isinstance(space, SearchSpace) else space_file.load_space(str(space))
    if start_from is not None:
        loaded = _started(loaded, start_from)
    if exemplar_floor is not None:
        floor = exemplar_floor
        loaded = replace(loaded, exemplar_floor=space_file.read_floor(floor) if isinstance(floor, str) else floor)
    if objective is not None:
        aims = read_objective(objective)
        loaded = replace(loaded, objective=aims.objective, constraints=aims.constraints)
    return decoding_by(loaded, decoding or {})


def _started(space: SearchSpace, start: UrialPrompt | Candidate | str | os.PathLike[str]) -> SearchSpace:
    if isinstance(start, Candidate):
        return starting_from(space, start.prompt, start.sampling)
    if isinstance(start, UrialPrompt):
        return starting_from(space, start, start.sampling if isinstance(start, DecodedPrompt) else None)
    prompt = read_prompt_file(Path(start))
    for note in prompt.notes:
        warnings.warn(note, UrialOptWarning, stacklevel=3)
    return starting_from(space, prompt, read_sampling(Path(start)))


def grown(
    space: SearchSpace,
    *,
    exemplars: Mapping[str, Exemplar] | None = None,
    systems: Mapping[str, str] | None = None,
    parents: Mapping[str, tuple[str, ...]] | None = None,
) -> SearchSpace:
    """The space with more exemplars and system prompts; the same space if nothing is new.

    `parents` has, for each key or name, those of the parts that it was made from.
    What grows gets parameters of a new generation, so Optuna's studies go on. InputError if a key or name is taken by
    something else, or if the query of a new exemplar is in one of the splits.
    """
    new = {key: exemplar for key, exemplar in (exemplars or {}).items() if space.exemplars.get(key) != exemplar}
    texts = {name: text for name, text in (systems or {}).items() if space.system_prompts.get(name) != text}
    if new:
        space = _with_pool(space, new, generation=space.generation + 1)
    if taken := texts.keys() & {*space.systems}:
        raise InputError(f"the system prompt {min(taken)!r} is in the space already; give the new one another name")
    if texts:
        prompts = {**space.system_prompts, **texts}
        space = replace(space, system_prompts=prompts, system_generation=space.system_generation + 1)
    made = {name: of for name, of in (parents or {}).items() if name in new or name in texts}
    return replace(space, parents={**space.parents, **made}) if made else space


def _with_pool(space: SearchSpace, new: Mapping[str, Exemplar], *, generation: int) -> SearchSpace:
    asked = {same_words(query.text): query for query in space.queries.queries}
    for key, exemplar in new.items():
        if key in space.exemplars:
            raise InputError(f"the pool has an exemplar {key!r} with other words; give the new one another key")
        if query := asked.get(same_words(exemplar.query)):
            raise InputError(
                f"the exemplar {key!r} has the query {query.id!r} of the {query.split} split, which would bias scores; "
                "leave it out"
            )
    return replace(space, exemplars={**space.exemplars, **new}, generation=generation)


def decoding_by(space: SearchSpace, fixed: Mapping[str, float]) -> SearchSpace:
    """The space with each decoding parameter in `fixed` set to one value for all prompts.

    UnknownNameError if there is no such parameter; InputError if the parameter cannot have that value.
    """
    values: dict[str, tuple[int | float, ...]] = {}
    for name, value in fixed.items():
        if name not in space.decoding:
            raise UnknownNameError.of("decoding parameter", name, space.decoding)
        least = 0.0 if name == "temperature" else math.ulp(0.0)
        if not least <= value < math.inf or (name == "max_tokens" and value % 1):
            raise InputError(f"{name} cannot be {value:g}; give another number, such as {space.decoding[name][0]}")
        values[name] = (int(value) if name == "max_tokens" else value,)
    return replace(
        space,
        decoding={**space.decoding, **values},
        hand_written_params={n: v for n, v in space.hand_written_params.items() if n not in values},
        start_params={n: v for n, v in space.start_params.items() if n not in values},
    )


def starting_from(space: SearchSpace, prompt: UrialPrompt, sampling: Sampling | None = None) -> SearchSpace:
    """The space with `prompt` as its start, and with the exemplars and system prompt of `prompt` added.

    The prompt is rendered in the URIAL layout, whatever `prompt.raw` is; an exemplar that repeats a query is left out.
    It is decoded as `sampling` says, by default as the hand-written prompt; values that are no choices of the space yet
    are added to them. `top_p`, `stop` and `seed` are the space's, for all prompts. Errors: see `grown`.
    """
    decoding = {name: getattr(sampling, name) for name in space.decoding} if sampling else {}
    space = _with_choices(space, decoding)
    keys = {exemplar.id: key for key, exemplar in space.exemplars.items()}
    new = {}
    for number, exemplar in enumerate(prompt.exemplars, start=1):
        if exemplar.id not in keys:
            key = f"{IMPORTED}-{number}/{exemplar.style or IMPORTED}"
            keys[exemplar.id], new[key] = key, exemplar
    larger = replace(
        _with_pool(space, new, generation=space.generation),
        system_prompts={**space.system_prompts, **({IMPORTED: prompt.system} if prompt.system else {})},
        k_min=min(space.k_min, len(prompt.exemplars)),
        k_max=max(space.k_max, len(prompt.exemplars)),
    )
    start = larger.params_of(
        system=IMPORTED if prompt.system else NO_SYSTEM,
        exemplars=[keys[exemplar.id] for exemplar in prompt.exemplars],
        decoding=decoding or space.hand_written_params,
    )
    return replace(larger, start_params=start)


def _with_choices(space: SearchSpace, decoding: Mapping[str, int | float]) -> SearchSpace:
    """The space with these values among the choices of its decoding; its yardsticks stay as they are."""
    choices = dict(space.decoding)
    kept = dict(space.hand_written_params)
    for name, value in decoding.items():
        if value not in choices[name]:
            kept.setdefault(name, choices[name][0])
            choices[name] = (*choices[name], value)
    return replace(space, decoding=choices, hand_written_params=kept)


def without_exemplars(space: SearchSpace, keys: Collection[str]) -> SearchSpace:
    """The space with these exemplars barred from proposals, except those in its starting prompt.

    Yardsticks keep them. `k_min` and `k_max` are reduced if fewer distinct queries are left.
    """
    kept = space.exemplar_keys(space.start_params)
    barred = {key: space.exemplars[key] for key in space.exemplars if key in keys and key not in kept}
    if not barred:
        return space
    pool = {key: exemplar for key, exemplar in space.exemplars.items() if key not in barred}
    most = len({same_words(exemplar.query) for exemplar in pool.values()})
    return replace(
        space,
        exemplars=pool,
        barred={**space.barred, **barred},
        k_min=min(space.k_min, most),
        k_max=min(space.k_max, most),
    )
