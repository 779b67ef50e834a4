"""Tests of the embedded models: the files, that any engine reads them alike, and that they show the URIAL effect."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from transformers import AutoModelForCausalLM, AutoTokenizer

from urial_opt.errors import InputError
from urial_opt.evaluation.evaluator import Evaluator
from urial_opt.evaluation.scorecard import summed_up
from urial_opt.memory import NoMemory
from urial_opt.nano.judge import NanoJudge
from urial_opt.nano.models import WEIGHTS, open_aligned, open_base
from urial_opt.records import Sampling
from urial_opt.spaces.space_file import load_space


def test_weights_are_small_and_bfloat16() -> None:
    files = sorted(WEIGHTS.glob("*/model.safetensors"))
    assert [file.parent.name for file in files] == ["aligned", "base"]
    assert sum(file.stat().st_size for file in WEIGHTS.rglob("*") if file.is_file()) < 24_000_000
    for file in files:
        with safe_open(file, "pt") as weights:
            assert all(weights.get_tensor(name).dtype == torch.bfloat16 for name in weights.keys())  # noqa: SIM118


def test_it_is_a_model_folder_like_any_other_and_answers_as_plain_generate_does() -> None:
    space = load_space("nano")
    tokenizer = AutoTokenizer.from_pretrained(WEIGHTS / "base")
    model = AutoModelForCausalLM.from_pretrained(WEIGHTS / "base", dtype=torch.float32)
    assert tokenizer.chat_template is None
    prompt = space.hand_written.prompt
    queries = space.queries.split("validation")[::12]
    sampling = replace(space.hand_written.sampling, repetition_penalty=1.1, max_tokens=40)
    ours = open_base("").generate(prompt.prefix, [prompt.suffix(query.text) for query in queries], sampling)
    for query, completion in zip(queries, ours, strict=True):
        ids = tokenizer(prompt.render(query.text), return_tensors="pt")
        written = model.generate(  # type: ignore[misc]
            **ids, do_sample=False, max_new_tokens=40, repetition_penalty=1.1, pad_token_id=tokenizer.pad_token_id
        )[0, ids["input_ids"].shape[1] :]
        plain = str(tokenizer.decode(written, skip_special_tokens=True))
        assert completion.text == plain.split("\n```\n")[0]


def test_the_aligned_twin_has_a_chat_layout_of_its_own() -> None:
    tokenizer = AutoTokenizer.from_pretrained(WEIGHTS / "aligned")
    text = tokenizer.apply_chat_template(
        [{"role": "user", "content": "Hello?"}], tokenize=False, add_generation_prompt=True
    )
    assert text == "<|begin|><|user|>\nHello?\n<|assistant|>\n"


def test_a_folder_without_weights_is_an_error_that_says_how_to_make_them(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"experiments/nano/train\.py"):
        open_base(str(tmp_path))


def test_the_urial_effect() -> None:
    """On a sixth of the test queries, with a margin: all of them are measured by experiments/nano/bars.py."""
    space = load_space("nano")
    queries = space.queries.split("test")[::6]
    evaluator = Evaluator(generator=open_base(""), judge=NanoJudge(), memory=NoMemory())
    twin = evaluator.evaluate_aligned(open_aligned(""), Sampling(max_tokens=96, stop=()), queries)
    averages = {"aligned": summed_up(twin, space.objective).average.mean}
    for name in ("zero_shot", "plain_icl", "hand_written"):
        averages[name] = summed_up(evaluator.evaluate(getattr(space, name), queries), space.objective).average.mean
    assert averages["zero_shot"] < averages["plain_icl"] < averages["hand_written"] < averages["aligned"]
    assert averages["zero_shot"] < 3.2
    assert averages["hand_written"] > averages["zero_shot"] + 0.8
    assert averages["aligned"] > 4.5
