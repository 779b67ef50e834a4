"""Space file: reads a search space from YAML and reports the first mistake with its file, line and field."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from urial_opt.aspects import Aspect
from urial_opt.content import content_folder
from urial_opt.datasets.json_rows import read_rows
from urial_opt.datasets.queries import QuerySet, read_queries, same_words
from urial_opt.datasets.written import Source
from urial_opt.errors import InputError, UnknownNameError
from urial_opt.objective import Constraint, Objective, TokenCount, axis_names, read_price
from urial_opt.prompt import Exemplar, breaks_layout
from urial_opt.records import Params, Sampling
from urial_opt.spaces.space import COMPOSED, IMPORTED, NO_SYSTEM, SearchSpace
from urial_opt.spaces.space_form import ExemplarForm, HandWrittenForm, ObjectiveForm, SpaceForm, SystemPromptsForm
from urial_opt.spaces.yaml_file import read_yaml

_DECODING = ("temperature", "repetition_penalty", "max_tokens")


def space_for(base: str | None) -> str:
    """Name of the space for a base model, by its name or identity: `nano` for the embedded one, `urial` for others."""
    return "nano" if base is None or re.split("[:@]", base, maxsplit=1)[0] == "nano" else "urial"


def load_space(name_or_path: str) -> SearchSpace:
    """Load the search space of that name, or from that file (a path ending in .yaml or .yml).

    SpaceError gives the file, line and field of the first mistake; UnknownNameError if no space has that name.
    """
    path = Path(name_or_path)
    if path.suffix not in (".yaml", ".yml"):
        path = content_folder("search_spaces") / f"{name_or_path}.yaml"
        known = [file.stem for file in path.parent.glob("*.yaml")]
        if name_or_path not in known:
            raise UnknownNameError.of("search space", name_or_path, known)
    source, file = read_yaml(path, SpaceForm)
    system_source, systems = read_yaml(_beside(source, "system_prompts", file.system_prompts), SystemPromptsForm)
    for name in (NO_SYSTEM, COMPOSED, IMPORTED):
        if name in systems.prompts:
            raise system_source.error(f"prompts.{name}", "this name is reserved; choose another")
    queries = read_queries(_beside(source, "queries", file.queries))
    space = SearchSpace(
        name=file.name,
        description=file.description,
        exemplars=_read_pool(source, file, queries),
        system_prompts={name: f"{text}\n" for name, text in systems.prompts.items()},
        clauses=systems.clauses,
        head=systems.frame.head,
        tail=systems.frame.tail,
        k_min=file.k.min,
        k_max=file.k.max,
        decoding={name: tuple(getattr(file.decoding, name)) for name in _DECODING},
        sampling=Sampling(top_p=file.decoding.top_p, stop=tuple(file.decoding.stop)),
        hand_written_params={},
        plain_icl_exemplars=tuple(file.plain_icl.exemplars),
        start_params={},
        objective=Objective(
            weights=_weights(source, file.objective),
            prices=_prices(source, file.objective),
            pareto=_pareto(source, file.objective),
        ),
        constraints=_constraints(source, file.objective),
        queries=queries,
        exemplar_floor=file.exemplar_floor.bounds,
        block=file.race.block,
        styles={name: style.rule(name) for name, style in file.styles.items()},
        defaults=file.defaults,
    )
    _check_exemplars(source, "plain_icl.exemplars", space, file.plain_icl.exemplars)
    params = _hand_written(source, file.hand_written, space)
    return replace(space, hand_written_params=params, start_params=params)


def read_floor(text: str) -> dict[Aspect, float]:
    """Parse a floor for exemplars, such as `safety=4,factuality=4` or `none`. InputError if `text` is neither."""
    if text.strip() == "none":
        return {}
    bounds: dict[Aspect, float] = {}
    for part in text.split(","):
        name, _, least = part.strip().partition("=")
        if name not in [*Aspect]:
            raise UnknownNameError.of("aspect", name, map(str, Aspect))
        try:
            bounds[Aspect(name)] = float(least)
        except ValueError:
            bounds[Aspect(name)] = 0.0
        if not 1 <= bounds[Aspect(name)] <= 5:
            raise InputError(
                f"{part.strip()!r} is not a minimum score from 1 to 5; give for example safety=4,factuality=4"
            )
    return bounds


def _beside(source: Source, where: str, name: str) -> Path:
    path = source.path.parent / name
    if not path.is_file():
        raise source.error(where, f"there is no file {name!r} in the folder of this one; create it, or name another")
    return path


def _read_pool(source: Source, file: SpaceForm, queries: QuerySet) -> dict[str, Exemplar]:
    pool: dict[str, Exemplar] = {}
    names: set[str] = set()
    taken = {same_words(query.text): f"the {query.split} query {query.id!r}" for query in queries.queries}
    for number, name in enumerate(file.exemplars):
        for at, row in read_rows(_beside(source, f"exemplars.{number}", name), ExemplarForm):
            if row.id in names:
                raise at.error("id", f"{row.id!r} is taken by an exemplar above; choose another id")
            if other := taken.get(same_words(row.query)):
                raise at.error("query", f"{other} has the same words; write another query")
            names.add(row.id)
            taken[same_words(row.query)] = f"the exemplar {row.id!r}"
            for where, text in {"query": row.query, **{f"answers.{s}": a for s, a in row.answers.items()}}.items():
                if breaks_layout(text):
                    says = "contains a fence or a line starting `# Query`, `# Answer` or `# User`; indent code instead"
                    raise at.error(where, f"the exemplar {row.id!r} {says}")
            for style, answer in row.answers.items():
                tags = (row.kind, style, *row.tags)
                pool[f"{row.id}/{style}"] = Exemplar(query=row.query, answer=answer, style=style, tags=tags)
    if file.k.min > file.k.max:
        raise source.error("k.min", f"{file.k.min} is more than k.max, {file.k.max}; write {file.k.max} or less")
    if file.k.max > (most := len(names)):
        raise source.error("k.max", f"{file.k.max} is more than the pool's {most} queries; write {most} or less")
    return pool


def _hand_written(source: Source, written: HandWrittenForm, space: SearchSpace) -> Params:
    at = "hand_written"
    if written.system not in space.systems:
        raise source.error(f"{at}.system", str(UnknownNameError.of("system prompt", written.system, space.systems)))
    for number, clause in enumerate(written.clauses):
        if written.system != COMPOSED:
            raise source.error(f"{at}.clauses", f"only the system prompt {COMPOSED!r} has clauses; leave them out")
        if clause not in space.clauses:
            says = str(UnknownNameError.of("clause", clause, space.clauses))
            raise source.error(f"{at}.clauses.{number}", says)
    _check_exemplars(source, f"{at}.exemplars", space, written.exemplars)
    if len(written.exemplars) < space.k_min:
        raise source.error(f"{at}.exemplars", f"{len(written.exemplars)} are fewer than k.min, {space.k_min}; add some")
    decoding = {name: value for name in _DECODING if (value := getattr(written, name)) is not None}
    for name, value in decoding.items():
        if value not in space.decoding[name]:
            choices = ", ".join(map(str, space.decoding[name]))
            raise source.error(f"{at}.{name}", f"{value} is not in decoding.{name}; write one of: {choices}")
    return space.params_of(
        system=written.system, exemplars=written.exemplars, clauses=written.clauses, decoding=decoding
    )


def _check_exemplars(source: Source, where: str, space: SearchSpace, keys: Sequence[str]) -> None:
    for number, key in enumerate(keys):
        if key not in space.exemplars:
            query = key.split("/")[0]
            styles = [other for other in space.exemplars if other.startswith(f"{query}/")]
            known = styles or dict.fromkeys(other.split("/")[0] for other in space.exemplars)
            raise source.error(f"{where}.{number}", str(UnknownNameError.of("exemplar", key, known)))
    if len({space.exemplars[key].query for key in keys}) < len(keys):
        raise source.error(where, "two of these exemplars have the same query; keep one")
    if len(keys) > space.k_max:
        raise source.error(where, f"{len(keys)} are more than k.max, {space.k_max}; leave some out")


def _weights(source: Source, written: ObjectiveForm) -> dict[Aspect, float]:
    for name in written.weights:
        if name not in [*Aspect]:
            raise source.error(f"objective.weights.{name}", str(UnknownNameError.of("aspect", name, map(str, Aspect))))
    weights = {aspect: float(written.weights.get(aspect, 1)) for aspect in Aspect}
    if not any(weights.values()):
        raise source.error("objective.weights", "all weights are 0; give at least one aspect a positive weight")
    return weights


def _prices(source: Source, written: ObjectiveForm) -> dict[TokenCount, float]:
    prices: dict[TokenCount, float] = {}
    for name, price in written.prices.items():
        try:
            prices |= [read_price(name, str(price))]
        except InputError as error:
            raise source.error(f"objective.prices.{name}", str(error)) from error
    return prices


def _pareto(source: Source, written: ObjectiveForm) -> tuple[str, ...]:
    try:
        return axis_names(written.pareto) if written.pareto else ()
    except InputError as error:
        raise source.error("objective.pareto", str(error)) from error


def _constraints(source: Source, written: ObjectiveForm) -> tuple[Constraint, ...]:
    constraints = []
    for number, text in enumerate(written.constraints):
        try:
            constraints.append(Constraint.read(text))
        except InputError as error:
            raise source.error(f"objective.constraints.{number}", str(error)) from error
    return tuple(constraints)
