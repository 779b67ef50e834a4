"""A real language model on this machine: what is written, measured and found is what plain transformers computes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedModel, PreTrainedTokenizerBase

from tests.command_line import Run
from tests.real_models import END_OF_TURN, FOLDER, ON_SMOLLM2, TOKENS
from tests.scripted_judge import Model, by_length
from urial_opt.models.local.generator import TransformersChatGenerator, TransformersGenerator
from urial_opt.nano.json_server import listening
from urial_opt.prompt import UrialPrompt
from urial_opt.records import Sampling
from urial_opt.spaces.space import SearchSpace

pytestmark = ON_SMOLLM2
pytest_plugins = ["tests.real_model_fixtures"]

MODELS = ("--base", f"hf:{FOLDER}", "--aligned", f"hf-chat:{FOLDER}")
QUERIES = [
    "What is the capital of France?",
    "Count from 1 to 5.",
    "Give me the year 1789 in words, and the number 3.14159.",
    "Schreib „größer“ auf Deutsch: 東京 🌊",
]


@pytest.fixture(scope="module")
def judged() -> Iterator[tuple[str, ...]]:
    """Options for a judge behind a server, which counts words."""
    with listening(Model(by_length)) as url:
        yield ("--judge", "llm:wise", "--judge-url", url)


@cache
def _plain() -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """The model as anybody loads it, in a copy of its own."""
    model = AutoModelForCausalLM.from_pretrained(FOLDER, dtype=torch.float32)
    return model.train(mode=False), AutoTokenizer.from_pretrained(FOLDER)


def _generated(ids: list[int], *, tokens: int = TOKENS, penalty: float = 1.0) -> list[int]:
    model, _ = _plain()
    prompt = torch.tensor([ids])
    written = model.generate(  # type: ignore[operator]
        prompt,
        attention_mask=torch.ones_like(prompt),
        max_new_tokens=tokens,
        do_sample=False,
        repetition_penalty=penalty,
    )
    new: list[int] = written[0, len(ids) :].tolist()
    return new


def _chat(query: str) -> list[int]:
    _, tokenizer = _plain()
    text = tokenizer.apply_chat_template(
        [{"role": "user", "content": query}], tokenize=False, add_generation_prompt=True
    )
    ids: list[int] = tokenizer(text, add_special_tokens=False)["input_ids"]
    return ids


@pytest.mark.parametrize("penalty", [1.0, 1.1])
def test_a_prompt_is_continued_as_generate_does(
    base: TransformersGenerator, space: SearchSpace, penalty: float
) -> None:
    prompt = space.hand_written.prompt
    suffixes = [prompt.suffix(query) for query in QUERIES]
    written = base.generate(prompt.prefix, suffixes, Sampling(max_tokens=TOKENS, stop=(), repetition_penalty=penalty))
    _, tokenizer = _plain()
    for query, completion in zip(QUERIES, written, strict=True):
        ids = tokenizer(prompt.render(query))["input_ids"]
        expected = tokenizer.decode(_generated(ids, penalty=penalty), skip_special_tokens=True)
        # An answer may end before the tokens do: at the end of the text, or where its fence is closed.
        assert expected == completion.text if completion.finish_reason == "length" else completion.text in expected
    assert sum(completion.usage.completion_tokens for completion in written) > TOKENS
    assert written[1].usage.saved_tokens > 100, "the prefix was read again"


def test_a_query_is_answered_as_generate_does(aligned: TransformersChatGenerator) -> None:
    answers = aligned.answer(QUERIES, Sampling(max_tokens=TOKENS, stop=()))
    _, tokenizer = _plain()
    for query, answer in zip(QUERIES, answers, strict=True):
        expected = _generated(_chat(query))
        assert answer.text == tokenizer.decode(expected, skip_special_tokens=True)
        assert (answer.finish_reason == "stop") == (expected[-1] == END_OF_TURN)
    assert "Paris" in answers[0].text
    assert {each.finish_reason for each in answers} == {"stop", "length"}


def test_both_roles_hold_one_model(base: TransformersGenerator, aligned: TransformersChatGenerator) -> None:
    assert base.model is aligned.generator.model
    assert base.how == "shared prefix"


def test_shift_is_what_plain_transformers_computes(space: SearchSpace, space_file: str, run: Run) -> None:
    words = ("shift", "--space", space_file, *MODELS, "--prompt", "zero-shot", "--prompt", "hand-written", "--json")
    found: dict[str, Any] = json.loads(run(*words)[0])["contexts"]
    queries = [query.text for query in space.queries.split("validation")]
    answers = []
    for query in queries:
        tokens = _generated(_chat(query))
        answers.append(tokens[:-1] if tokens[-1] == END_OF_TURN else tokens)
    for name, context in (("zero-shot", space.zero_shot), ("hand-written", space.hand_written)):
        plain = [_read(context.prompt, query, answer) for query, answer in zip(queries, answers, strict=True)]
        ranks = torch.cat([rank for rank, _ in plain])
        assert found[name]["positions"] == len(ranks) == sum(map(len, answers))
        shares = {"unshifted": ranks == 1, "marginal": (ranks > 1) & (ranks <= 3), "shifted": ranks > 3}
        for share, of in shares.items():
            assert found[name][share]["mean"] == pytest.approx(of.double().mean().item(), abs=1e-6)
        kl = torch.cat([kl for _, kl in plain]).mean().item()
        assert found[name]["kl_aligned_base"]["mean"] == pytest.approx(kl, rel=1e-3)
    assert found["zero-shot"]["shifted"]["mean"] != found["hand-written"]["shifted"]["mean"]


def _read(prompt: UrialPrompt, query: str, answer: list[int]) -> tuple[torch.Tensor, torch.Tensor]:
    """The ranks of an answer's tokens after a prompt, and KL(aligned || base) at each."""
    model, tokenizer = _plain()
    tokens = torch.tensor(answer)

    def logits(before: list[int]) -> torch.Tensor:
        with torch.inference_mode():
            read: torch.Tensor = model(torch.tensor([[*before, *answer]])).logits[0, len(before) - 1 : -1]
        return read.double().log_softmax(-1)

    base, aligned = logits(tokenizer(prompt.render(query))["input_ids"]), logits(_chat(query))
    ranks = 1 + (base > base.gather(1, tokens[:, None])).sum(1)
    return ranks, (aligned.exp() * (aligned - base)).sum(1)


def test_a_search_of_two_trials_is_found_exported_and_measured_again_for_nothing(
    space_file: str, judged: tuple[str, ...], run: Run, tmp_path: Path
) -> None:
    words = ("search", "--space", space_file, *MODELS, *judged, "--budget", 2, "--name", "real", "--json")
    found = json.loads(run(*words)[0])
    assert found["trials"]["total"] == 2
    assert found["aligned"]["queries"] == found["found"]["queries"] == 2
    assert found["aligned"]["average"] > 1
    assert found["shift"]["queries"] == 2
    assert json.loads(run(*words)[0])["found"] == found["found"], "the same command prints the same result"
    run("export", "real", "--format", "json", "--output", "found.json")
    exported = json.loads(Path("found.json").read_text())
    assert exported["system"] or exported["exemplars"]
    again = ("evaluate", "--space", space_file, "--prompt", "found.json", *MODELS[:2], *judged, "--split", "test")
    measured = json.loads(run(*again, "--json")[0])
    assert measured["average"] == found["found"]["average"]
    assert {spent["calls"] for spent in measured["spending"].values()} == {0}


def test_evaluate_compares_prompts(space_file: str, judged: tuple[str, ...], run: Run) -> None:
    means = {}
    for prompt in ("zero-shot", "hand-written"):
        words = ("evaluate", "--space", space_file, "--prompt", prompt, *MODELS[:2], *judged, "--split", "all")
        measured = json.loads(run(*words, "--json")[0])
        assert measured["queries"] == 6
        assert measured["spending"]["base"]["completion"] > 6
        means[prompt] = measured["average"]
    assert all(1 < mean <= 5 for mean in means.values())
