"""`UrialOptimizer`: a stored search over demos and instructions of DSPy programs."""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import dspy  # type: ignore[import-untyped]
import pytest

from tests.dspy_programs import BARE, COUNTRIES, KIND, SYSTEM, TRAIN, Mimic, asked, compiled, exact, example, running
from urial_opt import load_search
from urial_opt.dspy import UrialAdapter, UrialEngine, UrialOptimizer
from urial_opt.dspy.demos import divide
from urial_opt.errors import AdapterError, InputError
from urial_opt.records import Completion, Sampling
from urial_opt.search.opening import Interrupted, LimitReached
from urial_opt.store import Store


def answers(program: Any, model: Mimic) -> list[str]:
    with running(UrialEngine(model), program.urial.adapter):
        return [program(query=asked(country)).answer for country in COUNTRIES]


def test_the_program_found_has_the_demos_that_the_metric_likes(path: Path) -> None:
    program = compiled(path, Mimic(), bootstrap=False)
    assert program.demos
    assert program._compiled
    assert program.urial.value("self") == 1
    assert answers(program, Mimic()) == [each.answer for each in TRAIN]
    assert program.urial.adapter.prompt(program.signature).system in (SYSTEM, "")
    assert "2 validation queries" in str(program.urial.results["self"])
    assert "2 validation queries" in str(load_search(store=path).result)


def test_instructions_are_searched_with_the_demos(path: Path) -> None:
    def kind(wanted: Any, found: Any, trace: object = None) -> bool:
        return bool(found.answer.startswith("Hi!"))

    program = compiled(path, Mimic(), metric=kind, instructions=[KIND], budget=6, bootstrap=False)
    assert program.urial.adapter.prompt(program.signature).system == KIND
    assert program.urial.value("self") == 1


def test_a_saved_program_renders_the_same_bytes(path: Path, tmp_path: Path) -> None:
    program = compiled(path, Mimic(), instructions=[KIND])
    program.save(tmp_path / "p.json")
    program.urial.adapter.save(tmp_path / "texts.json")
    loaded, adapter = dspy.Predict("query -> answer"), UrialAdapter.load(tmp_path / "texts.json")
    loaded.load(tmp_path / "p.json")
    assert adapter.format(loaded.signature, loaded.demos, {"query": "q"}) == program.urial.adapter.format(
        program.signature, program.demos, {"query": "q"}
    )
    loaded.save(tmp_path / "again.json")
    assert (tmp_path / "again.json").read_bytes() == (tmp_path / "p.json").read_bytes()


def test_the_same_call_pays_nothing_twice(path: Path) -> None:
    first, again = Mimic(), Mimic()
    programs = [compiled(path, each, instructions=[KIND]) for each in (first, again)]
    assert first.texts
    assert again.texts == []
    one, other = (json.loads(json.dumps(program.dump_state())) for program in programs)
    assert one == other


def test_an_interrupted_search_goes_on_as_if_it_had_not_been(path: Path, tmp_path: Path) -> None:
    looks, parted, whole = itertools.count(), Mimic(), Mimic()
    with pytest.raises(Interrupted):
        compiled(path, parted, instructions=[KIND], stop=lambda: next(looks) >= 4)
    paid = len(parted.texts)
    program = compiled(path, parted, instructions=[KIND])
    undisturbed = compiled(tmp_path / "other.db", whole, instructions=[KIND])
    assert 0 < paid < len(parted.texts)
    assert sorted(parted.texts) == sorted(whole.texts)
    assert program.dump_state() == undisturbed.dump_state()


def test_no_prompt_shows_a_query_that_it_is_scored_on(path: Path) -> None:
    model = Mimic()
    compiled(path, model, budget=6)
    for text in model.texts:
        before, _, query = text.rpartition("\n# Query:\n")
        assert query.partition("\n# Answer:")[0] not in before


def test_chain_of_thought_learns_from_runs_of_a_teacher(path: Path) -> None:
    teacher = dspy.ChainOfThought("query -> answer")
    teacher.predict.demos = [{**example("Chile"), "reasoning": "I know Chile."}]
    program = compiled(path, Mimic(), dspy.ChainOfThought("query -> answer"), teacher=teacher)
    assert program.urial.value("predict") == 1
    assert all(demo.reasoning.startswith("I know") for demo in program.predict.demos)
    assert program.predict.demos
    with pytest.raises(InputError, match=r"nothing to search for the predictor 'predict': .*'reasoning', 'answer'"):
        compiled(path, Mimic(), dspy.ChainOfThought("query -> answer"), adapter=UrialAdapter())


def test_labels_that_the_metric_does_not_pass_are_not_shown(path: Path) -> None:
    def no_swamp(wanted: Any, found: Any, trace: object = None) -> bool:
        return "swamp" not in found.answer and found.answer.startswith("The")

    wrong = [example(country, answer=f"The capital of {country} is a swamp.") for country in [*COUNTRIES][:6]]
    model = Mimic()
    compiled(path, model, metric=no_swamp, trainset=[*wrong, *TRAIN[6:]], valset=TRAIN[:2], pool=9, budget=8)
    assert any("The capital" in text for text in model.texts)
    assert not any("swamp" in text for text in model.texts)


def test_a_teacher_tries_without_labelled_demos_first(path: Path) -> None:
    model, looks = Mimic(), itertools.count()
    with pytest.raises(Interrupted):
        compiled(path, model, adapter=UrialAdapter(), stop=lambda: next(looks) >= 10)
    queries = [text.count("# Query:") for text in model.texts]
    assert queries[:5] == [1] * 5
    assert len(queries) == 10
    assert min(queries[5:]) > 1


def test_compiled_programs_can_be_copied_and_saved_whole(path: Path, tmp_path: Path) -> None:
    program = compiled(path, Mimic(), instructions=[KIND])
    copied = program.deepcopy()
    assert copied.urial.value("self") == program.urial.value("self")
    program.save(tmp_path / "whole", save_program=True)
    loaded = dspy.load(tmp_path / "whole", allow_pickle=True)
    assert loaded.urial.adapter.format(loaded.signature, loaded.demos, {"query": "q"}) == program.urial.adapter.format(
        program.signature, program.demos, {"query": "q"}
    )


def test_bootstrapped_demos_pass_the_metric(path: Path) -> None:
    program = compiled(path, Mimic(), trainset=BARE, metric=lambda w, f, trace=None: w.answer == f.answer)
    assert program.urial.value("self") == 1
    with Store.open(str(path)) as store:
        (search,) = store.searches()
        assert search.trials == 4


class Pair(dspy.Module):  # type: ignore[misc]
    """Answers in two steps."""

    def __init__(self) -> None:
        super().__init__()
        self.first = dspy.Predict("query -> draft")
        self.second = dspy.Predict("query, draft -> answer")

    def forward(self, query: str) -> Any:
        return self.second(query=query, draft=self.first(query=query).draft)


def test_predictors_are_searched_one_after_the_other(path: Path) -> None:
    trained = [example(country, draft=COUNTRIES[country]) for country in COUNTRIES]
    program = compiled(path, Mimic(), Pair(), trainset=trained, budget=15, name="two")
    assert [*program.urial.results] == ["first", "second"]
    assert program.urial.value("second") == 1
    with Store.open(str(path)) as store:
        assert {each.name: each.trials for each in store.searches()} == {"two/first": 8, "two/second": 7}


def test_the_search_begins_with_the_demos_that_there_are(path: Path) -> None:
    student = dspy.Predict("query -> answer")
    student.demos = [example("Chile")]
    compiled(path, Mimic(), student, name="mine", trainset=TRAIN[:-1])
    with Store.open(str(path)) as store:
        start = store.trials("mine")[0].candidate
    assert start.prompt.system == SYSTEM
    assert [exemplar.query for exemplar in start.prompt.exemplars] == [asked("Chile")]
    assert len(student.demos) == 1


@pytest.mark.parametrize("num_threads", [1, 3])
def test_models_that_fail_end_the_search_and_not_the_score(num_threads: int, path: Path) -> None:
    class Down(Mimic):
        def generate(self, prefix: str, suffixes: Sequence[str], sampling: Sampling) -> list[Completion]:
            if len(self.batches) == 12:
                raise AdapterError("the server is gone", retryable=True)
            return super().generate(prefix, suffixes, sampling)

    down = Down()
    with pytest.raises(AdapterError, match="the server is gone") as caught:
        compiled(path, down, num_threads=num_threads)
    assert caught.value.retryable
    model = Mimic()
    assert compiled(path, model, num_threads=num_threads).urial.value("self") == 1
    assert not set(model.texts) & set(down.texts)


def test_limits_hold(path: Path) -> None:
    class Dear(Mimic):
        def _answer(self, prefix: str, suffix: str) -> Completion:
            free = super()._answer(prefix, suffix)
            return Completion(text=free.text, finish_reason="stop", usage=self._continue(prefix + suffix).usage)

    model = Dear()
    with pytest.raises(LimitReached, match="max_tokens"):
        compiled(path, model, limits={"max_tokens": 600}, bootstrap=False)
    assert 0 < len(model.texts) < 12
    with pytest.raises(LimitReached, match="bootstrap"):
        compiled(path, Dear(), limits={"max_tokens": 1})


def test_programs_on_chat_models_are_searched_too(path: Path) -> None:
    lm = dspy.utils.DummyLM([{"answer": "The capital of Peru is Lima."}] * 200)
    with dspy.context(lm=lm, adapter=dspy.ChatAdapter()):
        optimizer = UrialOptimizer(exact, budget=2, store=path, bootstrap=False, num_threads=2)
        program = optimizer.compile(dspy.Predict("query -> answer"), trainset=TRAIN)
        assert 0 <= program.urial.value("self") < 1


def test_examples_are_divided_by_the_seed_and_never_overlap() -> None:
    parts = divide([*TRAIN, TRAIN[0]], None, pool=3, seed=1)
    splits = [query.split for query in parts.queries]
    assert (len(parts.demos), splits.count("dev"), splits.count("validation"), parts.repeated) == (3, 4, 3, 1)
    assert not {query.text for query in parts.queries} & set(parts.demos)
    held = divide(TRAIN, TRAIN[:2], pool=99, seed=1)
    assert (len(held.demos), len(held.queries)) == (4, 6)
    assert divide(TRAIN, None, pool=3, seed=2).demos != parts.demos


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"trainset": TRAIN[:2]}, "2 different training examples are too few"),
        ({"trainset": [dspy.Example(query="q", answer="a")] * 9}, r"add \.with_inputs\('query'\)"),
        ({"metric": None}, "no metric is given"),
    ],
)
def test_what_cannot_be_searched_is_said(settings: dict[str, Any], said: str, path: Path) -> None:
    with pytest.raises(InputError, match=said):
        compiled(path, Mimic(), **settings)


def test_without_a_model_nothing_begins(path: Path) -> None:
    with dspy.context(lm=None), pytest.raises(InputError, match="no language model is set"):
        UrialOptimizer(exact, store=path).compile(dspy.Predict("query -> answer"), trainset=TRAIN)
