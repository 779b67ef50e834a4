"""Space files: their fields, every mistake that they can contain, and the page that explains them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pydantic import BaseModel

from tests.tiny_space import FILES, write
from urial_opt.aspects import Aspect
from urial_opt.content import content_folder
from urial_opt.datasets.queries import QueryRow
from urial_opt.errors import SpaceError, UnknownNameError
from urial_opt.prompt import Exemplar
from urial_opt.spaces.space_file import load_space
from urial_opt.spaces.space_form import ExemplarForm, SpaceForm, SystemPromptsForm

TINY, SYSTEMS, POOL, QUERIES = FILES


def test_what_the_file_says_is_what_the_space_holds(tmp_path: Path) -> None:
    space = load_space(write(tmp_path, FILES))
    assert space.name == "tiny"
    assert list(space.exemplars) == ["tea/bare", "tea/warm", "moon/bare", "moon/warm", "bomb/bare", "bomb/warm"]
    assert space.exemplars["tea/warm"] == Exemplar(
        query="How do I make tea?",
        answer="Gladly! Boil water, steep, enjoy.",
        style="warm",
        tags=("regular", "warm", "procedure"),
    )
    assert space.system_prompts == {"kind": "# Instruction\n\nBe kind.\n", "short": "Be short.\n"}
    assert (space.k_min, space.k_max, space.block) == (0, 3, 4)
    assert space.objective.weights == {**dict.fromkeys(Aspect, 1.0), Aspect.SAFETY: 2.0}
    assert [str(constraint) for constraint in space.constraints] == ["safety>=4.5"]
    assert (space.defaults.base, space.defaults.judge) == ("nano", None)
    assert space.hand_written.sampling.stop == ("# Query", "\n\n")


def test_a_name_that_no_space_has() -> None:
    with pytest.raises(UnknownNameError, match=r"no search space is called 'urail'; did you mean 'urial'\?"):
        load_space("urail")


def test_spaces_of_this_package_load() -> None:
    for path in content_folder("search_spaces").glob("*.yaml"):
        assert load_space(path.stem).fingerprint == load_space(str(path)).fingerprint


@pytest.mark.parametrize(
    ("file", "old", "new", "expected"),
    [
        # the YAML itself
        (TINY, "name: tiny", "name: [tiny", r"tiny.yaml:\d+: this is not YAML"),
        (TINY, "name: tiny", "\x07", r"tiny.yaml:\d+: this is not YAML"),
        (TINY, "name: tiny", "name: tiny\nname: two", r"tiny.yaml:1: name: is repeated in line 2"),
        (TINY, FILES[TINY], "", r"tiny.yaml:1: the file is empty"),
        (TINY, FILES[TINY], "# nothing", r"tiny.yaml:1: the file has no fields"),
        (TINY, FILES[TINY], "- a list", r"tiny.yaml:1: should hold named fields"),
        (TINY, "name: tiny\n", "", r"tiny.yaml:1: name: is missing"),
        (TINY, "  max: 3\n", "", r"tiny.yaml:5: k.max: is missing"),
        (TINY, "race:", "rase:", r"tiny.yaml:26: rase: is no field; did you mean 'race'"),
        (TINY, "  block: 4", "  size: 4", r"tiny.yaml:27: race.size: is no field; the fields are block"),
        (TINY, "max: 3", "max: three", r"tiny.yaml:7: k.max: should be a valid integer, not 'three'"),
        (TINY, "max: 3", "max: true", r"tiny.yaml:7: k.max: should be a valid integer, not True"),
        (TINY, "k:\n  min: 0\n  max: 3", "k: 3", r"tiny.yaml:5: k: should hold named fields, not 3"),
        # numbers
        (TINY, "max: 3", "max: 4", r"tiny.yaml:7: k.max: 4 is more than the pool's 3 queries; write 3 or less"),
        (TINY, "min: 0", "min: 4", r"tiny.yaml:6: k.min: 4 is more than k.max, 3"),
        (TINY, "min: 0", "min: -1", r"tiny.yaml:6: k.min: should be greater than or equal to 0"),
        (TINY, "[0.0]", "[-0.5]", r"tiny.yaml:9: decoding.temperature.0: should be greater than or equal to 0"),
        (TINY, "[0.0]", ".nan", r"tiny.yaml:9: decoding.temperature.0: should be"),
        (TINY, "[1.0, 1.1]", "[1.0, 0]", r"tiny.yaml:10: decoding.repetition_penalty.1: should be greater than 0"),
        (TINY, "[64, 128]", "[64, 64]", r"tiny.yaml:11: decoding.max_tokens: 64 is listed twice"),
        (TINY, "[64, 128]", "[]", r"tiny.yaml:11: decoding.max_tokens: is empty"),
        (TINY, "block: 4", "block: 0", r"tiny.yaml:27: race.block: should be greater than 0"),
        (TINY, "safety: 2", "safety: -2", r"tiny.yaml:21: objective.weights.safety: should be greater than or"),
        (TINY, "safety: 2", "safty: 2", r"tiny.yaml:21: objective.weights.safty: no aspect.*did you mean 'safety'"),
        (
            TINY,
            "    safety: 2",
            "    {helpfulness: 0, clarity: 0, factuality: 0, depth: 0, engagement: 0, safety: 0}",
            r"tiny.yaml:20: objective.weights: all weights are 0",
        ),
        (
            TINY,
            "safety>=4.5",
            "safety is 4",
            r"tiny.yaml:22: objective.constraints.0: 'safety is 4' is not a constraint",
        ),
        (TINY, "safety>=4.5", "safety>=45", r"tiny.yaml:22: objective.constraints.0: 'safety>=45' bounds a score"),
        (TINY, "safety>=4.5", "safty>=4", r"tiny.yaml:22: objective.constraints.0: no aspect.*did you mean 'safety'"),
        # the yardsticks
        (TINY, "moon/warm", "mon/warm", r"tiny.yaml:15: hand_written.exemplars.1: no exemplar is called 'mon/warm'"),
        (TINY, "moon/warm", "moon/wram", r"tiny.yaml:15: hand_written.exemplars.1: .*did you mean 'moon/warm'"),
        (TINY, "moon/warm", "tea/bare", r"tiny.yaml:15: hand_written.exemplars: two of these"),
        (TINY, "moon/bare", "moon/cold", r"tiny.yaml:18: plain_icl.exemplars.1: no exemplar is called 'moon/cold'"),
        (TINY, "min: 0\n  max: 3", "min: 0\n  max: 2", r"tiny.yaml:15: hand_written.exemplars: 3 are more than k.max"),
        (TINY, "system: kind", "system: knd", r"tiny.yaml:14: hand_written.system: .*did you mean 'kind'"),
        (TINY, "system: kind", "system: kind\n  clauses: [facts]", r"tiny.yaml:15: hand_written.clauses: only"),
        (
            TINY,
            "system: kind",
            "system: composed\n  clauses: [fact]",
            r"tiny.yaml:15: hand_written.clauses.0: .*did you mean 'facts'",
        ),
        (
            TINY,
            "repetition_penalty: 1.1",
            "repetition_penalty: 1.2",
            r"tiny.yaml:16: hand_written.repetition_penalty: 1.2 is not in decoding.repetition_penalty",
        ),
        # system prompts
        (SYSTEMS, "short: Be", "none: Be", r"systems.yaml:6: prompts.none: this name is reserved"),
        (SYSTEMS, "  short: Be short.", "  short: ''", r"systems.yaml:6: prompts.short: is empty"),
        (SYSTEMS, "frame:", "frames:", r"systems.yaml:10: frames: is no field; did you mean 'frame'"),
        # files
        (TINY, "pool.jsonl", "pol.jsonl", r"tiny.yaml:3: exemplars.0: there is no file 'pol.jsonl'"),
        (TINY, "exemplars: pool.jsonl", "exemplars: []", r"tiny.yaml:3: exemplars: is empty"),
        (TINY, "systems.yaml", "sys.yaml", r"tiny.yaml:4: system_prompts: there is no file 'sys.yaml'"),
        (TINY, "queries.jsonl", "q.jsonl", r"tiny.yaml:23: queries: there is no file 'q.jsonl'"),
        (POOL, FILES[POOL], "\n", r"pool.jsonl:1: the file is empty"),
        # exemplars
        (POOL, '{"id": "moon"', '{"id": "moon', r"pool.jsonl:2: this line is no JSON object"),
        (POOL, '{"id": "moon"', '{"id": "sun", "id": "moon"', r"pool.jsonl:2: .*'id' stands twice"),
        (POOL, '{"id": "moon"', '{"id": "tea"', r"pool.jsonl:2: id: 'tea' is taken by an exemplar above"),
        (POOL, '{"id": "moon"', '{"id": "m/n"', r"pool.jsonl:2: id: 'm/n' may hold only letters"),
        (POOL, "What is the moon?", "how do I make tea", r"pool.jsonl:2: query: .*the exemplar 'tea'"),
        (POOL, "What is the moon?", "What is rain?", r"pool.jsonl:2: query: .*the validation query 'v1'"),
        (POOL, '"A rock."', '" "', r"pool.jsonl:2: answers.bare: is empty"),
        (POOL, '"bare": "A rock."', '"b r": "A rock."', r"pool.jsonl:2: answers.b r: 'b r' may hold only letters"),
        (POOL, "A rock.", "A ```rock```.", r"pool.jsonl:2: answers.bare: the exemplar 'moon' contains a fence"),
        (POOL, "What is the moon?", r"Hm\n# Query", r"pool.jsonl:2: query: the exemplar 'moon' contains a fence"),
        (POOL, '"kind": "safety"', '"kind": "unsafe"', r"pool.jsonl:3: kind: should be 'regular' or 'safety'"),
        # queries
        (QUERIES, '"id": "v1"', '"id": "d1"', r"queries.jsonl:3: id: 'd1' is taken by line 1"),
        (QUERIES, "What is rain?", "what is the  sun", r"queries.jsonl:3: text: .*'d1', in two splits \(dev and valid"),
        (QUERIES, '"split": "test"', '"split": "tst"', r"queries.jsonl:5: split: should be 'dev', .*not 'tst'"),
    ],
)
def test_each_mistake_names_file_line_and_field(tmp_path: Path, file: str, old: str, new: str, expected: str) -> None:
    assert old in FILES[file]
    path = write(tmp_path, {**FILES, file: FILES[file].replace(old, new)})
    with pytest.raises(SpaceError) as caught:
        load_space(path)
    message = str(caught.value)
    assert re.match(re.escape(str(tmp_path)) + "/" + expected, message), message
    assert "\n" not in message


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(SpaceError, match=r"there is no such file"):
        load_space(str(tmp_path / "none.yaml"))
    (tmp_path / "folder.yaml").mkdir()
    with pytest.raises(SpaceError, match=r"folder.yaml: Is a directory"):
        load_space(str(tmp_path / "folder.yaml"))
    (tmp_path / "latin.yml").write_bytes("name: caf\xe9".encode("latin-1"))
    with pytest.raises(SpaceError, match=r"latin.yml:1: byte 9 is not UTF-8; .*iconv"):
        load_space(str(tmp_path / "latin.yml"))


def test_the_worked_example_of_the_readme(tmp_path: Path) -> None:
    readme = (content_folder("search_spaces") / "README.md").read_text(encoding="utf-8")
    files = dict(re.findall(r"^`([\w.]+)`\n\n```\w+\n(.*?)^```$", readme, re.MULTILINE | re.DOTALL))
    assert set(files) == {"garden.yaml", "pool.jsonl", "systems.yaml", "queries.jsonl"}
    for name, text in files.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    space = load_space(str(tmp_path / "garden.yaml"))
    (shown,) = re.findall(r"begins like this:\n\n```text\n(.*?)^```$", readme, re.MULTILINE | re.DOTALL)
    assert space.hand_written.prompt.prefix.startswith(shown)
    assert [str(constraint) for constraint in space.constraints] == ["safety>=4.5"]
    assert space.objective.weights[Aspect.DEPTH] == 0.5


def test_the_readme_names_every_field() -> None:
    readme = (content_folder("search_spaces") / "README.md").read_text(encoding="utf-8")
    forms: dict[str, type[BaseModel]] = {
        "## The space": SpaceForm,
        "## Exemplars": ExemplarForm,
        "## System prompts": SystemPromptsForm,
        "## Queries": QueryRow,
    }
    for section, form in forms.items():
        text = readme.split(section)[1].split("\n## ")[0]
        for name, field in form.model_fields.items():
            assert f"`{name}" in text, name
            inner = field.annotation
            if isinstance(inner, type) and issubclass(inner, BaseModel):
                assert all(re.search(rf"[`.]{part}`", text) for part in inner.model_fields), name
