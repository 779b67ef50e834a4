"""A damaged file in a model's folder is named in one line, for base models, aligned ones and judges."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from shutil import copytree

import pytest

from tests.tiny_models import tiny_llama, tiny_tokenizer
from urial_opt import plugins
from urial_opt.errors import InputError

POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n"


@pytest.fixture(scope="module")
def model_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model")
    tiny_llama().save_pretrained(folder)
    tiny_tokenizer().save_pretrained(folder)
    return folder


def half(content: bytes) -> bytes:
    return content[: len(content) // 2]


@pytest.mark.parametrize(
    ("name", "change", "says"),
    [
        ("model.safetensors", half, "is cut off: it has .* of .* bytes; fetch the file again"),
        ("model.safetensors", lambda _: b"", "is cut off or no safetensors file .0 bytes.; fetch"),
        ("model.safetensors", lambda all_: all_[:8] + b"x" * (len(all_) - 8), "has no header that can be read; fetch"),
        ("model.safetensors", lambda _: POINTER, "is a Git LFS pointer.*git lfs pull"),
        ("tokenizer.json", lambda _: POINTER, "is a Git LFS pointer.*git lfs pull"),
        ("config.json", lambda _: POINTER, "is a Git LFS pointer.*git lfs pull"),
        ("config.json", half, "is no JSON"),
        ("config.json", lambda _: b"[]", "should hold named fields"),
        (
            "config.json",
            lambda all_: all_.replace(b'"hidden_size": ', b'"hidden_size": "x", "h": '),
            "no model could be",
        ),
        ("config.json", lambda all_: all_.replace(b'"llama"', b'"no such kind"'), "no model could be loaded"),
        ("tokenizer.json", half, "is no JSON"),
        ("tokenizer.json", lambda _: b"{}", "no model could be loaded"),
        ("model.safetensors", lambda all_: all_.replace(b'"F32"', b'"X32"'), "no model could be loaded"),
    ],
)
@pytest.mark.parametrize("open_", [plugins.open_generator, plugins.open_judge])
def test_a_damaged_file_is_named(
    model_folder: Path,
    tmp_path: Path,
    name: str,
    change: Callable[[bytes], bytes],
    says: str,
    open_: Callable[..., object],
) -> None:
    copytree(model_folder, tmp_path / "m")
    file = tmp_path / "m" / name
    file.write_bytes(change(file.read_bytes()))
    kind = "hf" if open_ is plugins.open_generator else "reward"
    with pytest.raises(InputError, match=says) as caught:
        open_(f"{kind}:{tmp_path / 'm'}", {"device": "cpu"})
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 500


def test_an_empty_folder_says_what_is_missing(tmp_path: Path) -> None:
    (tmp_path / "m").mkdir()
    with pytest.raises(InputError, match=r"give a folder with config.json, tokenizer.json and"):
        plugins.open_generator(f"hf:{tmp_path / 'm'}", {"device": "cpu"})
