"""Guards: what keeps a written system text or exemplar out of the pool of a search, whoever wrote it.

Each guard returns what is wrong with a proposal in words that its writer can act on, or None. None of these words
repeats a query of `validation` or `test`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from urial_opt.datasets.queries import same_words
from urial_opt.prompt import breaks_layout, read_answer
from urial_opt.search.agent.facts import missing_addresses, missing_code, missing_names, missing_numbers
from urial_opt.search.agent.form import has_words, markup_in, script_of, strange_character, talks_about_itself
from urial_opt.search.agent.language import language_of
from urial_opt.search.agent.likeness import Likeness
from urial_opt.search.agent.looping import loop_in
from urial_opt.shift.marking import refuses
from urial_opt.spaces.proposals import Part, Proposal
from urial_opt.spaces.space import SearchSpace

LONGER = 1.5
"""A proposal may be this many times as long as the longest text of its sort in the pool."""
CHARACTERS_PER_TOKEN = 2
"""An exemplar's answer may always have this many characters for each token that an answer may have. English has about
four, and exemplars teach their length: half the longest answer is safe even where the pool has short ones only."""
NEAR = 0.7
"""A query at least this like a known one asks it again (`Likeness`); see `experiments/agent/likeness.py`."""
_CAPITALISING = {"de", "lb"}
"""Languages in which every noun begins with a capital, so that capitals do not mark names."""
_LISTED = 5
"""How many missing numbers or names a remark lists."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A guard that a proposal failed, and what is wrong, in a sentence for its writer."""

    guard: str
    remark: str


def failures(proposal: Proposal, space: SearchSpace) -> list[Failure]:
    """All guards that a proposal fails, in the order of `GUARDS`; empty if it may enter the pool of `space`."""
    remarks = {name: guard(proposal, space) for name, guard in GUARDS.items()}
    return [Failure(guard=name, remark=remark) for name, remark in remarks.items() if remark]


def _empty(proposal: Proposal, _: SearchSpace) -> str | None:
    if not has_words(proposal.text):
        return "The text is empty." if not proposal.text.strip() else "The text has no words."
    if proposal.part == "exemplar" and not proposal.query.strip():
        return "The query is empty."
    return None


def _facts(proposal: Proposal, _: SearchSpace) -> str | None:
    if proposal.restyled is None:
        return None
    original = proposal.restyled.answer
    kept = {"numbers": missing_numbers, "addresses": missing_addresses, "pieces of code": missing_code}
    if language_of(original) not in _CAPITALISING:
        kept["names"] = missing_names
    for what, missing in kept.items():
        if lost := missing(original, proposal.text):
            return (
                f"The new answer lacks these {what} of the original: {', '.join(map(repr, lost[:_LISTED]))}; keep them."
            )
    return None


def _layout(proposal: Proposal, _: SearchSpace) -> str | None:
    like = f"{proposal.restyled.query}\n{proposal.restyled.answer}" if proposal.restyled else ""
    if markup := markup_in(proposal.text, like) or markup_in(proposal.query, like):
        return f"The text contains chat markup, a speaker's name or a placeholder ({markup!r}); write plain text."
    if character := strange_character(proposal.text, like) or strange_character(proposal.query, like):
        return f"The text contains a character that nobody sees ({character}); leave it out."
    if talks_about_itself(proposal.text) and not talks_about_itself(like):
        return "The text begins by talking about itself; write the text alone."
    if proposal.part == "system" and breaks_layout(proposal.text):
        return "The text contains a fence or a heading such as '# Query'; leave it out."
    if breaks_layout(proposal.query):
        return "The query contains a fence or a heading such as '# Query'; leave it out."
    if proposal.part == "exemplar" and read_answer(f"{proposal.text}\n```\n") != proposal.text.strip():
        return "The answer contains a line that would end it: a heading such as '# Query', or a fence of its own."
    return None


def _looping(proposal: Proposal, _: SearchSpace) -> str | None:
    loop = loop_in(proposal.text) or loop_in(proposal.query)
    if loop is None or (proposal.restyled and loop_in(proposal.restyled.answer)):
        return None
    return f"The text repeats itself ({loop!r}); say each thing once."


def longest_allowed(space: SearchSpace, part: Part) -> int:
    """The maximum number of characters of a system text, or of an exemplar's answer; 0 for any number."""
    least = 0
    if part == "system":
        whole = [" ".join((space.head, *space.clauses.values(), space.tail))] if space.clauses else []
        texts = [*space.system_prompts.values(), *whole]
    else:
        texts = [exemplar.answer for exemplar in space.exemplars.values()]
        least = CHARACTERS_PER_TOKEN * space.hand_written.sampling.max_tokens
    return int(max(LONGER * max(map(len, texts), default=0), least))


def _length(proposal: Proposal, space: SearchSpace) -> str | None:
    most = longest_allowed(space, proposal.part)
    if most and len(proposal.text) > most:
        return f"The text has {len(proposal.text):,} characters; write at most {most:,}."
    return None


def _language(proposal: Proposal, space: SearchSpace) -> str | None:
    like = proposal.restyled.answer if proposal.restyled else _sample(proposal, space)
    there, here = language_of(like), language_of(proposal.text)
    if None in (there, here):
        there, here = script_of(like), script_of(proposal.text)
    if there and here and there != here:
        return f"The text is in another language ({here}) than the original ({there}); keep the language."
    return None


def _sample(proposal: Proposal, space: SearchSpace) -> str:
    """What a text that was not made from another should be in the language of."""
    if proposal.part == "exemplar":
        return proposal.query
    return "\n".join(space.system_prompts.values())


def _refusal(proposal: Proposal, _: SearchSpace) -> str | None:
    if proposal.part == "exemplar" and proposal.kind == "regular" and refuses(proposal.text):
        return "The answer refuses, but the query is harmless; answer it."
    return None


def _known_query(proposal: Proposal, space: SearchSpace) -> str | None:
    """A new query that is (nearly) one of the space's would bias its scores. A restyled exemplar has its old query."""
    if proposal.part != "exemplar" or proposal.restyled:
        return None
    likeness = Likeness.of(query.text for query in space.queries.queries)
    if likeness.nearest(proposal.query) >= NEAR:
        return "The query is too close to one that answers are measured on; ask something else."
    return None


def _in_pool(proposal: Proposal, space: SearchSpace) -> str | None:
    if proposal.part == "system":
        texts = list(space.system_prompts.values())
    else:
        asked = same_words(proposal.query)
        pool = space.known.values()
        texts = [exemplar.answer for exemplar in pool if same_words(exemplar.query) == asked]
    words = same_words(proposal.text)
    if any(same_words(text) == words for text in texts):
        return "The same words are in the pool already; write something else."
    return None


GUARDS: Mapping[str, Callable[[Proposal, SearchSpace], str | None]] = {
    "empty": _empty,
    "looping": _looping,
    "facts": _facts,
    "layout": _layout,
    "length": _length,
    "language": _language,
    "refusal": _refusal,
    "known query": _known_query,
    "in the pool": _in_pool,
}
"""By name, in the order in which their remarks are given. The floor for exemplars comes after them, since it costs."""
