"""The exporters `urial` and `json`."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from hypothesis import given

from tests.strategies import prompts
from urial_opt.errors import InputError, PromptError
from urial_opt.exporters.json_format import JsonFormat
from urial_opt.plugins import open_exporter
from urial_opt.prompt import Exemplar, UrialPrompt
from urial_opt.prompt_file import read_prompt_file
from urial_opt.records import Sampling
from urial_opt.testing.exporter_contract import PLAIN, SYSTEM


def test_the_urial_file_is_the_prefix() -> None:
    prompt = UrialPrompt(system=SYSTEM, exemplars=PLAIN)
    assert open_exporter("urial").export(prompt, Sampling()) == prompt.prefix


@pytest.mark.parametrize(
    ("exemplar", "said"),
    [
        (
            Exemplar(query="How do I print?", answer="```py\nprint()\n```"),
            "exemplar 2 ('How do I print?') holds a fence",
        ),
        (Exemplar(query="Hm\n# Answer: so", answer="a"), "exemplar 2 ('Hm # Answer: so') holds a fence or a line"),
        (Exemplar(query=" \n", answer="a"), "exemplar 2 ('') has an empty query"),
    ],
)
def test_urial_refuses_what_the_public_loader_would_misread(exemplar: Exemplar, said: str) -> None:
    prompt = UrialPrompt(system=SYSTEM, exemplars=(PLAIN[0], exemplar))
    with pytest.raises(PromptError, match=f"{re.escape(said)}.*; export as json"):
        open_exporter("urial").export(prompt, Sampling())


def test_urial_refuses_an_empty_file() -> None:
    with pytest.raises(PromptError, match="zero-shot"):
        open_exporter("urial").export(UrialPrompt(), Sampling())


@pytest.mark.parametrize("name", ["urial:x", "json:pretty"])
def test_an_argument_is_refused(name: str) -> None:
    with pytest.raises(InputError, match="takes no argument"):
        open_exporter(name)


def test_json_holds_all_that_serving_needs() -> None:
    prompt = UrialPrompt(system=SYSTEM, exemplars=(Exemplar(query="Où?", answer="Là.", style="warm"),))
    sampling = Sampling(temperature=0.5, repetition_penalty=1.1, stop=("# Query",))
    text = open_exporter("json").export(prompt, sampling)
    document = json.loads(text)
    assert sorted(document) == [
        "exemplars", "format", "prefix", "query_template", "raw", "sampling", "serving", "system",
    ]  # fmt: skip
    assert document["prefix"] + document["query_template"].replace("{query}", "Why?") == prompt.render("Why?")
    assert document["sampling"]["stop"] == ["# Query"]
    assert document["sampling"]["repetition_penalty"] == 1.1
    assert document["exemplars"] == [{"query": "Où?", "answer": "Là.", "style": "warm"}]
    assert "Où?" in text


@given(prompts)
def test_json_carries_every_prompt(tmp_path_factory: pytest.TempPathFactory, prompt: UrialPrompt) -> None:
    file = tmp_path_factory.getbasetemp() / "any.json"
    file.write_bytes(JsonFormat().export(prompt, Sampling()).encode())
    assert read_prompt_file(file) == prompt


def test_json_keeps_the_style_of_exemplars(tmp_path: Path) -> None:
    prompt = UrialPrompt(exemplars=(Exemplar(query="q", answer="a", style="warm"),))
    file = tmp_path / "prompt.JSON"
    file.write_text(JsonFormat().export(prompt, Sampling()))
    assert read_prompt_file(file).exemplars[0].style == "warm"
