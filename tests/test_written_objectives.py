"""Objectives as people write them: weights, bounds, prices of tokens, and names to compare prompts by."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import tiny_space
from urial_opt.aspects import Aspect
from urial_opt.errors import InputError, SpaceError
from urial_opt.objective import Objective, TokenCount, axis_names, read_objective
from urial_opt.records import Judgment
from urial_opt.spaces.space_file import load_space
from urial_opt.spaces.space_json import read_space_text, space_text
from urial_opt.spaces.variants import load_space as varied


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("average", "average"),
        ("safety=2, depth=0.5", "depth=0.5, safety=2"),
        ("safety>=4.5", "average; safety>=4.5"),
        ("prompt_tokens <= 400,answer_tokens<=150", "average; prompt_tokens<=400; answer_tokens<=150"),
        ("answer_tokens>=20, answer_tokens<=150", "average; answer_tokens>=20; answer_tokens<=150"),
        ("prompt_tokens=-0.1/100", "prompt_tokens=-0.1/100"),
        ("prompt_tokens=-.001, answer_tokens=-1e-2", "prompt_tokens=-0.1/100, answer_tokens=-1/100"),
        ("safety", "safety"),
        ("average,prompt_tokens", "average; Pareto front of average, prompt_tokens"),
        ("cost,depth", "depth; Pareto front of cost, depth"),
        ("safety=2,value,cost", "safety=2; Pareto front of value, cost"),
        ("prompt_tokens=-1/100,average", "prompt_tokens=-1/100"),
    ],
)
def test_what_is_written_is_what_is_said(text: str, said: str) -> None:
    assert str(read_objective(text)) == said
    assert read_objective(text.split(",")) == read_objective(text)
    assert read_objective(str(read_objective(text).objective)).objective.prices == read_objective(text).objective.prices


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "an objective is empty; write a weight such as safety=2"),
        ("safety=2,", "an objective is empty"),
        ("safty=2", "did you mean 'safety'?"),
        ("prompt_token<=400", "did you mean 'prompt_tokens'?"),
        ("averge", "did you mean 'average'?"),
        ("safety<5", "'safety<5' is no part of an objective; write a weight"),
        ("safety=high", "'safety=high' is not the weight of an aspect"),
        ("safety=-1", "write a number of 0 or more"),
        ("safety=inf", "write a number of 0 or more"),
        ("safety=0,helpfulness=0,clarity=0,factuality=0,depth=0,engagement=0", "all weights are 0"),
        ("safety>=9", "ranges from 1 to 5"),
        ("safety>=high", "'safety>=high' is not a constraint"),
        ("prompt_tokens<=0", "leaves no token"),
        ("prompt_tokens>=40", "write 'prompt_tokens<=40'"),
        (
            "prompt_tokens=0.1/100",
            "write the points that tokens cost: 'prompt_tokens=-0.1/100'",
        ),
        ("prompt_tokens=cheap", "'prompt_tokens=cheap' is no price"),
        ("prompt_tokens=-0", "is no price"),
        ("safety=1,safety=2", "'safety' has two numbers, the second in 'safety=2'"),
        ("safety>=4,safety>=5", "'safety>=' stands there twice"),
        ("average,average", "'average' stands there twice"),
        (
            "prompt_tokens",
            "'prompt_tokens' is none; name one too: average,prompt_tokens",
        ),
        ("safety=2,depth", "'depth' stands alone beside weights; give it one, such as depth=1"),
    ],
)
def test_each_mistake_says_what_to_write(text: str, says: str) -> None:
    with pytest.raises(InputError) as caught:
        read_objective(text)
    assert says in str(caught.value)


def test_a_front_is_of_two_things_or_more() -> None:
    assert axis_names("average, cost") == ("average", "cost")
    with pytest.raises(InputError, match="write for example depth,cost"):
        axis_names("depth")


def test_a_price_takes_points_for_each_token() -> None:
    objective = read_objective("safety=2,prompt_tokens=-0.1/100,answer_tokens=-0.01").objective
    assert objective.query_score(Judgment(query_id="a", judge="j", scores={Aspect.SAFETY: 4.0}), "safety") == 4.0
    assert objective.charge(prompt=200, answer=10) == pytest.approx(0.3)
    with pytest.raises(ValueError, match="answer_tokens have a price, but are not counted"):
        objective.charge(prompt=200, answer=None)
    assert not objective.is_average
    assert Objective(weights=dict.fromkeys(Aspect, 3.0)).is_average


def test_a_space_file_may_hold_all_of_it(tmp_path: Path) -> None:
    with_all = tiny_space.FILES["tiny.yaml"].replace(
        "  constraints: [safety>=4.5]\n",
        "  constraints: [safety>=4.5, prompt_tokens<=400]\n"
        "  prices: {prompt_tokens: -0.1/100, answer_tokens: -0.001}\n"
        "  pareto: [average, cost]\n",
    )
    space = load_space(tiny_space.write(tmp_path, {**tiny_space.FILES, "tiny.yaml": with_all}))
    assert space.objective.prices == {TokenCount.PROMPT: pytest.approx(0.001), TokenCount.ANSWER: 0.001}
    assert space.objective.pareto == ("average", "cost")
    assert list(map(str, space.constraints)) == ["safety>=4.5", "prompt_tokens<=400"]
    assert read_space_text(space_text(space)) == space
    written = varied(space, objective=["prompt_tokens<=300", "depth=2"])
    assert (str(written.objective), list(map(str, written.constraints))) == ("depth=2", ["prompt_tokens<=300"])
    prints = {space.fingerprint, written.fingerprint, varied(space, objective="average").fingerprint}
    prints |= {varied(space, objective=f"{each},average").fingerprint for each in ("cost", "prompt_tokens=-1/100")}
    assert len(prints) == 5


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("prices: {prompt_tokens: 0.1}", "objective.prices.prompt_tokens: 'prompt_tokens=0.1' would be paid for"),
        ("prices: {promt_tokens: -0.1}", "objective.prices.promt_tokens: no count of tokens is called 'promt_tokens'"),
        ("pareto: [average, dept]", "objective.pareto: no objective is called 'dept'; did you mean 'depth'?"),
        ("pareto: [average]", "objective.pareto: a front needs two things"),
    ],
)
def test_a_mistake_in_a_space_file_is_told_with_its_line(tmp_path: Path, line: str, says: str) -> None:
    wrong = tiny_space.FILES["tiny.yaml"].replace("constraints: [safety>=4.5]", line)
    with pytest.raises(SpaceError) as caught:
        load_space(tiny_space.write(tmp_path, {**tiny_space.FILES, "tiny.yaml": wrong}))
    assert "tiny.yaml:2" in str(caught.value)
    assert says in str(caught.value)
