"""Reading prompt files: the exact inverse of rendering, with tolerance for hand-written and older files."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.strategies import PIECES, prompts, texts
from urial_opt.errors import InputError, PromptError
from urial_opt.prompt import Exemplar, UrialPrompt
from urial_opt.prompt_file import check_public_name, parse_prompt, read_prompt_file

EXEMPLARS = (
    Exemplar(query="What is tea?", answer="A drink.\n\nEnjoy!"),
    Exemplar(query="And coffee?", answer="Another one."),
)
CANONICAL = UrialPrompt(system="# Instruction\n\nBe kind.\n", exemplars=EXEMPLARS)
FENCED = "".join(exemplar.render() for exemplar in EXEMPLARS).removeprefix("\n")


@given(prompts.filter(lambda prompt: prompt.prefix))
def test_parsing_inverts_rendering(prompt: UrialPrompt) -> None:
    assert parse_prompt(prompt.prefix) == prompt


@given(prompts.filter(lambda prompt: prompt.prefix), st.data())
def test_a_damaged_file_is_read_whole_or_refused(
    tmp_path_factory: pytest.TempPathFactory, prompt: UrialPrompt, data: st.DataObject
) -> None:
    content = prompt.prefix.encode()
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, len(content)))
        end = data.draw(st.integers(start, min(len(content), start + 6)))
        patch = data.draw(st.one_of(st.binary(max_size=2), st.sampled_from(PIECES).map(str.encode)))
        content = content[:start] + patch + content[end:]
    file = tmp_path_factory.getbasetemp() / "damaged.txt"
    file.write_bytes(content)
    try:
        read = read_prompt_file(file)
    except PromptError:
        return
    assert read.prefix.encode() == content


@given(st.lists(st.one_of(texts, st.sampled_from(PIECES)), max_size=12).map("".join))
def test_any_text_is_read_whole_or_refused(text: str) -> None:
    try:
        assert parse_prompt(text).prefix == text
    except PromptError:
        assert text != CANONICAL.prefix


@pytest.mark.parametrize(
    "text",
    [
        CANONICAL.prefix.removesuffix("\n"),
        CANONICAL.prefix.replace("\n", "\r\n"),
        "\ufeff" + CANONICAL.prefix,
        CANONICAL.prefix + "\n",
        CANONICAL.prefix.replace("```\n", "``` \n"),
        CANONICAL.prefix.replace("```\n\n# Answer", "```\n# Answer"),
        CANONICAL.prefix.replace("# Query:", "# User:").replace("# Answer:", "# Assistant:"),
        CANONICAL.prefix.replace("# Query:", "#Query").replace("# Answer:", "#Answer"),
        CANONICAL.prefix.replace("```\n\n#", "```\n\n\n\n#"),
        re.sub(r"```\n(.*?)\n```", r"```\1```", CANONICAL.prefix, flags=re.DOTALL),
        re.sub(r"```\n(.*?)\n```", r"``` \1 ```  ", CANONICAL.prefix, flags=re.DOTALL),
        re.sub(r":\n```\n(.*?)\n```", r": ```\1```", CANONICAL.prefix, flags=re.DOTALL),
        re.sub(r"```\n(.*?)\n```", r"\1", CANONICAL.prefix, flags=re.DOTALL),
        CANONICAL.prefix.replace("```\nWhat is tea?\n```", "```What is tea?```"),
        CANONICAL.prefix.replace("```\nAnother one.\n```", "```Another one.```"),
    ],
)
def test_what_is_nearly_canonical_is_read_and_kept(text: str) -> None:
    read = parse_prompt(text)
    assert read == UrialPrompt(system=CANONICAL.system, exemplars=EXEMPLARS, raw=text)
    assert read.render("Why?").startswith(text)


@pytest.mark.parametrize("text", [FENCED, FENCED.removesuffix("\n"), "\ufeff" + FENCED])
def test_a_missing_system_text_is_empty(text: str) -> None:
    assert parse_prompt(text) == UrialPrompt(exemplars=EXEMPLARS, raw=text)


def test_a_blank_line_more_after_the_system_text_is_canonical() -> None:
    text = CANONICAL.prefix.replace("Be kind.\n", "Be kind.\n\n")
    assert parse_prompt(text) == UrialPrompt(system="# Instruction\n\nBe kind.\n\n", exemplars=EXEMPLARS)


def test_code_blocks_of_a_public_file_stay_in_the_answer() -> None:
    text = FENCED.replace("A drink.", "```\nboil()\n```\nand\n```py\nwait()\n```\nthen")
    answer = "```\nboil()\n```\nand\n```py\nwait()\n```\nthen\n\nEnjoy!"
    assert parse_prompt(text).exemplars == (Exemplar(query="What is tea?", answer=answer), EXEMPLARS[1])


def test_a_system_text_may_speak_of_headings() -> None:
    system = "# Instruction\n\nUnder\n# Query:\n```\nstands what is asked.\n"
    prompt = UrialPrompt(system=system, exemplars=EXEMPLARS)
    assert parse_prompt(prompt.prefix).prefix == prompt.prefix


def test_system_text_alone_is_a_prompt() -> None:
    text = "# Instruction\n\nBe kind."
    assert parse_prompt(text) == UrialPrompt(system=text)
    assert parse_prompt(f"\ufeff{text}") == UrialPrompt(system=text, raw=f"\ufeff{text}")


ALONE = "\n# Query:\n```\nA query alone\n```\n"


def test_a_query_without_an_answer_is_named_and_the_exemplars_around_it_are_read() -> None:
    text = CANONICAL.system + EXEMPLARS[0].render() + ALONE + EXEMPLARS[1].render()
    read = parse_prompt(text, source="'p.txt'")
    assert read == UrialPrompt(system=CANONICAL.system, exemplars=EXEMPLARS, raw=text)
    assert read.notes == (
        "A block '# Query:' of 'p.txt' ('A query alone') has no answer: it stays in the text, but it is no exemplar.",
    )
    lone = text.replace("# Query:\n```\nA query alone", "# Answer:\n```\nAn answer; alone")
    assert "('An answer; alone') has no query" in parse_prompt(lone).notes[0]
    assert parse_prompt(lone).exemplars == EXEMPLARS


def test_a_query_without_an_answer_before_all_exemplars_counts_as_system_text_and_is_named() -> None:
    text = CANONICAL.system + ALONE + EXEMPLARS[0].render()
    read = parse_prompt(text)
    assert (read.prefix, read.exemplars) == (text, EXEMPLARS[:1])
    assert read.notes == ("exemplar 1 of the prompt ('A query alone') has no answer: it counts as system text.",)


@pytest.mark.parametrize(
    ("text", "layout", "suffix"),
    [
        ("# User:\n\nHi\n\n\n# Assistant:\n\nHello\n\n", "v5", "\n# User:\n\nWhy?\n\n\n# Assistant:\n\n"),
        ("# User:\nHi\n\n\n# Assistant:\nHello\n", "v6", "\n\n# User:\nWhy?\n\n\n# Assistant:\n"),
        ("# User:\n```\nHi\n```\n\n# Assistant:\n```\nHello\n```\n", "urial", UrialPrompt().suffix("Why?")),
        ("User: Hi\n\nAssistant: Hello\n", "urial", UrialPrompt().suffix("Why?")),
    ],
)
def test_the_query_follows_in_the_layout_of_the_prompt(text: str, layout: str, suffix: str) -> None:
    read = parse_prompt(f"# Instruction\n\nBe kind.\n\n{text}")
    assert read.exemplars == (Exemplar(query="Hi", answer="Hello"),)
    assert (read.layout, read.suffix("Why?")) == (layout, suffix)
    assert read.render("Why?", history=read.exemplars).count("Hello") == 2


@pytest.mark.parametrize("layout", ["v5", "v6"])
def test_a_name_decides_the_layout_as_for_the_public_loader(tmp_path: Path, layout: str) -> None:
    file = tmp_path / f"inst_help_{layout}-1k.txt"
    file.write_text(CANONICAL.prefix)
    assert read_prompt_file(file).layout == layout
    check_public_name(file.stem, read_prompt_file(file).layout)
    with pytest.raises(InputError, match=f"put inst_help_{layout} into the name"):
        check_public_name("mine", read_prompt_file(file).layout)


def test_headings_without_a_hash_count_only_where_there_are_no_others() -> None:
    said = Exemplar(query="What did they say?", answer="User: hi\nAssistant: hello")
    assert parse_prompt(f"# Instruction\n{said.render()}").exemplars == (said,)
    system = "# Instruction\n\nUser: means the person.\n"
    assert parse_prompt(system) == UrialPrompt(system=system)


@pytest.mark.parametrize(
    "piece",
    [
        "\n# Query:\n```\nx\n",
        "\n# Query:\n````\nx\n```\n",
        "\n# Query:\n```\nx\n```\n\n# Answer:\n```\ny\n```\n",
        "`",
        "``` a\n\n\n\n",
        " \n",
    ],
)
def test_a_long_text_is_parsed_in_time_linear_in_it(piece: str) -> None:
    """In quadratic time each of these would take more than a minute."""
    text = "# Instruction\n# Query:\n" + piece * (200_000 // len(piece)) + "."
    with suppress(PromptError):
        assert parse_prompt(text).prefix == text


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "the prompt holds no URIAL prompt; it should have"),
        (" \n\n", "holds no URIAL prompt"),
        ("Once upon a time", "holds no URIAL prompt"),
        (
            FENCED + "\n# Query:\n```\nWhy?\n```\n",
            r"exemplar 3 of the prompt \('Why\?'\) has no answer; add .*'# Answer:'",
        ),
        (
            "# Answer:\n```\nA\n```\n" + FENCED.strip(),
            r"exemplar 1 of the prompt \('A'\) has no query; add .*'# Query:'",
        ),
        ("# Query:\nOne\n# Query:\nTwo\n# Answer:\nA\n", r"exemplar 1 of the prompt \('One'\) has no answer"),
        (FENCED + "\n# Query:\n```\nx\n```\n\n# Answer:\n```\n", "a block '# Answer:' of the prompt is empty"),
    ],
)
def test_what_is_no_prompt_is_refused_with_advice(text: str, said: str) -> None:
    with pytest.raises(PromptError, match=said):
        parse_prompt(text)


def test_the_error_for_an_unreadable_file_names_its_path(tmp_path: Path) -> None:
    (tmp_path / "latin.txt").write_bytes("# Instruction\n\ncafé".encode("latin-1"))
    (tmp_path / "empty.txt").touch()
    for name, said in {
        "latin.txt": r"latin.txt' is not UTF-8 \(byte 19\); save it as UTF-8",
        "empty.txt": "empty.txt' holds no URIAL prompt",
        "missing.txt": "there is no prompt file .*missing.txt'",
        ".": "is a folder",
        "empty.txt/x": "empty.txt/x' cannot be read",
        "\0": "cannot be read",
    }.items():
        with pytest.raises(PromptError, match=said):
            read_prompt_file(tmp_path / name)


def test_crlf_survives_the_file_system(tmp_path: Path) -> None:
    file = tmp_path / "windows.txt"
    file.write_bytes(CANONICAL.prefix.replace("\n", "\r\n").encode())
    assert read_prompt_file(file).prefix.encode() == file.read_bytes()


JSON = {"format": "urial-opt prompt 1", "system": "s\n", "exemplars": [{"query": "q", "answer": "a"}]}


def test_json_needs_only_what_makes_the_prompt(tmp_path: Path) -> None:
    file = tmp_path / "prompt.json"
    file.write_text(json.dumps(JSON))
    assert read_prompt_file(file) == UrialPrompt(system="s\n", exemplars=(Exemplar(query="q", answer="a"),))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "the whole file"),
        ("[]", "the whole file"),
        ('{"format": "urial-opt prompt 1"', "the whole file"),
        (json.dumps(JSON | {"format": "urial-opt prompt 2"}), "format: .*'urial-opt prompt 1'"),
        (json.dumps(JSON | {"exemplars": [{"query": 3, "answer": "a"}]}), "exemplars.0.query: "),
        (json.dumps(JSON | {"prefix": "something else"}), "the prefix is not what .*; remove the key 'prefix'"),
    ],
)
def test_the_error_for_wrong_json_names_its_field(tmp_path: Path, content: str, said: str) -> None:
    file = tmp_path / "prompt.json"
    file.write_text(content)
    with pytest.raises(PromptError, match=said) as caught:
        read_prompt_file(file)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["urial-3", "a.b_C9", "inst_help_v4"])
def test_names_that_the_public_loader_takes(name: str) -> None:
    check_public_name(name)


@pytest.mark.parametrize("name", ["", "a b", "a/b", "é", "a\n", "inst_help_v5", "my_inst_help_v6-1k"])
def test_names_that_it_does_not(name: str) -> None:
    with pytest.raises(InputError, match=re.escape(repr(name))):
        check_public_name(name)
