"""How often guards refuse what people and rules wrote: exemplars of the spaces, one as another in its own style.

    python -m experiments.agent.false_alarms

Each exemplar of `nano` and `urial` is taken for a restyled version of each other one that answers the same query, for
the rule-made restyling of each, and for a new one. A style that tells less loses facts, which is no false alarm: pairs
are therefore also counted where neither is of a style that leaves facts out.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from itertools import permutations

from urial_opt.datasets.queries import same_words
from urial_opt.prompt import Exemplar
from urial_opt.search.agent.guards import failures
from urial_opt.spaces.proposals import Proposal
from urial_opt.spaces.restyling import restyled
from urial_opt.spaces.space import SearchSpace
from urial_opt.spaces.space_file import load_space

TELL_LESS = {"nano": ("word", "bare", "forum", "gossip", "wary", "curt"), "urial": ("bare", "brief_list")}
OURS = ("in the pool", "known query", "length")
"""Guards that compare with the pool, in which all these exemplars are."""


def pairs(space: SearchSpace) -> Iterator[tuple[Exemplar, Exemplar]]:
    """Each two exemplars that answer the same query."""
    rows: defaultdict[str, list[Exemplar]] = defaultdict(list)
    for exemplar in space.exemplars.values():
        rows[same_words(exemplar.query)].append(exemplar)
    for row in rows.values():
        yield from permutations(row, 2)


def alarms(space: SearchSpace, original: Exemplar, text: str, style: str) -> list[tuple[str, str]]:
    """The guards that a restyled answer fails, with their remarks."""
    kind = "safety" if "safety" in original.tags else "regular"
    proposal = Proposal(part="exemplar", text=text, query=original.query, kind=kind, style=style, restyled=original)  # type: ignore[arg-type]
    return [(each.guard, each.remark) for each in failures(proposal, space) if each.guard not in OURS]


def main() -> None:
    for name in ("nano", "urial"):
        space = load_space(name)
        every = list(pairs(space))
        found = [(one, other, alarms(space, one, other.answer, other.style)) for one, other in every]
        full = [each for each in found if not {each[0].style, each[1].style} & {*TELL_LESS[name]}]
        show(f"{name}, all pairs", found)
        show(f"{name}, pairs of styles that tell all", full, examples=True)
        ruled = []
        for exemplar in space.exemplars.values():
            for rule in space.styles.values():
                if rule.sentences is None:
                    safe = "safety" in exemplar.tags
                    text = restyled(exemplar.answer, rule, space.styles.values(), refusal=safe)
                    ruled.append((exemplar, exemplar, alarms(space, exemplar, text, rule.name)))
        show(f"{name}, restyled by rules that keep all sentences", ruled, examples=True)


def show(what: str, found: list[tuple[Exemplar, Exemplar, list[tuple[str, str]]]], *, examples: bool = False) -> None:
    """Print how many fail which guards."""
    refused = [each for each in found if each[2]]
    print(f"{what}: {len(refused)} of {len(found)} refused, {dict(Counter(g for each in refused for g, _ in each[2]))}")
    for one, other, alarm in refused[:8] if examples else ():
        print(f"    {one.query[:50]!r} {one.style} to {other.style}: {alarm[0][1][:140]}")


if __name__ == "__main__":
    main()
