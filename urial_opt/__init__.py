"""Searches for the exemplars and system prompts that align a base language model without tuning it.

    import urial_opt as uo

    found = uo.run_search("urial", base="hf:Qwen/Qwen3-0.6B-Base", judge="llm:gpt-4o", budget=50)
    print(found)                             # what it found, and whether that is better than the prompt written by hand
    found.prompt.save("found.json")

The names in `__all__` are public; each is loaded when it is first used, so that the import itself is quick.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from urial_opt.api import answer, evaluate, load_effects, load_search, measure_shift, run_search
    from urial_opt.aspects import Aspect
    from urial_opt.datasets.query_sources import load_queries
    from urial_opt.errors import (
        AdapterError,
        InputError,
        PromptError,
        SpaceError,
        StoreError,
        UnknownNameError,
        UrialOptError,
        UrialOptWarning,
    )
    from urial_opt.evaluation.assessment import Assessment
    from urial_opt.evaluation.scorecard import Scorecard
    from urial_opt.objective import Constraint, Objective
    from urial_opt.prompt import Exemplar, UrialPrompt
    from urial_opt.records import (
        Candidate,
        Completion,
        Estimate,
        Evaluation,
        Judgment,
        Query,
        Role,
        Sampling,
        TrialRecord,
        TrialState,
        Usage,
    )
    from urial_opt.roles import open_aligned, open_base, open_judge, open_proposer
    from urial_opt.search.effects.learnt import Learnt
    from urial_opt.search.opening import Interrupted, LimitReached
    from urial_opt.search.outcome import SearchOutcome, StoredSearch
    from urial_opt.search.progress import Progress
    from urial_opt.search.result import Measured, SearchResult
    from urial_opt.search.served_prompt import ServedPrompt, load_prompt
    from urial_opt.shift.figures import TokenShift
    from urial_opt.spaces.space import SearchSpace
    from urial_opt.spaces.variants import load_space
    from urial_opt.spending import Bill, Price, Terms
    from urial_opt.store import Store

__version__ = "0.1.0"

__all__ = [
    "AdapterError",
    "Aspect",
    "Assessment",
    "Bill",
    "Candidate",
    "Completion",
    "Constraint",
    "Estimate",
    "Evaluation",
    "Exemplar",
    "InputError",
    "Interrupted",
    "Judgment",
    "Learnt",
    "LimitReached",
    "Measured",
    "Objective",
    "Price",
    "Progress",
    "PromptError",
    "Query",
    "Role",
    "Sampling",
    "Scorecard",
    "SearchOutcome",
    "SearchResult",
    "SearchSpace",
    "ServedPrompt",
    "SpaceError",
    "Store",
    "StoreError",
    "StoredSearch",
    "Terms",
    "TokenShift",
    "TrialRecord",
    "TrialState",
    "UnknownNameError",
    "UrialOptError",
    "UrialOptWarning",
    "UrialPrompt",
    "Usage",
    "answer",
    "evaluate",
    "load_effects",
    "load_prompt",
    "load_queries",
    "load_search",
    "load_space",
    "measure_shift",
    "open_aligned",
    "open_base",
    "open_judge",
    "open_proposer",
    "run_search",
]

_NAMES_OF = {
    "api": "answer evaluate load_effects load_search measure_shift run_search",
    "aspects": "Aspect",
    "datasets.query_sources": "load_queries",
    "errors": "AdapterError InputError PromptError SpaceError StoreError "
    "UnknownNameError UrialOptError UrialOptWarning",
    "evaluation.assessment": "Assessment",
    "evaluation.scorecard": "Scorecard",
    "objective": "Constraint Objective",
    "prompt": "Exemplar UrialPrompt",
    "records": "Candidate Completion Estimate Evaluation Judgment Query Role Sampling TrialRecord TrialState Usage",
    "roles": "open_aligned open_base open_judge open_proposer",
    "search.effects.learnt": "Learnt",
    "search.opening": "Interrupted LimitReached",
    "search.outcome": "SearchOutcome StoredSearch",
    "search.progress": "Progress",
    "search.result": "Measured SearchResult",
    "search.served_prompt": "ServedPrompt load_prompt",
    "shift.figures": "TokenShift",
    "spaces.space": "SearchSpace",
    "spaces.variants": "load_space",
    "spending": "Bill Price Terms",
    "store": "Store",
}
"""The public names that each module hands on."""
_MODULE_OF = {name: module for module, names in _NAMES_OF.items() for name in names.split()}


if not TYPE_CHECKING:  # a type checker would take every name for one of this module

    def __getattr__(name: str) -> object:
        if name not in _MODULE_OF:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = getattr(import_module(f"{__name__}.{_MODULE_OF[name]}"), name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
