"""Plugins: names, arguments, and the errors for a missing plugin or one of the wrong kind."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from urial_opt import plugins
from urial_opt.errors import AdapterError, InputError, UnknownNameError
from urial_opt.records import Completion, Sampling

MODULE = """
from urial_opt.records import Completion, Judgment

class Echo:
    def __init__(self, argument, *, url="nowhere"):
        self.identity = f"echo:{argument} at {url}"
    def generate(self, prefix, suffixes, sampling):
        return [Completion(text=prefix + suffix, finish_reason="stop") for suffix in suffixes]

class Chat:
    def __init__(self, argument):
        self.identity = f"chat:{argument}"
    def answer(self, queries, sampling):
        return [Completion(text=query, finish_reason="stop") for query in queries]

class Fair:
    def __init__(self, argument):
        self.identity = f"fair:{argument}"
    def judge(self, queries, completions):
        return [Judgment(query_id=query.id, judge=self.identity, scores={}) for query in queries]

def lazy(argument):
    import a_module_nobody_has.inside
"""


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    """Install a distribution with these entry points and a module `echo_plugin` in a folder on the path."""
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "echo_plugin", raising=False)
    (tmp_path / "echo_plugin.py").write_text(MODULE)

    def write(distribution: str, entry_points: str) -> None:
        folder = tmp_path / f"{distribution}-1.0.dist-info"
        folder.mkdir()
        (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0\n")
        (folder / "entry_points.txt").write_text(entry_points)

    return write


@pytest.fixture
def echo(install: Callable[[str, str], None]) -> None:
    install(
        "echo-plugin",
        """[urial_opt.generators]
echo = echo_plugin:Echo
echo-chat = echo_plugin:Chat
absent = a_package_nobody_has.generators:open_base
broken = echo_plugin_broken:open_base
lazy = echo_plugin:lazy
[urial_opt.judges]
fair = echo_plugin:Fair
unfair = echo_plugin:Echo
[urial_opt.exporters]
echo = echo_plugin:Echo
""",
    )


def texts(completions: Sequence[Completion]) -> list[str]:
    return [completion.text for completion in completions]


def test_built_in_plugins_enter_by_the_same_door() -> None:
    assert {"hf", "hf-chat", "nano", "nano-aligned"} <= set(plugins.names("generator"))
    assert "nano" in plugins.names("judge")
    assert {"json", "urial"} <= set(plugins.names("exporter"))


@pytest.mark.usefixtures("echo")
def test_an_installed_plugin_is_opened_by_name() -> None:
    generator = plugins.open_generator("echo")
    assert texts(generator.generate("a", ["b", "c"], Sampling())) == ["ab", "ac"]
    assert texts(plugins.open_chat_generator("echo-chat").answer(["b"], Sampling())) == ["b"]
    assert plugins.open_judge("fair").judge([], []) == []


@pytest.mark.usefixtures("echo")
@pytest.mark.parametrize(
    ("name", "argument"),
    [
        ("echo", ""),
        ("echo:", ""),
        ("echo:a/b", "a/b"),
        ("echo:http://localhost:8000/v1 x", "http://localhost:8000/v1 x"),
    ],
)
def test_what_follows_the_first_colon_is_one_argument(name: str, argument: str) -> None:
    assert plugins.open_generator(name).identity == f"echo:{argument} at nowhere"


@pytest.mark.usefixtures("echo")
def test_options_reach_the_opener_by_name() -> None:
    assert plugins.open_generator("echo:a", {"url": "http://localhost"}).identity == "echo:a at http://localhost"
    with pytest.raises(UnknownNameError, match="no option of the generator 'echo' is called 'ulr'; did you mean 'url'"):
        plugins.open_generator("echo", {"ulr": "x"})
    with pytest.raises(UnknownNameError, match="the judge 'fair' takes no options; leave 'url' out"):
        plugins.open_judge("fair", {"url": "x"})


@pytest.mark.usefixtures("echo")
def test_names_are_sorted() -> None:
    names = plugins.names("generator")
    assert "echo" in names
    assert names == sorted(names)


@pytest.mark.parametrize("name", ["", ":", "zzzzzz:hf", "  "])
def test_an_unknown_name_lists_the_known_ones(name: str) -> None:
    with pytest.raises(UnknownNameError, match=r"hf, hf-chat, .*nano, nano-aligned"):
        plugins.open_generator(name)


def test_a_near_miss_is_guessed() -> None:
    with pytest.raises(UnknownNameError, match="no exporter is called 'urail'; did you mean 'urial'"):
        plugins.open_exporter("urail")


@pytest.mark.usefixtures("echo")
@pytest.mark.parametrize(("name", "package"), [("absent", "a_package_nobody_has"), ("lazy", "a_module_nobody_has")])
def test_a_missing_package_is_named_with_the_command_to_type(name: str, package: str) -> None:
    with pytest.raises(AdapterError, match=f"the generator '{name}' needs .*; type: pip install {package}$"):
        plugins.open_generator(name)


@pytest.mark.usefixtures("echo")
def test_a_package_that_does_not_load_is_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "echo_plugin_broken.py").write_text("raise ImportError('no\\nlibrary')")
    with pytest.raises(
        AdapterError, match=re.escape("(no library); type: pip install --force-reinstall echo_plugin_broken")
    ):
        plugins.open_generator("broken")


@pytest.mark.usefixtures("echo")
@pytest.mark.parametrize(
    ("open_as", "name", "said"),
    [
        (plugins.open_generator, "echo-chat", "chat layout"),
        (plugins.open_chat_generator, "echo", "base model"),
        (plugins.open_judge, "unfair", "not a judge"),
        (plugins.open_exporter, "echo", "not an exporter"),
    ],
)
def test_something_else_behind_the_name_is_refused(open_as: Callable[[str], object], name: str, said: str) -> None:
    with pytest.raises(InputError, match=f"{name!r} .*{said}"):
        open_as(name)


@pytest.mark.usefixtures("echo")
def test_two_plugins_of_one_name_are_refused(install: Callable[[str, str], None]) -> None:
    install("other-plugin", "[urial_opt.judges]\nfair = echo_plugin:Echo\n")
    with pytest.raises(InputError, match=r"echo_plugin:.* and echo_plugin:.*; uninstall one"):
        plugins.open_judge("nano")
