"""The real model of `tests.real_models` and a space for it, for modules that name this one in `pytest_plugins`."""

from __future__ import annotations

import pytest

from tests import tiny_space
from tests.real_models import FOLDER, TOKENS
from urial_opt.models.local.generator import TransformersChatGenerator, TransformersGenerator
from urial_opt.roles import open_aligned, open_base
from urial_opt.spaces.space import SearchSpace
from urial_opt.spaces.space_file import load_space


@pytest.fixture(scope="module")
def base() -> TransformersGenerator:
    opened = open_base(f"hf:{FOLDER}", device="cpu")
    assert isinstance(opened, TransformersGenerator)
    return opened


@pytest.fixture(scope="module")
def aligned() -> TransformersChatGenerator:
    opened = open_aligned(f"hf-chat:{FOLDER}", device="cpu")
    assert isinstance(opened, TransformersChatGenerator)
    return opened


@pytest.fixture(scope="module")
def space_file(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A space of two queries in each split, whose answers have up to 24 tokens."""
    files = dict(tiny_space.FILES)
    files["tiny.yaml"] = files["tiny.yaml"].replace("[64, 128]", f"[{TOKENS}]").replace("  base: nano\n", "  {}\n")
    return tiny_space.write(tmp_path_factory.mktemp("space"), files)


@pytest.fixture(scope="module")
def space(space_file: str) -> SearchSpace:
    return load_space(space_file)
