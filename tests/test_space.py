"""Search spaces: their candidates, and their parameters in Optuna."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import optuna
import pytest
from optuna.distributions import CategoricalDistribution, IntDistribution

from tests.tiny_space import FILES, write
from urial_opt.aspects import Aspect
from urial_opt.errors import InputError, UnknownNameError
from urial_opt.objective import Constraint
from urial_opt.prompt import Exemplar, UrialPrompt
from urial_opt.records import Candidate
from urial_opt.spaces.space import SearchSpace
from urial_opt.spaces.space_file import load_space
from urial_opt.spaces.variants import decoding_by, grown, starting_from


@pytest.fixture
def space(tmp_path: Path) -> SearchSpace:
    return load_space(write(tmp_path, FILES))


def queries_of(candidate: Candidate) -> list[str]:
    return [exemplar.query for exemplar in candidate.prompt.exemplars]


def test_the_yardsticks(space: SearchSpace) -> None:
    assert space.hand_written.prompt.system == "# Instruction\n\nBe kind.\n"
    assert [exemplar.style for exemplar in space.hand_written.prompt.exemplars] == ["warm"] * 3
    assert space.hand_written.sampling.repetition_penalty == 1.1
    assert space.hand_written.sampling.max_tokens == 64
    assert space.plain_icl.prompt.system == ""
    assert queries_of(space.plain_icl) == ["How do I make tea?", "What is the moon?"]
    assert space.zero_shot.prompt.prefix == ""
    assert space.zero_shot.sampling == space.plain_icl.sampling == space.hand_written.sampling


def test_one_decoding_for_all_prompts(space: SearchSpace) -> None:
    fixed = decoding_by(space, {"repetition_penalty": 1.0, "max_tokens": 16.0})
    assert fixed.fingerprint != space.fingerprint
    for candidate in (fixed.hand_written, fixed.zero_shot, fixed.candidate(fixed.start_params)):
        assert (candidate.sampling.repetition_penalty, candidate.sampling.max_tokens) == (1.0, 16)
        assert candidate.params.keys().isdisjoint({"repetition_penalty", "max_tokens"})
    assert isinstance(fixed.hand_written.sampling.max_tokens, int)
    trial = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0)).ask()
    fixed.suggest(trial)
    assert "repetition_penalty" not in trial.params
    assert decoding_by(space, {}) == space


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("penalty", 1.0, "no decoding parameter is called 'penalty'"),
        ("repetition_penalty", 0.0, "repetition_penalty cannot be 0; give another number"),
        ("temperature", -0.1, "temperature cannot be -0.1"),
        ("temperature", float("nan"), "temperature cannot be nan"),
        ("temperature", float("inf"), "temperature cannot be inf"),
        ("max_tokens", 1.5, "max_tokens cannot be 1.5"),
    ],
)
def test_a_decoding_that_cannot_be(space: SearchSpace, name: str, value: float, says: str) -> None:
    with pytest.raises(InputError, match=says):
        decoding_by(space, {name: value})


def test_a_composed_system_prompt_is_head_chosen_clauses_and_tail(space: SearchSpace) -> None:
    params = space.params_of(system="composed", clauses=["refuse"], exemplars=[])
    assert params["clause_facts"] is False
    assert space.candidate(params).prompt.system == "# Instruction\n\nYou answer queries. Refuse harm. Begin.\n"


def test_params_reproduce_the_candidate(space: SearchSpace) -> None:
    for candidate in (space.hand_written, space.plain_icl, space.zero_shot):
        assert space.candidate(candidate.params) == candidate
    trial = optuna.trial.FixedTrial({**space.hand_written.params})
    assert space.suggest(trial) == space.hand_written


def test_a_second_answer_to_the_same_query_is_left_out(space: SearchSpace) -> None:
    params = space.params_of(system="none", exemplars=["tea/warm", "moon/bare", "tea/bare"])
    assert space.exemplar_keys(params) == ("tea/warm", "moon/bare")
    assert [e.answer for e in space.candidate(params).prompt.exemplars] == [
        "Gladly! Boil water, steep, enjoy.",
        "A rock.",
    ]


def test_optuna_is_asked_only_for_what_matters(space: SearchSpace) -> None:
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    seen = set()
    for _ in range(80):
        trial = study.ask()
        candidate = space.suggest(trial)
        assert candidate.params == trial.params
        assert "temperature" not in trial.params
        assert ("clause_facts" in trial.params) == (trial.params["system"] == "composed")
        assert [name for name in trial.params if name.startswith("exemplar_")] == [
            f"exemplar_{slot}" for slot in range(trial.params["k"])
        ]
        assert all(space.distribution_of(name) == found for name, found in trial.distributions.items())
        assert len(set(queries_of(candidate))) == len(queries_of(candidate)) <= trial.params["k"]
        seen.add((trial.params["system"], trial.params["k"]))
        study.tell(trial, 0.0)
    assert {system for system, _ in seen} == {"none", "kind", "short", "composed"}
    assert {k for _, k in seen} == {0, 1, 2, 3}


def test_what_optuna_knows_of_each_parameter(space: SearchSpace) -> None:
    assert space.distribution_of("k") == IntDistribution(0, 3)
    assert space.distribution_of("system") == CategoricalDistribution(("none", "kind", "short", "composed"))
    assert space.distribution_of("clause_facts") == CategoricalDistribution((False, True))
    assert space.distribution_of("max_tokens") == CategoricalDistribution((64, 128))
    assert space.distribution_of("exemplar_2") == CategoricalDistribution(tuple(space.exemplars))
    for unknown in ("exemplar_3", "facts", "clause_fact", "top_p"):
        with pytest.raises(UnknownNameError, match=unknown):
            space.distribution_of(unknown)


def test_params_of_another_space_are_refused(space: SearchSpace) -> None:
    good = space.hand_written.params
    with pytest.raises(InputError, match=r"'exemplar_1'.*'moon/wrm'.*did you mean 'moon/warm'"):
        space.candidate({**good, "exemplar_1": "moon/wrm"})
    with pytest.raises(InputError, match=r"'max_tokens'.*'99'"):
        space.candidate({**good, "max_tokens": 99})
    with pytest.raises(InputError, match=r"'system'.*missing"):
        space.candidate({name: value for name, value in good.items() if name != "system"})
    with pytest.raises(InputError, match=r"'exemplar_2'.*missing"):
        space.candidate({name: value for name, value in good.items() if name != "exemplar_2"})
    with pytest.raises(InputError, match=r"'k'.*'4'"):
        space.candidate({**good, "k": 4})


def test_a_grown_pool_goes_on_in_the_same_study(space: SearchSpace) -> None:
    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=1, n_startup_trials=2))
    for _ in range(4):
        trial = study.ask()
        space.suggest(trial)
        study.tell(trial, 1.0)
    colder = Exemplar(query="How do I make tea?", answer="Ice it.", style="cold")
    larger = grown(space, exemplars={"tea/cold": colder}, systems={"cool": "# Instruction\n\nBe cool.\n"})
    assert larger.exemplar_params(2) == ("exemplar_0@1", "exemplar_1@1")
    assert larger.distribution_of("system@1") == CategoricalDistribution(("none", "kind", "short", "cool", "composed"))
    for _ in range(4):
        trial = study.ask()
        params = larger.suggest(trial).params
        assert {name.partition("@")[2] for name in params if name.startswith(("exemplar_", "system"))} == {"1"}
        study.tell(trial, 1.0)
    assert larger.candidate(space.hand_written.params) == space.hand_written
    params = larger.params_of(system="cool", exemplars=["tea/cold"])
    assert larger.candidate(params).prompt == UrialPrompt(system="# Instruction\n\nBe cool.\n", exemplars=(colder,))
    assert grown(larger, exemplars={"tea/cold": colder}) is larger
    assert larger.fingerprint != space.fingerprint


def test_only_what_grows_gets_a_new_generation(space: SearchSpace) -> None:
    larger = grown(space, systems={"cool": "Be cool.\n"})
    assert (larger.system_param, larger.exemplar_params(1)) == ("system@1", ("exemplar_0",))
    largest = grown(larger, exemplars={"tea/cold": Exemplar(query="How do I make tea?", answer="Ice it.")})
    assert (largest.system_param, largest.exemplar_params(1)) == ("system@1", ("exemplar_0@1",))


def test_a_pool_does_not_grow_over_its_own_words_nor_into_the_queries(space: SearchSpace) -> None:
    with pytest.raises(InputError, match=r"'tea/warm'.*other words"):
        grown(space, exemplars={"tea/warm": Exemplar(query="How do I make tea?", answer="Ask me later.")})
    with pytest.raises(InputError, match=r"'rain/warm'.*'v1' of the validation split"):
        grown(space, exemplars={"rain/warm": Exemplar(query="what is  rain", answer="Water.")})
    with pytest.raises(InputError, match=r"'composed' is in the space already"):
        grown(space, systems={"composed": "Be cool.\n"})


def test_a_search_can_start_from_an_imported_prompt(space: SearchSpace) -> None:
    own = Exemplar(query="What is gold?", answer="A metal.")
    known = replace(space.exemplars["moon/warm"], style="", tags=())
    others = [Exemplar(query=f"What is {word}?", answer="A thing.") for word in ("iron", "zinc")]
    prompt = UrialPrompt(system="Answer well.\n\n", exemplars=(own, known, *others))
    started = starting_from(space, prompt)
    start = started.candidate(started.start_params)
    assert start.prompt.prefix == prompt.prefix
    assert start.params["exemplar_1"] == "moon/warm"
    assert started.system_prompts["imported"] == "Answer well.\n\n"
    assert started.k_max == 4
    assert started.generation == 0
    assert started.hand_written == space.hand_written
    assert started.suggest(optuna.trial.FixedTrial({**started.start_params})) == start
    assert starting_from(space, UrialPrompt()).start_params["system"] == "none"
    with pytest.raises(InputError, match=r"'t1' of the test split"):
        starting_from(space, UrialPrompt(exemplars=(Exemplar(query="What is snow?", answer="Cold."),)))


def test_the_fingerprint_is_of_what_matters(tmp_path: Path) -> None:
    def fingerprint(name: str = "", old: str = "", new: str = "") -> str:
        files = {file: text.replace(old, new) if file == name else text for file, text in FILES.items()}
        return load_space(write(tmp_path, files)).fingerprint

    same = fingerprint()
    assert re.fullmatch("[0-9a-f]{16}", same)
    assert fingerprint("tiny.yaml", "A space for tests.", "Another word for it.") == same
    assert fingerprint("tiny.yaml", "base: nano", "base: hf:gpt2") == same
    for change in (
        ("tiny.yaml", "min: 0", "min: 1"),
        ("tiny.yaml", "[tea/warm, moon/warm, bomb/warm]", "[tea/warm]"),
        ("tiny.yaml", "[64, 128]", "[64, 256]"),
        ("tiny.yaml", "safety: 2", "safety: 3"),
        ("tiny.yaml", "safety>=4.5", "safety>=4"),
        ("tiny.yaml", "block: 4", "block: 2"),
        ("pool.jsonl", "A rock.", "A stone."),
        ("systems.yaml", "Begin.", "Go."),
        (
            "systems.yaml",
            "  facts: State facts.\n  refuse: Refuse harm.",
            "  refuse: Refuse harm.\n  facts: State facts.",
        ),
        ("queries.jsonl", "Rob a bank.", "Rob a shop."),
        ("queries.jsonl", '"split": "test"}\n{"id": "t2"', '"split": "test", "tags": ["x"]}\n{"id": "t2"'),
    ):
        assert fingerprint(*change) != same, change


def test_constraints() -> None:
    assert Constraint.read(" depth <= 3 ") == Constraint(aspect=Aspect.DEPTH, at_least=False, bound=3.0)
    assert Constraint.read("safety>=4.5").holds(4.5)
    assert not Constraint.read("safety>=4.5").holds(4.4)
    assert not Constraint.read("depth<=3").holds(3.1)
