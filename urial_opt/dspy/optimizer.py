"""Optimizer: our search as an optimizer of DSPy, over the demos and instructions of a program's predictors.

A predictor's demos, their order and number and its instructions are a candidate prompt; running the program on an
example is an answer; the metric is the judge. All else is the search: trials, race, sampler, choice on validation. The
predictors of a program are searched one after the other, each with what was found for those before it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import dspy.teleprompt  # type: ignore[import-untyped]

from urial_opt.aspects import Aspect
from urial_opt.datasets.queries import QuerySet
from urial_opt.dspy.adapter import UrialAdapter
from urial_opt.dspy.demos import (
    BOOTSTRAPPED,
    GIVEN,
    LABELLED,
    Bootstrap,
    Parts,
    Sources,
    divide,
    shown_demos,
    worth_showing,
)
from urial_opt.dspy.metrics import LEAST, MOST, MetricJudge
from urial_opt.dspy.program_model import ProgramModel
from urial_opt.dspy.programs import ProgramGenerator, Shown, give
from urial_opt.errors import InputError
from urial_opt.objective import Objective
from urial_opt.records import Role
from urial_opt.roles import Models, prices_of
from urial_opt.search.opening import Interrupted, LimitReached, SearchOptions
from urial_opt.search.progress import Progress
from urial_opt.search.result import SearchResult
from urial_opt.search.run import search_space
from urial_opt.spaces.space import NO_SYSTEM, Defaults, SearchSpace
from urial_opt.spending import Bill, Meter, Spent, Terms
from urial_opt.store import Store

_BLOCK = 8
"""Queries between two looks of the race."""
_OWN = "own"
"""The name of a predictor's own instructions among the system prompts of a search."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Compiled:
    """What a search found for a program; `program.urial` of a compiled one."""

    adapter: UrialAdapter
    """Holds the exact instructions, which a saved program loses: `compiled.urial.adapter.save("texts.json")`."""
    results: Mapping[str, SearchResult] = field(default_factory=dict)
    """By predictor. Scores are from 1 to 5 and measured on the validation set, on which the choice was made."""
    scale: tuple[float, float]

    def value(self, predictor: str) -> float:
        """The metric's mean on the validation set with what was found up to this predictor."""
        low, high = self.scale
        return low + (self.results[predictor].found.card.worth.mean - LEAST) * (high - low) / (MOST - LEAST)


class UrialOptimizer(dspy.teleprompt.Teleprompter):  # type: ignore[misc]
    """Finds demos and instructions of a program by a search that is stored, and goes on where it was interrupted."""

    def __init__(
        self,
        metric: Callable[..., Any] | None = None,
        *,
        budget: int = 32,
        max_demos: int = 4,
        pool: int = 16,
        instructions: Sequence[str] = (),
        bootstrap: bool = True,
        threshold: float | None = None,
        scale: tuple[float, float] = (0.0, 1.0),
        store: str | os.PathLike[str] | Store = "urial-opt.db",
        name: str = "",
        seed: int = 0,
        sampler: str = "thompson",
        limits: Terms | Mapping[str, Any] | None = None,
        num_threads: int | None = None,
        watch: Callable[[Progress], None] = lambda _: None,
        stop: Callable[[], bool] = lambda: False,
    ) -> None:
        """`metric`: called with an example and a prediction, and a trace while demos are bootstrapped.

        `budget`: prompts tried, over all predictors. `max_demos`: of one predictor. `pool`: how many training examples
        may become demos, as they are labelled or, with `bootstrap`, as a run answers them. Labels and runs must pass
        the metric: reach `threshold`, by default be anything but 0; if no labels do, all are taken. `instructions`:
        exact texts to try beside a predictor's own. `scale`: least and greatest value of the metric. `num_threads`:
        examples run at once, by default DSPy's.
        `store`, `name`, `seed`, `sampler`, `limits`, `watch`, `stop`: as in `urial_opt.run_search`; limits hold for the
        runs of the search and, apart from these, for those that bootstrap demos.
        """
        super().__init__()
        self.metric, self.budget, self.max_demos, self.pool = metric, budget, max_demos, pool
        self.instructions, self.bootstrap, self.threshold, self.scale = instructions, bootstrap, threshold, scale
        self.store, self.name, self.seed, self.sampler = store, name, seed, sampler
        self.terms = limits if isinstance(limits, Terms) else Terms.read(limits or {})
        self.num_threads, self.watch, self.stop = num_threads, watch, stop

    def compile(
        self,
        student: Any,
        *,
        trainset: Sequence[Any],
        teacher: Any = None,
        valset: Sequence[Any] | None = None,
        metric: Callable[..., Any] | None = None,
    ) -> Any:
        """A copy of the program with the demos and instructions found; `urial` of it is a `Compiled`.

        The same call continues a search that was interrupted, and pays nothing twice: everything is in the store. The
        functions that the metric and the program call are not looked into, so give a new `name` when one changes.
        Errors as in `urial_opt.run_search`.
        """
        metric = metric or self.metric
        if metric is None:
            raise InputError("no metric is given; give one: `metric=lambda example, found, trace=None: …`")
        model = ProgramModel.of(student, num_threads=self.num_threads)
        parts = divide(trainset, valset, pool=self.pool, seed=self.seed)
        judge = MetricJudge(metric, program=student, examples=parts.examples, scale=self.scale)
        program = student.deepcopy()
        texts = [model.system_of(each.signature) for each in program.predictors()]
        for each, text in zip(program.predictors(), texts, strict=True):
            if text:  # that of the adapter becomes the predictor's own
                each.signature = each.signature.with_instructions(text)
        model = replace(model, adapter=model.with_texts([*texts, *self.instructions]))
        names = [name for name, _ in program.named_predictors()]
        results: dict[str, SearchResult] = {}
        with _opened(self.store) as store:
            sources = Sources(labelled=worth_showing(parts, judge, self.threshold), traces=())
            if self.bootstrap:
                traces = self._bootstrapped(teacher or program, model, parts, judge, store, sources.labelled)
                sources = replace(sources, traces=traces)
            for place, name in enumerate(names):
                budget = self.budget // len(names) + (place < self.budget % len(names))
                found = self._search(program, name, model, parts, judge, store, sources=sources, budget=max(budget, 1))
                results[name] = found
        texts = [model.system_of(each.signature) for each in program.predictors()]
        program._compiled = True
        program.urial = Compiled(adapter=UrialAdapter(systems=filter(None, texts)), results=results, scale=self.scale)
        return program

    def _bootstrapped(
        self,
        teacher: Any,
        model: ProgramModel,
        parts: Parts,
        judge: MetricJudge,
        store: Store,
        labelled: Sequence[Any],
    ) -> list[dict[str, list[Mapping[str, Any]]]]:
        memory = store.account(command="dspy bootstrap")
        meter = Meter(self.terms)
        prices = prices_of({Role.BASE: model.priced}, self.terms.prices)

        def before() -> None:
            if self.stop():
                raise Interrupted(self.name or "bootstrap")
            if limit := meter.look(Bill(spent={Role.BASE: sum(memory.spent.values(), Spent())}, prices=prices), 1):
                raise LimitReached(self.name or "bootstrap", limit)

        shown = {
            name: shown_demos(labelled, each.signature, model, style=LABELLED)
            for name, each in teacher.named_predictors()
        }
        lent = {name: some[: self.max_demos] for name, some in shown.items()}
        boot = Bootstrap(
            program=teacher, model=model, judge=judge, memory=memory, threshold=self.threshold, before=before
        )
        return boot.traces(parts, lent)

    def _search(
        self,
        program: Any,
        name: str,
        model: ProgramModel,
        parts: Parts,
        judge: MetricJudge,
        store: Store,
        *,
        sources: Sources,
        budget: int,
    ) -> SearchResult:
        """Search one predictor, and give it what was found."""
        space, pool = self._space(program, name, model, parts, sources)
        generator = ProgramGenerator(
            program,
            name,
            model=model,
            examples=parts.examples,
            pool=list(pool.values()),
            systems=[*space.system_prompts.values()],
        )
        several = len(program.predictors()) > 1
        prices = prices_of({Role.BASE: model.priced, Role.JUDGE: judge}, self.terms.prices)
        options = SearchOptions(
            budget=budget,
            seed=self.seed,
            sampler=self.sampler,
            name=f"{self.name}/{name}" if self.name and several else self.name,
            terms=replace(self.terms, prices=prices),
        )
        models = Models(base=generator, judge=judge)
        result = search_space(space, models, store, options=options, watch=self.watch, stop=self.stop)
        assert result.found.candidate is not None
        give(program, name, *generator.parts(result.found.candidate.prompt.prefix))
        return result

    def _space(
        self,
        program: Any,
        name: str,
        model: ProgramModel,
        parts: Parts,
        sources: Sources,
    ) -> tuple[SearchSpace, dict[str, Shown]]:
        """The prompts that a predictor may get, beginning with its own, and the demos that they consist of, by key."""
        predictor = dict(program.named_predictors())[name]
        shape = predictor.signature
        made = [demo for steps in sources.traces for demo in steps.get(name, [])[-1:]]
        demos_of = {
            GIVEN: [dict(demo) for demo in predictor.demos],
            LABELLED: sources.labelled,
            BOOTSTRAPPED: made,
        }
        pool: dict[str, Shown] = {}
        known: set[str] = set()
        for style, demos in demos_of.items():
            for number, shown in enumerate(shown_demos(demos, shape, model, style=style), start=1):
                if shown.exemplar.id not in known:
                    known.add(shown.exemplar.id)
                    pool[f"{style}-{number}"] = shown
        own = model.system_of(shape)
        texts = {_OWN: own} if own else {}
        texts |= {f"given-{n}": text for n, text in enumerate(dict.fromkeys(self.instructions), 1) if text != own}
        if not pool and not texts:
            outputs = ", ".join(map(repr, shape.output_fields))
            raise InputError(
                f"there is nothing to search for the predictor {name!r}: no example has its fields {outputs}, and no "
                "run passed the metric; give examples with them, a `teacher` that can run, or `instructions`"
            )
        start = [key for key in pool if key.startswith(f"{GIVEN}-")]
        called = f"dspy-{type(program).__name__}"
        space = SearchSpace(
            name=f"{called}-{name}" if len(program.predictors()) > 1 else called,
            description=f"The predictor {name!r} of a DSPy program.",
            exemplars={key: shown.exemplar for key, shown in pool.items()},
            system_prompts=texts,
            clauses={},
            head="",
            tail="",
            k_min=0,
            k_max=min(max(self.max_demos, len(start)), len(pool)),
            decoding={},
            sampling=model.sampling,
            hand_written_params={},
            plain_icl_exemplars=(),
            start_params={},
            objective=Objective(weights={aspect: float(aspect is Aspect.HELPFULNESS) for aspect in Aspect}),
            constraints=(),
            queries=QuerySet(queries=parts.queries),
            block=_BLOCK,
            defaults=Defaults(),
        )
        params = space.params_of(system=_OWN if own else NO_SYSTEM, exemplars=start)
        return replace(space, hand_written_params=params, start_params=params), pool


@contextmanager
def _opened(store: str | os.PathLike[str] | Store) -> Iterator[Store]:
    if isinstance(store, Store):
        yield store
        return
    with Store.open(os.fspath(store)) as opened:
        yield opened
