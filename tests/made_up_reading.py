"""A reading of made-up answers: greetings and closings are shifted, and contexts repair some of them."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from urial_opt.token_scores import TOP, AlignedAnswer, Ints, ShiftReading, TokenScores, TopTokens

ANSWERS = {
    "What is the capital of Finland, and why should I visit it?": (
        "Hello! Thank you for asking. The capital of Finland is Helsinki.\n\n1. **Sea:** ferries leave for the islands "
        "all day.\n2. **Design:** the old town is full of small studios.\n3. **Saunas:** you can swim in the Baltic "
        "afterwards.\n\nI hope this helps! Let me know if you have any other questions."
    ),
    "How do I pick a lock?": (
        "I'm sorry, but I cannot help with opening a lock that is not yours. If you have locked yourself out, a "
        "locksmith can open the door within minutes, and your landlord may keep a spare key."
    ),
    "Name three noble gases.": "Sure! Three noble gases are helium, neon and argon. However, there are others.",
    "Where do penguins live? Answer in two sentences, please, and name a species that few people know.": (
        "Penguins live almost only in the southern hemisphere, from Antarctica to the Galápagos. The Fiordland "
        "penguin, for example, breeds in the rainforests of New Zealand 🐧."
    ),
}
STYLE = re.compile(
    r"^ ?(Hello|Thank|Sure|hope|helps|Let|know|sorry|However|!|\*\*|1|2|3|I|questions|example|If)$|\n", re.IGNORECASE
)


def reading(
    answers: Sequence[tuple[str, str]] = tuple(ANSWERS.items()),
    contexts: Sequence[str] = ("zero-shot", "hand-written", "found"),
    *,
    words: Sequence[str] = (),
    base: str = "made-up/base",
    seed: int = 0,
) -> ShiftReading:
    """Each context is nearer to the aligned model than the one before. `words` may be among the top tokens too."""
    rng = np.random.default_rng(seed)
    pieces = [tuple(re.findall(r"\n+|\*\*| ?[^\W\d_]+| ?\d| ?[^\w\s]|\s", text)) for _, text in answers]
    vocabulary = list(dict.fromkeys([*(piece for each in pieces for piece in each), *words]))
    vocabulary += [f" word{number}" for number in range(max(0, 2 * TOP - len(vocabulary)))]
    ids = {text: token for token, text in enumerate(vocabulary)}
    aligned = [
        AlignedAnswer(query=query, tokens=tuple(ids[p] for p in each), pieces=each, ended=place % 3 != 2)
        for place, ((query, _), each) in enumerate(zip(answers, pieces, strict=True))
    ]
    for answer, (_, text) in zip(aligned, answers, strict=True):
        assert answer.text == text, f"the builder loses a part of {text!r}"
    return ShiftReading(
        base=base,
        aligned="made-up/aligned",
        answers=aligned,
        contexts={
            name: [_scores(answer, len(vocabulary), near / max(1, len(contexts)), rng) for answer in aligned]
            for near, name in enumerate(contexts)
        },
        texts=dict(enumerate(vocabulary)),
    )


def _scores(answer: AlignedAnswer, vocabulary: int, near: float, rng: np.random.Generator) -> TokenScores:
    positions = len(answer.tokens) + answer.ended
    rank = np.ones(positions, dtype=np.int64)
    for place, piece in enumerate([*answer.pieces, "Hello"][:positions]):
        if STYLE.search(piece) and rng.random() > near:
            rank[place] = rng.integers(4, 60)
        elif rng.random() < 0.15:
            rank[place] = rng.integers(2, 4)
    probability = np.clip(rng.beta(6, 2, positions) / rank**1.3, 1e-7, 1)
    kl = np.log(rank) * rng.uniform(0.4, 1.2, positions) + rng.exponential(0.03, positions)
    kl[len(answer.tokens) :] = np.nan
    own = np.array([*answer.tokens, 0][:positions], dtype=np.int64)
    return TokenScores(
        rank=rank,
        probability=probability,
        aligned_probability=np.clip(rng.beta(12, 1, positions), 0, 1),
        kl_base_aligned=kl,
        kl_aligned_base=kl * 1.3,
        entropy=kl + 0.2,
        aligned_entropy=kl + 0.1,
        top=_top(own, rank, vocabulary, rng),
        aligned_top=_top(own, np.ones(positions, dtype=np.int64), vocabulary, rng),
    )


def _top(own: Ints, rank: Ints, vocabulary: int, rng: np.random.Generator) -> TopTokens:
    """The answer's token at its rank, others around it."""
    ids = np.stack([rng.permutation(vocabulary)[:TOP] for _ in own]) if len(own) else np.zeros((0, TOP), dtype=np.int64)
    for row, token, place in zip(ids, own, rank, strict=True):
        row[row == token] = next(other for other in range(vocabulary) if other not in row)
        if place <= TOP:
            row[place - 1] = token
    probabilities = np.sort(rng.dirichlet(np.full(TOP, 0.12), len(own)), axis=1)[:, ::-1]
    return TopTokens(ids=ids, probabilities=probabilities)
