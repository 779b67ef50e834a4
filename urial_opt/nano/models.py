"""The embedded models: a base model and its aligned twin, as generators."""

from __future__ import annotations

import hashlib
from pathlib import Path

import torch
from transformers import LlamaForCausalLM, PreTrainedTokenizerFast

from urial_opt.errors import InputError
from urial_opt.models.local.generator import TransformersChatGenerator, TransformersGenerator

WEIGHTS = Path(__file__).parent / "weights"
"""Holds two Hugging Face model folders, `base` and `aligned`; see `experiments/nano/`."""


def open_base(argument: str) -> TransformersGenerator:
    """The embedded base model, in float32; `argument` may name a folder with other weights."""
    folder = _folder(argument, "base")
    return TransformersGenerator(_model(folder), _tokenizer(folder), identity=f"nano@{_revision(folder)}")


def open_aligned(argument: str) -> TransformersChatGenerator:
    """The aligned twin, in float32, with the chat layout it was tuned on."""
    folder = _folder(argument, "aligned")
    identity = f"nano-aligned@{_revision(folder)}"
    return TransformersChatGenerator(TransformersGenerator(_model(folder), _tokenizer(folder), identity=identity))


def _folder(argument: str, name: str) -> Path:
    folder = Path(argument) if argument else WEIGHTS / name
    if not (folder / "model.safetensors").is_file():
        raise InputError(
            f"no weights of the embedded model in {str(folder)!r}; make them with: python experiments/nano/train.py"
        )
    return folder


def _model(folder: Path) -> LlamaForCausalLM:
    return LlamaForCausalLM.from_pretrained(folder, dtype=torch.float32, use_safetensors=True, local_files_only=True)


def _tokenizer(folder: Path) -> PreTrainedTokenizerFast:
    tokenizer: PreTrainedTokenizerFast = PreTrainedTokenizerFast.from_pretrained(folder, local_files_only=True)
    return tokenizer


def _revision(folder: Path) -> str:
    """Ten digits that identify these weights."""
    return hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()[:10]
