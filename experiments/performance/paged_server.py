"""A real engine: `transformers serve` with continuous batching and the embedded base model, its prefix cache counted.

    python -m experiments.performance.paged_server FOLDER [--tokens 32768] [--page 16]

Serves the model in FOLDER, where `write_model` has put it, and prints its address. The cache keeps pages of `--page`
tokens and shares those that a prompt begins with; when less than 15 % of it is free, the engine drops all pages that no
request under way uses. `/log` says of every request how many tokens its prompt has and how many of them the engine took
from its cache: what its scheduler was told by `PagedAttentionCache.search_prefix_match`.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import threading
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, cast
from unittest.mock import patch

from fastapi import FastAPI
from transformers import PreTrainedTokenizerFast
from transformers.cli.serve import Serve
from transformers.generation.continuous_batching.cache import PagedAttentionCache

from urial_opt.nano.models import WEIGHTS

_HEADING = " Query"
"""A token with which answers end, as this server knows no stop strings; the client cuts at its own, a few before."""
_BATCH = 2048
"""Tokens that are read in one pass at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenUp:
    """One request."""

    prompt: str
    tokens: int
    cached: int
    """Tokens of the prompt that were in the cache."""


class Counter:
    """Counts what the engine's own methods return; one for a process."""

    def __init__(self, folder: str) -> None:
        self._taken_up: dict[str, tuple[list[int], int]] = {}
        """Tokens of the prompt, and how many were cached, by request."""
        self._dropped = 0
        self._tokenizer = PreTrainedTokenizerFast.from_pretrained(folder, local_files_only=True)

    def begin(self) -> None:
        search, evict = PagedAttentionCache.search_prefix_match, PagedAttentionCache.evict_cached_blocks

        def counted_search(cache: PagedAttentionCache, request_id: str, prompt_ids: list[int]) -> int:
            matched: int = search(cache, request_id, prompt_ids)
            # A request that finds no room is looked up again later.
            self._taken_up[request_id] = (list(prompt_ids), matched)
            return matched

        def counted_evict(cache: PagedAttentionCache) -> bool:
            dropped: bool = evict(cache)
            self._dropped += dropped
            return dropped

        patch.object(PagedAttentionCache, "search_prefix_match", counted_search).start()
        patch.object(PagedAttentionCache, "evict_cached_blocks", counted_evict).start()

    def tell(self) -> dict[str, Any]:
        taken_up = [
            TakenUp(prompt=self._tokenizer.decode(ids, skip_special_tokens=True), tokens=len(ids), cached=cached)
            for ids, cached in list(self._taken_up.values())
        ]
        return {"requests": [asdict(each) for each in taken_up], "dropped": self._dropped}


def write_model(folder: Path) -> None:
    """Put the embedded base model into a new folder, so that its answers end where the next query would begin."""
    folder.mkdir()
    for path in (WEIGHTS / "base").iterdir():
        (folder / path.name).symlink_to(path)
    tokenizer = PreTrainedTokenizerFast.from_pretrained(folder, local_files_only=True)
    path = folder / "generation_config.json"
    config = json.loads(path.read_text())
    config["eos_token_id"] = [config["eos_token_id"], tokenizer.convert_tokens_to_ids(tokenizer.tokenize(_HEADING))[0]]
    path.unlink()
    path.write_text(json.dumps(config))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", help="of the model")
    parser.add_argument("--tokens", type=int, default=32768, help="room of the cache (32768)")
    parser.add_argument("--page", type=int, default=16, help="tokens that are cached or dropped together (16)")
    given = parser.parse_args()
    counter = Counter(given.folder)
    counter.begin()
    Path(os.environ["HF_HUB_CACHE"]).mkdir(exist_ok=True)  # it lists what is there
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    serve = Serve(
        force_model=given.folder,
        continuous_batching=True,
        cb_block_size=given.page,
        cb_num_blocks=given.tokens // given.page,
        cb_max_batch_tokens=_BATCH,
        device="cpu",
        dtype="float32",
        host="127.0.0.1",
        port=port,
        log_level="error",
        non_blocking=True,
    )
    cast(FastAPI, serve.server.config.app).add_api_route("/log", counter.tell)
    print(f"http://127.0.0.1:{port}", flush=True)
    threading.Event().wait()


if __name__ == "__main__":
    main()
