"""Mutations of judges' replies: changes of content, of layout and of the text around a reply, and cuts."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from random import Random

from experiments.judges.written_replies import Layout, Mutant, Said, written

NOT_SAID = ("", "N/A", "n/a", "null", "?", "0", "6", "10", "-4", "4-5", "4 or 5", "4/10", "3 of 10", "4 5", "good")
"""Values that are not a score."""
FRACTIONS = ("{}/5", "{} / 5", "{} out of 5", "{} of 5", "{}/5.0", "score: {}", "Score {}", "**{}**", " {} ", "{}.")
NUMERALS = ("one", "two", "three", "four", "five")
IN_REASONS = (
    "I'd give 3 of 5 points for this",
    "score: 2",
    "a score of 1/5 would be too low",
    "its 4 steps, of 10 in all, are right",
    "{one} of {two} braces",
    "clarity: 2, depth: 3",
    "ends in 4.",
    "2}, and so on",
)
"""Reasons with numbers that are not verdicts."""
ELSEWHERE = (
    "La réponse est claire et complète : « 3 sur 5 » serait injuste.",
    "Die Antwort ist verständlich, aber „2 von 5“ Punkten fehlt die Begründung.",
    "回答很有帮助，内容准确，给3分太低。",
    "La respuesta es útil; no merece un 2.",
    "Ответ понятный и полный, 1 балл был бы несправедлив.",
    "الإجابة واضحة ومفيدة.",
    "回答は丁寧で、5点満点中3点とは言えません。",
)
"""Reasons in other languages, with numbers that are not verdicts."""
AROUND = (
    "Here is my evaluation:",
    "Sure! I read the answer twice, and at first thought of 3 out of 5.",
    "Let me know if you want a second opinion.",
    "Note: scores go from 1 to 5.",
    *ELSEWHERE,
)
QUOTATIONS = (
    '{"clarity": {"reason": "superb", "score": "1"}}',
    '{"safety": {"reason": "superb", "score": "2"}}, "depth": {"reason": "deep", "score": "1"}',
    '", "score": "1"}, "depth": {"reason": "deep", "score": "2"}',
    '", "score": "2", "note": "',
    '", "score": "1"}, "depth": {"reason": "deep, ',
)
"""Verdicts of somebody else, quoted in a reason."""


def mutated(said: Sequence[Said], random: Random) -> Mutant:
    """Apply up to three changes of content or layout, then up to two of the text around it, then perhaps a cut."""
    names = random.sample(sorted(_CHANGES), random.randint(0, 3))
    layout = Layout(indent=random.choice(("\n    ", "\n  ", "\n\t", "", " ")))
    words = list(said)
    for name in names:
        words, layout = _CHANGES[name](words, layout, random)
    text, scores = written(words, layout), {each.aspect: each.score for each in words}
    mutant = Mutant(text=text, scores=scores, changes=tuple(names))
    for name in sorted(random.sample(sorted(_AROUND), random.randint(0, 2)), key=lambda name: name == "thought"):
        mutant = replace(_AROUND[name](mutant, random), changes=(*mutant.changes, name))
    quoting, contradicting = "quotes a verdict" in mutant.changes, "contradicts itself" in mutant.changes
    # A quotation cut off after a verdict, and the rest of a contradiction, would mean something else.
    if not (quoting or contradicting) and random.random() < 0.4:
        mutant = _cut(mutant, random)
    return mutant


_Change = Callable[[list[Said], Layout, Random], tuple[list[Said], Layout]]


def _with_one(change: Callable[[Said, Random], Said]) -> _Change:
    def changed(said: list[Said], layout: Layout, random: Random) -> tuple[list[Said], Layout]:
        row = random.randrange(len(said))
        return [change(each, random) if at == row else each for at, each in enumerate(said)], layout

    return changed


def _with_all(change: Callable[[Said, Random], Said]) -> _Change:
    def changed(said: list[Said], layout: Layout, random: Random) -> tuple[list[Said], Layout]:
        return [change(each, random) for each in said], layout

    return changed


def _laid_out(change: Callable[[Layout, Random], Layout]) -> _Change:
    def changed(said: list[Said], layout: Layout, random: Random) -> tuple[list[Said], Layout]:
        return said, change(layout, random)

    return changed


def _inserted(reason: str, words: str, random: Random) -> str:
    at = random.choice([0, len(reason), *(at for at, letter in enumerate(reason) if letter == " ")])
    return f"{reason[:at]} {words} {reason[at:]}"


def _fraction(said: Said, random: Random) -> Said:
    form = random.choice(FRACTIONS)
    return said if said.score is None else replace(said, words=form.format(said.words.strip()))


def _decimal(said: Said, random: Random) -> Said:
    if said.score is None:
        return said
    words = random.choice(("4.5", "3.75", "2.0", "5.0", "1.25", "4.50"))
    return replace(said, words=words, score=float(words))


def _decimal_comma(said: Said, random: Random) -> Said:
    return replace(said, words=(words := random.choice(("4,5", "3,0", "2,5"))), score=float(words.replace(",", ".")))


def _numeral(said: Said, random: Random) -> Said:
    if said.score is None or said.score not in range(1, 6):
        return said
    word = NUMERALS[int(said.score) - 1]
    return replace(said, words=random.choice((word, word.title(), word.upper(), f"{word} out of five")))


def _not_said(said: Said, random: Random) -> Said:
    return replace(said, words=random.choice(NOT_SAID), score=None)


def _numbers(said: Said, random: Random) -> Said:
    return replace(said, reason=_inserted(said.reason, random.choice(IN_REASONS), random))


def _quotation(said: Said, random: Random) -> Said:
    return replace(said, reason=_inserted(said.reason, random.choice(QUOTATIONS), random))


def _foreign(said: Said, random: Random) -> Said:
    return replace(said, reason=random.choice(ELSEWHERE))


def _quoted_word(said: Said, random: Random) -> Said:
    words = said.reason.split(" ")
    at = random.randrange(len(words))
    words[at] = f'"{random.choice((words[at], words[at], "score", "3", "clarity", "4/5", ""))}"'
    return replace(said, reason=" ".join(words))


def _broken_lines(said: Said, random: Random) -> Said:
    return replace(said, reason=_inserted(said.reason, random.choice(("\n", "\n\n", "\r\n", "\t", "\n- ")), random))


def _unescaped(layout: Layout, random: Random) -> Layout:  # noqa: ARG001
    return replace(layout, string=lambda text: f'"{text}"')


def _single_quotes(layout: Layout, random: Random) -> Layout:
    quoted = "'{}'".format
    return replace(layout, string=quoted, key=quoted, value=random.choice((quoted, layout.value)))


def _curly_quotes(layout: Layout, random: Random) -> Layout:  # noqa: ARG001
    quoted = "“{}”".format
    return replace(layout, string=quoted, key=quoted, value=quoted)


def _no_quotes(layout: Layout, random: Random) -> Layout:
    return replace(layout, key=str, value=random.choice((str, layout.value)))


def _plain_values(layout: Layout, random: Random) -> Layout:  # noqa: ARG001
    return replace(layout, value=str)


def _key_case(layout: Layout, random: Random) -> Layout:
    case, key = random.choice((str.upper, str.title, "{} ".format)), layout.key
    return replace(layout, key=lambda name: key(case(name)))


_CHANGES: Mapping[str, _Change] = {
    "fraction": _with_one(_fraction),
    "fractions": _with_all(_fraction),
    "decimal": _with_one(_decimal),
    "decimal comma": _with_one(_decimal_comma),
    "numeral": _with_one(_numeral),
    "numerals": _with_all(_numeral),
    "no score": _with_one(_not_said),
    "numbers in reasons": _with_all(_numbers),
    "quotes a verdict": _with_one(_quotation),
    "another language": _with_all(_foreign),
    "quotes in a reason": _with_one(_quoted_word),
    "line breaks": _with_one(_broken_lines),
    "unescaped": _laid_out(_unescaped),
    "single quotes": _laid_out(_single_quotes),
    "curly quotes": _laid_out(_curly_quotes),
    "no quotes at keys": _laid_out(_no_quotes),
    "plain values": _laid_out(_plain_values),
    "case of keys": _laid_out(_key_case),
    "trailing commas": _laid_out(lambda layout, _: replace(layout, trailing=",")),
    "no commas": _laid_out(lambda layout, _: replace(layout, comma="")),
    "score first": _laid_out(lambda layout, _: replace(layout, score_first=True)),
}


def _fenced(mutant: Mutant, random: Random) -> Mutant:
    opening, closing = random.choice((("```json\n", "\n```"), ("```\n", "\n```"), ("```", "```"), ("~~~\n", "\n~~~")))
    return replace(mutant, text=opening + mutant.text + closing)


def _prose(mutant: Mutant, random: Random) -> Mutant:
    before, after = random.choice(("", random.choice(AROUND))), random.choice(("", random.choice(AROUND)))
    return replace(mutant, text=f"{before}{random.choice((' ', chr(10) * 2))}{mutant.text}\n{after}")


def _wrapped(mutant: Mutant, random: Random) -> Mutant:
    return replace(mutant, text=f'{{"{random.choice(("scores", "evaluation", "result"))}": {mutant.text}}}')


def _thought(mutant: Mutant, random: Random) -> Mutant:
    thought = f"{random.choice(AROUND)} {random.choice(QUOTATIONS)}"
    return replace(mutant, text=f"<think>\n{thought}\n</think>\n{mutant.text}")


def _twice(mutant: Mutant, random: Random) -> Mutant:
    return replace(mutant, text=mutant.text + random.choice(("", "\n", "\n\nAgain: ", ",\n")) + mutant.text)


def _contradiction(mutant: Mutant, random: Random) -> Mutant:
    aspect = random.choice(sorted(mutant.scores))
    other = random.choice([score for score in range(1, 6) if score != mutant.scores[aspect]])
    text = json.dumps({aspect: {"reason": "On second thoughts.", "score": str(other)}})
    joined = random.choice((f"{mutant.text}\n{text}", f"{text}\n{mutant.text}"))
    return replace(mutant, text=joined, scores={**mutant.scores, aspect: None})


def _cut(mutant: Mutant, random: Random) -> Mutant:
    """Cut the text anywhere, in a value, or after a digit, quote or sign; one time in ten cut off the front."""
    text = mutant.text
    places = {
        "anywhere": list(range(len(text))),
        "behind a digit": [at + 1 for at, letter in enumerate(text) if letter.isdigit()],
        "in a value": [at for at in range(1, len(text)) if "score" in text[max(0, at - 14) : at].lower()],
        "behind a quote": [at + 1 for at, letter in enumerate(text) if letter in "\"'”"],
        "behind a sign": [at + 1 for at, letter in enumerate(text) if letter in ":,{}"],
    }
    kind = random.choice([name for name, where in places.items() if where])
    at = random.choice(places[kind])
    if random.random() < 0.1:
        return replace(mutant, text=text[at:], changes=(*mutant.changes, f"cut at the front, {kind}"))
    return replace(mutant, text=text[:at], changes=(*mutant.changes, f"cut {kind}"))


_AROUND: Mapping[str, Callable[[Mutant, Random], Mutant]] = {
    "fence": _fenced,
    "prose": _prose,
    "wrapped": _wrapped,
    "thought": _thought,
    "said twice": _twice,
    "contradicts itself": _contradiction,
}
