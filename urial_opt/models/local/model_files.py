"""Model files: finds the file in a model's folder that is damaged or missing, before a library stumbles over it."""

from __future__ import annotations

import json
from pathlib import Path

from urial_opt.content import is_lfs_pointer
from urial_opt.errors import InputError

_LONGEST_HEADER = 100_000_000
"""As in safetensors itself."""


def check_files(folder: Path) -> None:
    """InputError if a file in the folder is a Git LFS pointer, no JSON, or shorter than its own header says."""
    for file in sorted(folder.iterdir()):
        if not file.is_file():
            continue
        with file.open("rb") as opened:
            beginning = opened.read(200)
        if is_lfs_pointer(beginning):
            raise InputError(
                f"{str(file)!r} is a Git LFS pointer, not the file itself; type, in its folder: git lfs pull"
            )
        if file.suffix == ".safetensors" and (says := _fault_of_weights(file)):
            raise InputError(f"{str(file)!r} {says}; fetch the file again")
        if file.name in ("config.json", "tokenizer.json", "tokenizer_config.json"):
            _check_json(file)


def _check_json(file: Path) -> None:
    try:
        content = json.loads(file.read_bytes())
    except (ValueError, RecursionError) as error:
        raise InputError(f"{str(file)!r} is no JSON ({error}); fetch the file again") from error
    if not isinstance(content, dict):
        raise InputError(f"{str(file)!r} should hold named fields; fetch the file again")


def _fault_of_weights(file: Path) -> str:
    """What is wrong with a file of weights; empty if it is as long as its header says."""
    size = file.stat().st_size
    with file.open("rb") as opened:
        length = int.from_bytes(opened.read(8), "little")
        if size < 8 or not 0 < length <= min(size - 8, _LONGEST_HEADER):
            return f"is cut off or no safetensors file ({size:,} bytes)"
        try:
            header = json.loads(opened.read(length))
            ends = [tensor["data_offsets"][1] for name, tensor in header.items() if name != "__metadata__"]
            whole = 8 + length + max(ends, default=0)
        except (ValueError, RecursionError, TypeError, KeyError, IndexError, AttributeError):
            return "has no header that can be read"
    return f"is cut off: it has {size:,} of {whole:,} bytes" if size < whole else ""
