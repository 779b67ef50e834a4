"""What the file of the token-shift page holds, and that it loads and runs nothing but its own style and script."""

from __future__ import annotations

import json
import re
from base64 import b64decode, b64encode
from collections.abc import Mapping
from hashlib import sha256
from typing import Any
from zlib import decompress

import numpy as np

from tests.made_up_reading import reading
from tests.made_up_scores import behind_a_server
from tests.shift_pages import HOSTILE, written
from urial_opt.report.shift_page_data import LISTED, page_data
from urial_opt.shift.figures import Compat
from urial_opt.shift.marking import kinds_of
from urial_opt.shift.summary import summarise_shift


def test_the_policy_allows_the_page_itself_alone() -> None:
    page = written(reading())
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page)
    assert policy is not None
    rules = dict(rule.strip().split(" ", 1) for rule in policy[1].split(";"))
    assert rules.pop("default-src") == rules.pop("base-uri") == rules.pop("form-action") == "'none'"
    for name, tag in (("style-src", "style"), ("script-src", 'script type="module"')):
        (inside,) = re.findall(rf"<{tag}>(.*?)</", page, re.DOTALL)
        assert rules.pop(name) == f"'sha256-{b64encode(sha256(inside.encode()).digest()).decode()}'"
    assert rules == {}
    assert re.findall(r"(?:src|href)=[\"'](?!#)", page) == []


def test_the_data_is_ascii_and_ends_no_script() -> None:
    page = written(reading([(HOSTILE, HOSTILE)], base=HOSTILE))
    (inside,) = re.findall(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    assert inside.isascii()
    assert not set("<>&") & set(inside)
    assert json.loads(inside)["base"] == HOSTILE


def test_the_data_says_what_the_reading_says() -> None:
    shown = reading()
    data: Mapping[str, Any] = page_data(shown, summarise_shift(shown, resamples=50))
    for place, (answer, kept) in enumerate(zip(shown.answers, data["answers"], strict=True)):
        inside = json.loads(decompress(b64decode(kept["packed"])))
        assert "".join(data["texts"][piece] for piece in kept["pieces"]) == answer.text
        assert [data["kinds"][kind] for kind in kept["kinds"]] == list(kinds_of(answer))
        for ranks, under, scores in zip(kept["ranks"], inside["under"], shown.contexts.values(), strict=True):
            assert ranks == scores[place].rank.tolist()
            known = np.array(under["kl"], dtype=np.float64)
            np.testing.assert_allclose(known, scores[place].kl_base_aligned, rtol=0.006, atol=1e-5)
            texts = [[data["texts"][token] for token in row] for row in under["tokens"]]
            assert texts == [[shown.texts[i] for i in row] for row in scores[place].top.ids[:, :LISTED].tolist()]


def test_divergences_as_the_public_code_has_them_are_no_bounds() -> None:
    shown = behind_a_server(reading(contexts=("zero-shot",)), less=0)
    compats: list[tuple[Compat | None, bool]] = [(None, True), ("aligntds", False)]
    for compat, least in compats:
        data: Any = page_data(shown, summarise_shift(shown, compat=compat, resamples=50))
        assert [context["least"] for context in data["contexts"]] == [least]
        assert data["least"]


def test_a_position_takes_less_than_a_hundred_bytes_for_each_context() -> None:
    question = "Tell me about penguins"
    answers = [(f"{question} {number}", " ".join(["and they swim far out"] * 60)) for number in range(4)]
    shown = reading(answers, ("a", "b", "c", "d"), words=[f" word{number}" for number in range(5000)])
    empty = len(written(reading([], ("a",))))
    positions = sum(scores.rank.size for each in shown.contexts.values() for scores in each)
    texts = len(json.dumps(shown.texts))
    assert (len(written(shown)) - empty - texts) / positions < 100
