"""The library in a dozen functions: search, load, evaluate, measure and answer, as `import urial_opt` hands them on.

Models are given by name, such as `hf:NAME` or `llm:MODEL`, or as opened objects; where none is given, the space names
one. Nothing is printed: notes on models, such as why one is slow, become warnings (`UrialOptWarning`), and notes on a
search stand in the `Progress` that `watch` is called with.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any, TypeAlias

from urial_opt.datasets.query_sources import as_queries, load_queries
from urial_opt.errors import InputError, UrialOptWarning
from urial_opt.evaluation.assessment import Assessment, Scoring, assess_prompt
from urial_opt.evaluation.evaluator import Answerer, Evaluator
from urial_opt.prompt import UrialPrompt
from urial_opt.protocols import ChatGenerator, Generator, Judge, Proposer
from urial_opt.records import Candidate, Query, Sampling
from urial_opt.roles import DEFAULT_ROUNDS, Named, aligned_of, base_of, notes_of, open_models, prices_of, proposer_for
from urial_opt.search.effects.learnt import Learnt, learnt_of
from urial_opt.search.opening import SearchOptions
from urial_opt.search.outcome import StoredSearch
from urial_opt.search.progress import Progress
from urial_opt.search.pruners import DEFAULT_PRUNER
from urial_opt.search.result import SearchResult
from urial_opt.search.run import search_space
from urial_opt.shift.figures import TokenShift
from urial_opt.shift.reading import read_shift
from urial_opt.shift.summary import summarise_shift
from urial_opt.spaces.contexts import candidate_of
from urial_opt.spaces.space import SearchSpace
from urial_opt.spaces.space_file import space_for
from urial_opt.spaces.variants import load_space
from urial_opt.spending import Terms
from urial_opt.store import SearchRecord, Store
from urial_opt.store.given import File, memory_of, opened_store

AnyPrompt: TypeAlias = UrialPrompt | Candidate | File
"""A prompt; or the path of a prompt file; or `zero-shot`, `plain-icl` or `hand-written`, which are the space's."""
AnyQueries: TypeAlias = File | Sequence[Query | str]
"""Queries; or their texts; or a source as `load_queries` takes it."""
ModelOptions: TypeAlias = Mapping[str, object]
"""How a model given by name is opened, such as `{"device": "cuda"}`."""
_NO_OPTIONS: ModelOptions = MappingProxyType({})
_STORE = "urial-opt.db"


def run_search(
    space: File | SearchSpace | None = None,
    *,
    base: str | Generator | None = None,
    judge: str | Judge | None = None,
    aligned: str | ChatGenerator | None = None,
    proposer: str | Proposer | None = None,
    base_options: ModelOptions = _NO_OPTIONS,
    judge_options: ModelOptions = _NO_OPTIONS,
    aligned_options: ModelOptions = _NO_OPTIONS,
    proposer_options: ModelOptions = _NO_OPTIONS,
    budget: int = 200,
    until_done: bool = False,
    seed: int = 0,
    sampler: str = "thompson",
    pruner: str = DEFAULT_PRUNER,
    prior: str = "",
    rounds: int = DEFAULT_ROUNDS,
    parallel: int | None = None,
    deterministic: bool = False,
    join: bool = False,
    name: str = "",
    store: File | Store = _STORE,
    limits: Terms | Mapping[str, Any] | None = None,
    continue_anyway: bool = False,
    watch: Callable[[Progress], None] | None = None,
    stop: Callable[[], bool] | None = None,
) -> SearchResult:
    """Search for the prompt that aligns a base model best; the same call continues a search that was interrupted.

    `space`: a space's name, its YAML file, or a space from `load_space`; by default `nano` for the embedded base model
    and `urial` for others.
    `base`, `judge`, `aligned`: models by name or opened, by default the space's; the search compares with `aligned`, or
    with no model if it is "none". `base_options`, `judge_options`, `aligned_options`, `proposer_options`: how those
    named are opened.
    `proposer`: who writes new system prompts and exemplars between trials, in at most `rounds` rounds: "clauses", which
    goes by rules, a model such as "dspy:openai/gpt-4o", or "none".
    `budget`: prompts tried; fewer with `until_done`, once a clearly better one is unlikely to be left. `seed`: equal
    seeds give equal trials. `sampler`: thompson, tpe or random, which proposes prompts. `pruner`: race, wilcoxon or
    none, which gives them up. `prior`: a finished search in the same store, on another base model say, whose best
    prompts are tried early.
    `parallel`: prompts tried at once, by default as many as the base model's server takes, 1 without a server. Then the
    search hangs on which replies come first, unless it is `deterministic`. `join`: beside other processes that search.
    `name`: of the search, by default made from everything that decides its outcome.
    `store`: a SQLite file, a database URL or an opened `Store`, which stays open. It keeps all answers and verdicts, so
    that none is paid for twice.
    `limits`: `Terms`, or a mapping with some of `max_cost` (US dollars) and `max_tokens` (both of all runs),
    `max_seconds` (of this run) and `prices` (by role, US dollars for a million tokens: `{"judge": "2.5/10"}`).
    `continue_anyway`: continue though the trials are of another version, and not comparable with those to come.
    `watch`: called with the progress after each block. `stop`: asked before each, and from any thread before requests.

    Returns what was measured on the test queries, scores from 1 to 5. Interrupted once `stop` says so, LimitReached
    (an Interrupted) before a limit would be passed; what was paid is kept. UnknownNameError for a name that nothing
    answers to, SpaceError for a wrong file, InputError for other arguments that cannot be, StoreError and AdapterError
    as store and models raise them.
    """
    loaded = _space(space, base)
    terms = limits if isinstance(limits, Terms) else Terms.read(limits or {})
    options = SearchOptions(
        budget=budget,
        until_done=until_done,
        seed=seed,
        sampler=sampler,
        pruner=pruner,
        prior=prior,
        rounds=rounds,
        parallel=parallel,
        deterministic=deterministic,
        join=join,
        name=name,
        terms=terms,
        continue_anyway=continue_anyway,
    )
    with opened_store(store) as opened:
        models = open_models(
            Named(name=base, options=base_options, default=loaded.defaults.base),
            Named(name=judge, options=judge_options, default=loaded.defaults.judge),
            Named(name=aligned, options=aligned_options, default=loaded.defaults.aligned),
            proposer_for(proposer, proposer_options, rounds=rounds),
        )
        _warn(models.notes)
        options = replace(options, terms=replace(terms, prices=prices_of(models.by_role, terms.prices)))
        return search_space(
            loaded,
            models,
            opened,
            options=options,
            watch=watch or (lambda _: None),
            stop=stop or (lambda: False),
        )


def load_search(name: str | None = None, *, store: File | Store = _STORE) -> StoredSearch:
    """A search as a store holds it now, running or finished.

    `name`: by default the newest search that has a result, else the newest that has trials. `store`: a SQLite file, a
    database URL or an opened `Store`. UnknownNameError if no search is called so, InputError if none has trials,
    StoreError if there is no such store.
    """
    with opened_store(store, create=False) as opened:
        return StoredSearch.read(opened, _search_in(opened, name))


def load_effects(name: str | None = None, *, store: File | Store = _STORE) -> Learnt:
    """What a search has learnt of the parts of a prompt. `name`, `store` and errors are those of `load_search`."""
    with opened_store(store, create=False) as opened:
        return learnt_of(opened, _search_in(opened, name))


def evaluate(
    prompt: AnyPrompt,
    queries: AnyQueries | None = None,
    *,
    base: str | Generator | None = None,
    judge: str | Judge | None = None,
    base_options: ModelOptions = _NO_OPTIONS,
    judge_options: ModelOptions = _NO_OPTIONS,
    sampling: Sampling | None = None,
    space: File | SearchSpace | None = None,
    store: File | Store | None = None,
    watch: Callable[[int], None] | None = None,
) -> Assessment:
    """Let a base model answer queries under a prompt, and a judge score the answers.

    `prompt`: a prompt, a prompt file, or the name of one of the space's: zero-shot, plain-icl or hand-written.
    `queries`: queries, their texts, or a source for `load_queries`; by default the space's test queries.
    `base`, `judge`, `base_options`, `judge_options`: as in `run_search`.
    `sampling`: by default that saved or found with the prompt, else the space's.
    `space`: where everything comes from that is not given, and the weights of the aspects and the constraints.
    `store`: as in `run_search`; by default nothing is kept. `watch`: called with the number of queries done.

    Returns scores from 1 to 5 with 95 % intervals over the queries. PromptError if a prompt file cannot be read; other
    errors as in `run_search`.
    """
    loaded = _space(space, base)
    candidate = candidate_of(prompt, loaded, sampling=sampling)
    asked = loaded.queries.split("test") if queries is None else _queries(queries)
    with memory_of(store) as memory:
        models = open_models(
            Named(name=base, options=base_options, default=loaded.defaults.base),
            Named(name=judge, options=judge_options, default=loaded.defaults.judge),
        )
        memory.pace(models.base, models.judge)
        _warn(models.notes)
        return assess_prompt(
            Evaluator(generator=models.base, judge=models.judge, memory=memory),
            candidate,
            asked,
            scoring=Scoring(objective=loaded.objective, constraints=loaded.constraints),
            watch=watch or (lambda _: None),
        )


def answer(
    prompt: AnyPrompt,
    queries: Sequence[str],
    *,
    base: str | Generator | None = None,
    base_options: ModelOptions = _NO_OPTIONS,
    sampling: Sampling | None = None,
    space: File | SearchSpace | None = None,
    store: File | Store | None = None,
) -> list[str]:
    """The base model's answers to queries under a prompt, in the order of the queries.

    `queries`: their texts. `prompt`, `base`, `base_options`, `sampling`, `space`, `store` and errors: as in `evaluate`.
    """
    loaded = _space(space, base)
    candidate = candidate_of(prompt, loaded, sampling=sampling)
    with memory_of(store) as memory:
        generator = base_of(Named(name=base, options=base_options, default=loaded.defaults.base))
        memory.pace(generator)
        _warn([*candidate.prompt.notes, *notes_of(generator)])
        answerer = Answerer(generator=generator, memory=memory)
        return [completion.text for completion in answerer.answer(candidate, as_queries(queries))]


def measure_shift(
    base: str | Generator | None = None,
    aligned: str | ChatGenerator | None = None,
    prompts: Mapping[str, AnyPrompt] | Sequence[AnyPrompt] = ("zero-shot", "hand-written"),
    queries: AnyQueries | None = None,
    *,
    base_options: ModelOptions = _NO_OPTIONS,
    aligned_options: ModelOptions = _NO_OPTIONS,
    max_tokens: int | None = None,
    space: File | SearchSpace | None = None,
    watch: Callable[[int], None] | None = None,
) -> TokenShift:
    """How far a base model under each prompt is from an aligned model, token by token (Lin et al. 2024, section 2).

    The aligned model answers the queries greedily; both models then read its answers, the base model under each prompt.

    `base`, `aligned`, `base_options`, `aligned_options`: as in `run_search`.
    `prompts`: a list, or a mapping from the names that they get in the result; each as in `evaluate`. The others are
    compared with the first. `queries`: as in `evaluate`, by default the space's validation queries.
    `max_tokens`: of the longest answer, by default the space's. `space`: where everything comes from that is not given.
    `watch`: called with the number of queries done.

    Returns shares from 0 to 1 and divergences in nats, with 95 % intervals over the queries. InputError if the two
    models cannot be compared; other errors as in `evaluate`.
    """
    loaded = _space(space, base)
    if isinstance(prompts, str):
        raise InputError(f"{prompts!r} is one prompt; give a list, such as `prompts=[{prompts!r}]`")
    if not isinstance(prompts, Mapping):
        prompts = {each if isinstance(each, str) else candidate_of(each, loaded).prompt.id: each for each in prompts}
    contexts = {name: candidate_of(each, loaded).prompt for name, each in prompts.items()}
    asked = loaded.queries.split("validation") if queries is None else _queries(queries)
    generator = base_of(Named(name=base, options=base_options, default=loaded.defaults.base))
    twin = aligned_of(Named(name=aligned, options=aligned_options, default=loaded.defaults.aligned))
    _warn(notes_of(generator, twin))
    reading = read_shift(
        generator,
        twin,
        asked,
        contexts,
        max_tokens=max_tokens or loaded.hand_written.sampling.max_tokens,
        watch=watch or (lambda _: None),
    )
    return summarise_shift(reading)


def _queries(given: AnyQueries) -> list[Query]:
    return load_queries(given) if isinstance(given, str | os.PathLike) else as_queries(given)


def _space(space: File | SearchSpace | None, base: str | Generator | None) -> SearchSpace:
    if space is not None:
        return load_space(space)
    return load_space(space_for(base if base is None or isinstance(base, str) else base.identity))


def _search_in(store: Store, name: str | None) -> SearchRecord:
    newest = store.newest_search() if name is None else None
    if name is None and newest is None:
        raise InputError(f"no search in the store {store.name!r} has a trial; begin one with run_search")
    return store.search(newest.name if newest else str(name))


def _warn(notes: Iterable[str]) -> None:
    """Warn of each note, at the line that called the function that calls this one."""
    for note in notes:
        warnings.warn(note, UrialOptWarning, stacklevel=3)
