"""Nothing that a command paid is lost: shift, evaluate and judge-check have accounts and limits, as searches have."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.command_line import Run
from urial_opt.nano import models
from urial_opt.nano.json_server import Refused, listening
from urial_opt.nano.server import EmbeddedModels
from urial_opt.store import Store

pytestmark = pytest.mark.usefixtures("no_key")


class Counting:
    """The embedded pair of models, which counts its replies and refuses all after `most` of them."""

    def __init__(self, *, most: int = 10**9) -> None:
        self.answered = 0
        self._most = most
        self._models = EmbeddedModels(base=models.open_base(""), aligned=models.open_aligned(""))

    def __call__(self, path: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        if path != "/v1/models":
            if self.answered >= self._most:
                raise Refused(401, "no")
            self.answered += 1
        return self._models(path, body)


def shifting(url: str, store: Path, *more: object) -> tuple[object, ...]:
    there = ("--base", "openai:nano", "--base-url", url, "--aligned", "openai-chat:nano-aligned", "--aligned-url", url)
    one_by_one = ("--base-option", "concurrency=1", "--aligned-option", "concurrency=1")
    few = ("--space", "nano", "--prompt", "zero-shot", "--sample", 3, "--max-new-tokens", 12)
    return ("shift", *there, *one_by_one, *few, "--store", store, *more)


def test_shift_has_an_account_and_pays_each_reply_once(run: Run, tmp_path: Path) -> None:
    store = tmp_path / "store.db"
    broken = Counting(most=5)
    with listening(broken) as url:
        run(*shifting(url, store), code=1)
    with Store.open(str(store)) as opened:
        assert sum(spent.requests for spent in opened.bill()["shift"].values()) == 5
    whole = Counting()
    with listening(whole) as url:
        told = json.loads(run(*shifting(url, store, "--json"))[0])
        paid = told.pop("spending")
        assert sum(each["requests"] for each in paid.values()) == whole.answered > 0
        assert all(each["calls"] == each["requests"] for each in paid.values())
        before = whole.answered
        again = json.loads(run(*shifting(url, store, "--json"))[0])
        assert whole.answered == before
        assert not any(each["requests"] for each in again.pop("spending").values())
    undisturbed = Counting()
    with listening(undisturbed) as url:
        afresh = json.loads(run(*shifting(url, tmp_path / "other.db", "--json"))[0])
    assert undisturbed.answered == 5 + whole.answered
    for each in (told, again, afresh):
        each.pop("cost", None)
    afresh.pop("spending")
    assert told == again == afresh
