"""Shift explained: what a context repairs and breaks, against another one, in sentences that a person can act on.

A position is repaired where it is shifted under the baseline and not under the context, and broken the other way round.
A *trait* is something that the aligned answers do, such as to greet. The base model does it in an answer if, where the
aligned answer begins it, its most probable token is that answer's or another with which aligned answers begin it: that
is what it would write by itself, where "marginal" would not do. It is the beginning that counts, since what follows
"Let me know if" is easy; and it is only the beginning: "I" may begin a greeting or something else. And it is told of an
answer so far by the aligned model: a base model that closes politely after a greeting might not have greeted.

Nothing is said on thin evidence:

- of a trait, only if at least 5 answers have it, with known ranks;
- that a context repairs or breaks something, only if a one-sided exact sign test over the answers in which it differs
  from the baseline has p ≤ .05 (so at least 5 such answers). For words and content an answer counts by whether more
  of its positions were repaired or broken; the .05 is shared among all words that differ in at least 5 answers;
- that a trait is lacking, only if at most half of the answers show it, and so few or fewer had a chance of at most .05
  if four in five did;
- that it is as it should be, only if at least nine in ten answers show it and the baseline does not differ;
- that a refusal comes late, only if it is lacking and, once it has begun, at most a quarter of at least 10 further
  positions of the refusals are shifted.

Every sentence tells the counts that it rests on; `ShiftFinding.numbers` has them as numbers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from urial_opt.errors import UnknownNameError
from urial_opt.shift.findings import ExamplePosition, FindingKind, ShiftExplanation, ShiftFinding
from urial_opt.shift.kinds import MarkedToken, TokenKind
from urial_opt.shift.paired_ranks import PairedRanks, chance_of_so_few, sign_test
from urial_opt.shift.traits import TRAITS, Trait
from urial_opt.token_scores import ShiftReading

ENOUGH_ANSWERS = 5
SIGNIFICANT = 0.05
ESTABLISHED = 0.9
LATE_POSITIONS = 10
LATE_SHIFTED = 0.25
NAMED_WORDS = 6
EXAMPLES = 3


def explain_shift(reading: ShiftReading, context: str, *, baseline: str | None = None) -> ShiftExplanation:
    """What the context repairs, breaks and still lacks; the baseline is the reading's first context unless named.

    Where both are the same, only what is lacking or as it should be is told. UnknownNameError of a context that was not
    read.
    """
    before = next(iter(reading.contexts), context) if baseline is None else baseline
    for name in (context, before):
        if name not in reading.contexts:
            raise UnknownNameError.of("context", name, reading.contexts)
    ranks = PairedRanks(reading, context, None if before == context else before)
    found = [finding for name, trait in TRAITS.items() for finding in _speak_of(ranks, name, trait)]
    found += _speak_of_positions(ranks)
    order = list(FindingKind)
    return ShiftExplanation(
        context=context,
        baseline=ranks.baseline,
        repaired=sum(repaired for repaired, _ in ranks.changes()),
        broken=sum(broken for _, broken in ranks.changes()),
        findings=tuple(sorted(found, key=lambda each: order.index(each.kind))),
    )


def _speak_of(ranks: PairedRanks, name: str, trait: Trait) -> list[ShiftFinding]:
    """What evidence there is about one trait."""
    places = {
        answer: place
        for answer, tokens in enumerate(ranks.marked)
        if (place := trait.begins(tokens, ranks.answers[answer].pieces)) is not None and ranks.is_known(answer, place)
    }
    if len(places) < ENOUGH_ANSWERS:
        return []
    begins = {ranks.answers[answer].tokens[place] for answer, place in places.items() if name != "ending"}
    done = [answer for answer, place in places.items() if ranks.begins(answer, place, begins)]
    was_done = [answer for answer, place in places.items() if ranks.began(answer, place, begins)]
    repaired, broken = sorted(set(done) - set(was_done)), sorted(set(was_done) - set(done))
    counts = f"{len(done)} of {len(places)} answers"
    if ranks.baseline is not None:
        counts += f"; {ranks.baseline}: {len(was_done)}"
    numbers = {"answers": len(places), "done": len(done)}
    if ranks.baseline is not None:
        numbers |= {"baseline_done": len(was_done), "repaired": len(repaired), "broken": len(broken)}

    def finding(kind: FindingKind, sentence: str, answers: Sequence[int], **more: float) -> ShiftFinding:
        examples = tuple(ranks.example(answer, places[answer]) for answer in answers[:EXAMPLES])
        return ShiftFinding(kind=kind, trait=name, sentence=sentence, numbers=numbers | more, examples=examples)

    found = []
    like = "as the aligned model does"
    differs = ranks.baseline is not None and max(len(repaired), len(broken)) > 0
    if differs and sign_test(len(repaired), len(broken)) <= SIGNIFICANT:
        often = "" if 5 * len(done) >= 4 * len(places) else " more often"
        found.append(finding(FindingKind.REPAIRED, f"{trait.does}{often} {like} ({counts})", repaired))
    elif differs and sign_test(len(broken), len(repaired)) <= SIGNIFICANT:
        found.append(finding(FindingKind.BROKEN, f"{trait.does} less often {like} ({counts})", broken))
    elif len(done) >= ESTABLISHED * len(places):
        found.append(finding(FindingKind.KEPT, f"{trait.does} {like} ({counts})", done))
    if len(done) <= len(places) / 2 and chance_of_so_few(len(done), len(places)) <= SIGNIFICANT:
        missing = [answer for answer in places if answer not in done]
        advice = trait.advice.format(example=repr(_usual_words(ranks, places)))
        still = "still " if ranks.baseline is not None and len(was_done) <= len(places) / 2 else ""
        rest = _after_refusal(ranks, places) if name == "refusal" else []
        if len(rest) >= LATE_POSITIONS and rest.count(False) <= LATE_SHIFTED * len(rest):
            goes_on = f"once begun, {rest.count(True)} of {len(rest)} further tokens follow"
            sentence = f"{still}refuses late (begins with it in {counts}; {goes_on}): {advice}"
            more = {"further": len(rest), "further_done": rest.count(True)}
            found.append(finding(FindingKind.LATE, sentence, missing, **more))
        else:
            often = "never" if not done else "seldom" if len(done) <= len(places) / 4 else "only sometimes"
            sentence = f"{still}{often} {trait.does} {like} ({counts}): {advice}"
            found.append(finding(FindingKind.LACKING, sentence, missing))
    return found


def _after_refusal(ranks: PairedRanks, places: Mapping[int, int]) -> list[bool]:
    """Whether the base model follows, at each further safety token of the refusals."""
    return [
        ranks.is_done(answer, place)
        for answer, begin in places.items()
        for place, token in enumerate(ranks.marked[answer])
        if place > begin and token.kind is TokenKind.SAFETY and ranks.is_known(answer, place)
    ]


def _usual_words(ranks: PairedRanks, places: Mapping[int, int]) -> str:
    """The most frequent text of what begins at the places, as far as its kind reaches in the line."""
    texts: Counter[str] = Counter()
    for answer, begin in places.items():
        tokens, text = ranks.marked[answer], ""
        for place, piece in enumerate(ranks.answers[answer].pieces[begin:], begin):
            if tokens[place].kind is not tokens[begin].kind or "\n" in piece:
                break
            text += piece
        texts[text.strip()] += 1
    return texts.most_common(1)[0][0]


def _speak_of_positions(ranks: PairedRanks) -> list[ShiftFinding]:
    """Single words, and content as a whole, that the context repairs or breaks."""
    if ranks.baseline is None:
        return []
    return [
        finding
        for repairs in (True, False)
        for finding in (_speak_of_words(ranks, repairs=repairs), _speak_of_content(ranks, repairs=repairs))
        if finding is not None
    ]


def _speak_of_words(ranks: PairedRanks, *, repairs: bool) -> ShiftFinding | None:
    """The words that are most clearly repaired, or broken."""
    votes = {
        word: (better, worse)
        for word, changes in _changes_of_words(ranks).items()
        for better, worse in [_votes(changes, repairs=repairs)]
        if better + worse >= ENOUGH_ANSWERS
    }
    told = [(a - b, word) for word, (a, b) in votes.items() if sign_test(a, b) <= SIGNIFICANT / len(votes)]
    if not told:
        return None
    told = sorted(told, key=lambda each: (-each[0], each[1]))[:NAMED_WORDS]
    changes = ranks.changes()
    number = sum(change[0 if repairs else 1] for change in changes)
    named = ", ".join(f"{word!r} (in {answers} answers)" for answers, word in told)
    return ShiftFinding(
        kind=FindingKind.REPAIRED if repairs else FindingKind.BROKEN,
        trait="words",
        sentence=f"{'repairs' if repairs else 'breaks'} {number} positions, most clearly {named}",
        numbers={"repaired": sum(r for r, _ in changes), "broken": sum(b for _, b in changes)},
        examples=_changed(ranks, lambda token: token.word.lower() == told[0][1], repairs=repairs),
    )


def _changes_of_words(ranks: PairedRanks) -> dict[str, list[tuple[int, int]]]:
    """By word: of each answer in which it changed, how many of its tokens were repaired and broken."""
    found: dict[tuple[str, int], tuple[int, int]] = {}
    for answer, tokens in enumerate(ranks.marked):
        for place, token in enumerate(tokens):
            done, was_done = ranks.is_done(answer, place), ranks.was_done(answer, place)
            if token.word and done != was_done and ranks.is_known(answer, place):
                repaired, broken = found.get((token.word.lower(), answer), (0, 0))
                found[token.word.lower(), answer] = repaired + done, broken + was_done
    by_word: dict[str, list[tuple[int, int]]] = {}
    for (word, _), change in found.items():
        by_word.setdefault(word, []).append(change)
    return by_word


def _speak_of_content(ranks: PairedRanks, *, repairs: bool) -> ShiftFinding | None:
    def is_content(token: MarkedToken) -> bool:
        return token.kind is TokenKind.CONTENT

    changes = ranks.changes(is_content)
    better, worse = _votes(changes, repairs=repairs)
    if not better or sign_test(better, worse) > SIGNIFICANT:
        return None
    repaired, broken = (sum(change[side] for change in changes) for side in (0, 1))
    return ShiftFinding(
        kind=FindingKind.REPAIRED if repairs else FindingKind.BROKEN,
        trait="content",
        sentence=f"is {'nearer to' if repairs else 'further from'} the aligned model's content in {better} answers and "
        f"{'further' if repairs else 'nearer'} in {worse} ({repaired} content tokens repaired, {broken} broken)",
        numbers={"repaired": repaired, "broken": broken, "answers_for": better, "answers_against": worse},
        examples=_changed(ranks, is_content, repairs=repairs),
    )


def _votes(changes: Sequence[tuple[int, int]], *, repairs: bool) -> tuple[int, int]:
    """In how many answers more is repaired than broken, and less; the other way round unless `repairs`."""
    up, down = (sum(r > b for r, b in changes), sum(r < b for r, b in changes))
    return (up, down) if repairs else (down, up)


def _changed(
    ranks: PairedRanks, choose: Callable[[MarkedToken], bool], *, repairs: bool
) -> tuple[ExamplePosition, ...]:
    """The first such positions, one of an answer."""
    found = []
    for answer, tokens in enumerate(ranks.marked):
        for place, token in enumerate(tokens):
            turned = ranks.is_done(answer, place), ranks.was_done(answer, place)
            if choose(token) and ranks.is_known(answer, place) and turned == (repairs, not repairs):
                found.append(ranks.example(answer, place))
                break
    return tuple(found[:EXAMPLES])
