"""Loading: a local model is found, read from safetensors, named by its content and put on its device."""

from __future__ import annotations

import hashlib
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal, TypeAlias

import torch
from huggingface_hub.errors import (
    GatedRepoError,
    LocalEntryNotFoundError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from transformers import AutoTokenizer, PreTrainedModel, PreTrainedTokenizerBase
from transformers.utils.hub import cached_file, extract_commit_hash

from urial_opt.content import content_id
from urial_opt.errors import InputError, causes
from urial_opt.models.local.batching import out_of_memory
from urial_opt.models.local.model_files import check_files
from urial_opt.models.local.sharing import shared_model

ModelRole: TypeAlias = Literal["base", "aligned", "judge"]
_DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
_DEVICE = re.compile(r"auto|balanced|cpu|mps|cuda(?::\d+)?")
_MODEL_FILES = {".safetensors", ".json", ".jinja", ".model", ".py", ".txt"}
"""Suffixes of the files in a model's folder that its answers depend on."""
_PICKLES = ("*.bin", "*.pt", "*.pth")
_EXPECTED = (
    "give a folder with config.json, tokenizer.json and *.safetensors, or a name on the Hugging Face hub such as "
    "Qwen/Qwen3-0.6B-Base"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """A model on its device."""

    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    identity: str
    """Name, commit or hash of the files, dtype, device type. Models of equal identity compute the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Loading:
    """How to load a model, in options as the user gives them."""

    role: ModelRole
    """Whose options these are; errors name it."""
    device: str = "auto"
    """auto, cpu, cuda, cuda:1, mps, or balanced over several GPUs."""
    dtype: str = "auto"
    """auto is bfloat16 on a GPU (float16 where that is only emulated) and float32 elsewhere."""
    trust_remote_code: str = "no"

    def is_yes(self, option: str, value: str) -> bool:
        """The value of an option that is either yes or no. InputError for anything else."""
        if value not in ("no", "yes"):
            raise InputError(f"{option} is yes or no, not {value!r}; give {self._option(f'{option}=no')}")
        return value == "yes"

    def load(self, name: str, kind: Any) -> Loaded:  # noqa: ANN401
        """The model in folder `name`, or of that name (and revision, after an `@`) on the Hugging Face hub.

        `kind` is the class of transformers that loads it, such as AutoModelForCausalLM. The weights are shared with
        whoever holds the same model, as a base model and an aligned one may (see `sharing`); the tokenizer is not.
        InputError if it cannot be loaded.
        """
        trusted = self.is_yes("trust_remote_code", self.trust_remote_code)
        if not name:
            raise InputError(f"the {self.role} model has no name; {_EXPECTED}")
        device = self._device()
        dtype = self._dtype(device)
        repository, revision = _repository(name)
        try:
            # Resolve a branch to its current commit, so that all files come from one commit, which the identity names.
            config = str(cached_file(repository, "config.json", revision=revision))
            commit = extract_commit_hash(config, None)
            check_files(Path(config).parent)
            content = commit or _files_id(Path(config).parent)
            found: dict[str, Any] = {"revision": commit or revision, "trust_remote_code": trusted}
            tokenizer = AutoTokenizer.from_pretrained(repository, **found)
            # Under the folder's whole path, so that `model` and `./model` are one.
            where = repository if commit else Path(repository).resolve()
            model = shared_model(
                (kind, where, content, dtype, _numbered(device), trusted),
                lambda: _read(repository, kind, name=name, device=device, dtype=dtype, **found),
            )
        except InputError:
            raise
        except Exception as error:  # a damaged file makes the libraries raise what they like
            raise InputError(self._reason(error, name, repository, device)) from error
        identity = f"{repository}@{content} ({str(dtype).removeprefix('torch.')}, {model.device.type})"
        return Loaded(model=model, tokenizer=tokenizer, identity=identity)

    def _device(self) -> str:
        device = self.device
        if not _DEVICE.fullmatch(device):
            raise InputError(
                f"no device is called {device!r}; choose auto, cpu, cuda, cuda:1, mps or balanced, such as "
                f"{self._option('device=cuda')}"
            )
        if device == "auto":
            return "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
        if device == "balanced" and find_spec("accelerate") is None:
            raise InputError("device 'balanced' needs the package 'accelerate'; type: pip install accelerate")
        if device == "mps" and not torch.backends.mps.is_available():
            raise InputError(f"there is no device 'mps' here; give {self._option('device=cpu')}")
        kind, _, number = device.partition(":")
        if kind == "cuda" and int(number or 0) >= torch.cuda.device_count():
            raise InputError(
                f"there is no device {device!r}: PyTorch finds {torch.cuda.device_count()} CUDA GPUs here; "
                f"give {self._option('device=auto')}, or install a build of PyTorch for this machine's GPU"
            )
        return device

    def _dtype(self, device: str) -> torch.dtype:
        if self.dtype in _DTYPES:
            return _DTYPES[self.dtype]
        if self.dtype != "auto":
            raise InputError(
                f"no dtype is called {self.dtype!r}; choose one of: auto, {', '.join(_DTYPES)}, such as "
                f"{self._option('dtype=float32')}"
            )
        if device == "cpu" or (device == "balanced" and not torch.cuda.is_available()):
            return torch.float32
        emulated = device != "mps" and not torch.cuda.is_bf16_supported(including_emulation=False)
        return torch.float16 if emulated else torch.bfloat16

    def _reason(self, error: Exception, name: str, repository: str, device: str) -> str:
        """Why this model could not be loaded, and what to do."""
        if out_of_memory(error):
            return (
                f"{name!r} does not fit on {device!r}; give the {self.role} model device=balanced to spread it over "
                "several GPUs, dtype=bfloat16, or device=cpu"
            )
        if "trust_remote_code" in str(error):
            return (
                f"{name!r} needs Python code that comes with it and would run on this machine; read that code first, "
                f"then give {self._option('trust_remote_code=yes')}"
            )
        if "safetensors" in str(error) and (not Path(repository).is_dir() or _has_pickles(Path(repository))):
            return (
                f"{name!r} has no *.safetensors: weights in pickles are not read, since they can run code; give a "
                "model with safetensors, such as save_pretrained of transformers writes"
            )
        kinds = {type(cause) for cause in causes(error)}
        if GatedRepoError in kinds:
            return (
                f"{name!r} is gated: accept its terms at https://huggingface.co/{repository}, then type: hf auth login"
            )
        if RevisionNotFoundError in kinds:
            return f"{repository!r} has no revision {name.rpartition('@')[2]!r}; give a branch, tag or commit of it"
        if RepositoryNotFoundError in kinds:
            return f"there is no model {name!r}, neither as a folder nor on the Hugging Face hub; {_EXPECTED}"
        if kinds & {LocalEntryNotFoundError, OfflineModeIsEnabled}:
            return (
                f"{name!r} is no folder here, and the Hugging Face hub cannot be reached; give a folder, or fetch it "
                f"where there is a network: hf download {repository}"
            )
        return f"no model could be loaded from {name!r} ({_first_line(error)}); {_EXPECTED}"

    def _option(self, pair: str) -> str:
        return f"{pair} for the {self.role} model"


def _read(
    repository: str,
    kind: Any,  # noqa: ANN401
    *,
    name: str,
    device: str,
    dtype: torch.dtype,
    **found: Any,  # noqa: ANN401
) -> PreTrainedModel:
    model, info = kind.from_pretrained(
        repository,
        dtype=dtype,
        use_safetensors=True,
        output_loading_info=True,
        device_map="auto" if device == "balanced" else None,
        **found,
    )
    if info["missing_keys"]:
        missing = sorted(info["missing_keys"])[0]
        raise InputError(
            f"{name!r} is another kind of model: it has no weights for {missing!r}, which {kind.__name__} needs"
        )
    if device != "balanced":
        model.to(device)
    loaded: PreTrainedModel = model
    return loaded


def _numbered(device: str) -> str:
    """The device with its number: `cuda` is one of `cuda:0`, `cuda:1` …."""
    return f"cuda:{torch.cuda.current_device()}" if device == "cuda" else device


def _repository(name: str) -> tuple[str, str | None]:
    """Folder or hub name, and revision; a folder's own name may contain an `@`."""
    repository, at, revision = name.rpartition("@")
    if Path(name).is_dir() or not at:
        repository, revision = name, ""
    elif Path(repository).is_dir():
        raise InputError(f"there is no folder {name!r}, and the folder {repository!r} has no revisions; leave out '@…'")
    if not Path(repository).is_dir() and (repository.startswith((".", "/", "~")) or repository.count("/") > 1):
        raise InputError(f"there is no folder {repository!r}; {_EXPECTED}")
    return repository, revision or None


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:160]


def _has_pickles(folder: Path) -> bool:
    return any(file for pattern in _PICKLES for file in folder.glob(pattern))


def _files_id(folder: Path) -> str:
    """A hash of the folder's files. It does not depend on where the folder is."""
    files = sorted(file for file in folder.iterdir() if file.suffix in _MODEL_FILES and file.is_file())
    with ThreadPoolExecutor() as threads:
        hashes = list(threads.map(_hash, files))
    return content_id([[file.name, digest] for file, digest in zip(files, hashes, strict=True)])


def _hash(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
