"""Loading: folders, a hub on loopback, devices, dtypes, identities, and what each error advises."""

from __future__ import annotations

import hashlib
import json
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from pathlib import Path

import huggingface_hub.constants
import pytest
import torch
from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification, LlamaForCausalLM

from tests.tiny_models import tiny_llama, tiny_tokenizer
from urial_opt import plugins
from urial_opt.errors import InputError
from urial_opt.models.local import loading
from urial_opt.models.local.generator import TransformersGenerator
from urial_opt.models.local.loading import Loaded, Loading

COMMIT = "0123456789" * 4
REVISIONS = {"main", "v1", COMMIT}
CPU = Loading(role="base", device="cpu")


def _load(name: str | Path, how: Loading = CPU) -> Loaded:
    return how.load(str(name), AutoModelForCausalLM)


def _refused(name: str | Path, how: Loading = CPU, kind: type = AutoModelForCausalLM) -> str:
    with pytest.raises(InputError) as caught:
        how.load(str(name), kind)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def _assert_tiny_llama(loaded: Loaded) -> None:
    for mine, expected in zip(loaded.model.parameters(), tiny_llama().parameters(), strict=True):
        assert torch.equal(mine, expected)


@pytest.fixture(scope="module")
def model_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model")
    tiny_llama().save_pretrained(folder)
    tiny_tokenizer().save_pretrained(folder)
    return folder


@pytest.fixture
def folder(model_folder: Path, tmp_path: Path) -> Path:
    """A copy that a test may change."""
    copy = tmp_path / "model"
    copy.mkdir()
    for file in model_folder.iterdir():
        (copy / file.name).write_bytes(file.read_bytes())
    return copy


class _Hub(BaseHTTPRequestHandler):
    """The part of the Hugging Face hub that transformers uses: repositories tiny/…, some of which fail in some way."""

    folder: Path

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        path = self.path.partition("?")[0].strip("/").removeprefix("api/models/").split("/")
        name, revision, file = path[1] if len(path) > 1 else "", "", None
        if len(path) > 4 and path[2] == "resolve":
            revision, file = path[3], self.folder / "/".join(path[4:])
        if path[0] != "tiny":
            self._answer(404, error="RepoNotFound")
        elif name == "gated":
            self._answer(403, error="GatedRepo")
        elif file is None or not file.is_file() or (name == "pickles" and file.suffix == ".safetensors"):
            self._answer(404, error="EntryNotFound")
        elif revision not in REVISIONS:
            self._answer(404, error="RevisionNotFound")
        else:
            self._answer(200, content=file.read_bytes())

    def _answer(self, status: int, *, error: str = "", content: bytes = b"") -> None:
        self.send_response(status)
        if error:
            self.send_header("X-Error-Code", error)
        else:
            self.send_header("X-Repo-Commit", COMMIT)
            self.send_header("ETag", f'"{hashlib.sha256(content).hexdigest()}"')
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(content)


@pytest.fixture
def hub(model_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], None]]:
    """A hub that is reachable until the yielded function is called."""
    _Hub.folder = model_folder
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Hub)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}"
    constants = huggingface_hub.constants
    monkeypatch.setattr(constants, "ENDPOINT", url)
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", url + "/{repo_id}/resolve/{revision}/{filename}")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setenv("DISABLE_SAFETENSORS_CONVERSION", "1")
    yield lambda: monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    server.shutdown()
    server.server_close()


def test_a_hub_model_is_named_by_its_commit_whatever_revision_was_asked_for(hub: Callable[[], None]) -> None:
    loaded = _load("tiny/model")
    assert loaded.identity == f"tiny/model@{COMMIT} (float32, cpu)"
    assert _load("tiny/model@v1").identity == _load(f"tiny/model@{COMMIT}").identity == loaded.identity
    _assert_tiny_llama(loaded)
    hub()
    assert _load("tiny/model").identity == loaded.identity, "from the cache, without a network"


def test_what_the_hub_refuses_is_said_in_one_line(hub: Callable[[], None]) -> None:
    assert "there is no model 'other/model', neither as a folder nor on the Hugging Face hub" in _refused("other/model")
    assert _refused("tiny/model@v9") == "'tiny/model' has no revision 'v9'; give a branch, tag or commit of it"
    assert "is gated: accept its terms at https://huggingface.co/tiny/gated" in _refused("tiny/gated")
    assert "'tiny/pickles' has no *.safetensors: weights in pickles are not read" in _refused("tiny/pickles")
    hub()
    refused = _refused("tiny/other")
    assert refused.startswith("'tiny/other' is no folder here, and the Hugging Face hub cannot be reached")
    assert refused.endswith("hf download tiny/other")


def test_a_folder_is_named_by_what_its_files_hold(folder: Path) -> None:
    before = _load(folder).identity
    assert before.startswith(f"{folder}@")
    assert before.endswith(" (float32, cpu)")
    assert _load(folder).identity == before
    assert _load(folder, Loading(role="base", device="cpu", dtype="bfloat16")).identity != before
    (folder / "README.md").write_text("Nothing that answers hang on.")
    assert _load(folder).identity == before
    changed = json.loads((folder / "config.json").read_text()) | {"rms_norm_eps": 1e-3}
    (folder / "config.json").write_text(json.dumps(changed))
    after = _load(folder).identity
    assert after != before
    model = tiny_llama()
    with torch.no_grad():
        # Swapped, so that the sum of the weights stays the same.
        model.model.norm.weight[0] = 2
        model.save_pretrained(folder)
        first = _load(folder).identity
        model.model.norm.weight[:2] = torch.tensor([1.0, 2.0])
        model.save_pretrained(folder)
    assert len({before, after, first, _load(folder).identity}) == 4


def test_shards_are_read_and_count(folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    tiny_llama().save_pretrained(folder, max_shard_size="40KB")
    assert len(list(folder.glob("*.safetensors"))) > 1
    loaded = _load(folder)
    _assert_tiny_llama(loaded)


def test_an_at_sign_belongs_to_a_folder_of_that_name(folder: Path) -> None:
    named = folder.rename(folder.with_name("model@v2"))
    assert _load(named).identity.startswith(f"{named}@")
    refused = _refused(f"{named}@v3")
    assert f"the folder {str(named)!r} has no revisions" in refused


@pytest.mark.parametrize(
    ("asked", "dtype"),
    [("auto", torch.float32), ("float32", torch.float32), ("bfloat16", torch.bfloat16), ("float16", torch.float16)],
)
def test_number_types(model_folder: Path, asked: str, dtype: torch.dtype) -> None:
    model = _load(model_folder, Loading(role="base", device="cpu", dtype=asked)).model
    assert {weights.dtype for weights in model.parameters()} == {dtype}


def test_a_gpu_of_its_own_kind_decides_the_automatic_type(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    for native, dtype in ((True, torch.bfloat16), (False, torch.float16)):
        monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation, native=native: native)
        assert Loading(role="base")._dtype("cuda:1") is dtype
    assert Loading(role="base")._device() == "cuda"
    assert Loading(role="base", device="cuda:1")._device() == "cuda:1"
    with pytest.raises(InputError, match="PyTorch finds 2 CUDA GPUs here"):
        Loading(role="base", device="cuda:2")._device()


@pytest.mark.parametrize(
    ("how", "said"),
    [
        (
            Loading(role="base", device="tpu"),
            "no device is called 'tpu'; choose auto, .* such as device=cuda for the base model",
        ),
        (Loading(role="base", device="cuda:x"), "no device is called 'cuda:x'"),
        (
            Loading(role="aligned", device="cuda"),
            "no device 'cuda': PyTorch finds 0 .*give device=auto for the aligned model",
        ),
        (Loading(role="judge", device="mps"), "no device 'mps' here; give device=cpu for the judge model"),
        (
            Loading(role="base", device="balanced"),
            r"needs the package 'accelerate'; type: pip install accelerate",
        ),
        (Loading(role="base", device="cpu", dtype="int4"), "no dtype is called 'int4'; .*dtype=float32"),
        (Loading(role="base", trust_remote_code="maybe"), "trust_remote_code is yes or no, not 'maybe'"),
    ],
)
def test_options_that_cannot_be(model_folder: Path, monkeypatch: pytest.MonkeyPatch, how: Loading, said: str) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    monkeypatch.setattr(loading, "find_spec", lambda name: None if name == "accelerate" else find_spec(name))
    with pytest.raises(InputError, match=said):
        _load(model_folder, how)


def test_folders_that_hold_no_model(folder: Path, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    assert f"no model could be loaded from {str(empty)!r}" in _refused(empty)
    assert f"there is no folder {str(tmp_path / 'none')!r}; give a folder" in _refused(tmp_path / "none")
    assert "there is no folder './none'" in _refused("./none@main")
    (folder / "model.safetensors").unlink()
    assert "no model could be loaded" in _refused(folder)
    torch.save(tiny_llama().state_dict(), folder / "pytorch_model.bin")
    assert "weights in pickles are not read, since they can run code" in _refused(folder)


def test_a_model_of_another_kind_does_not_get_random_weights(model_folder: Path) -> None:
    refused = _refused(model_folder, kind=AutoModelForSequenceClassification)
    assert "is another kind of model: it has no weights for 'score.weight'" in refused


def test_code_that_comes_with_a_model_runs_only_if_asked_for(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("transformers.dynamic_module_utils.HF_MODULES_CACHE", str(tmp_path / "modules"))
    monkeypatch.setattr(sys, "path", [*sys.path])
    (folder / "configuration_own.py").write_text(
        "from transformers import LlamaConfig\nclass OwnConfig(LlamaConfig):\n    model_type = 'own_kind'\n"
    )
    (folder / "modeling_own.py").write_text(
        "from transformers import LlamaForCausalLM\nfrom .configuration_own import OwnConfig\n"
        "class OwnModel(LlamaForCausalLM):\n    config_class = OwnConfig\n"
    )
    config = json.loads((folder / "config.json").read_text()) | {
        "model_type": "own_kind",
        "auto_map": {"AutoConfig": "configuration_own.OwnConfig", "AutoModelForCausalLM": "modeling_own.OwnModel"},
    }
    (folder / "config.json").write_text(json.dumps(config))
    refused = _refused(folder)
    assert "needs Python code that comes with it and would run on this machine" in refused
    assert refused.endswith("then give trust_remote_code=yes for the base model")
    trusting = _load(folder, Loading(role="base", device="cpu", trust_remote_code="yes"))
    assert type(trusting.model).__name__ == "OwnModel"
    code = folder / "modeling_own.py"
    code.write_text(f"{code.read_text()}# changed\n")
    assert _load(folder, Loading(role="base", device="cpu", trust_remote_code="yes")).identity != trusting.identity


def test_no_space_on_the_device(model_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(model: LlamaForCausalLM, device: str) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.\nmore")

    monkeypatch.setattr(LlamaForCausalLM, "to", full)
    refused = _refused(model_folder)
    assert "does not fit on 'cpu'; give the base model device=balanced to spread it" in refused


def test_options_come_through_the_plugin_door(model_folder: Path) -> None:
    opened = plugins.open_generator(f"hf:{model_folder}", {"device": "cpu", "dtype": "float16", "rows": "3"})
    assert isinstance(opened, TransformersGenerator)
    assert opened.identity.endswith(" (float16, cpu)")
