"""Sharing: models of equal files, dtype and device are loaded once, however many roles they have."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from contextlib import ExitStack, contextmanager
from threading import Lock, RLock
from weakref import WeakKeyDictionary, WeakValueDictionary

from transformers import PreTrainedModel

_loading = Lock()
_loaded: WeakValueDictionary[Hashable, PreTrainedModel] = WeakValueDictionary()
"""Models in use, by what they are. A model that nobody holds any more is freed."""
_turns: WeakKeyDictionary[PreTrainedModel, RLock] = WeakKeyDictionary()


def shared_model(key: Hashable, load: Callable[[], PreTrainedModel]) -> PreTrainedModel:
    """The model that was loaded under `key` and is still held, or the one that `load` returns."""
    # One at a time, so that two threads that open the same model do not load it twice.
    with _loading:
        model = _loaded.get(key)
        if model is None:
            model = _loaded[key] = load()
        return model


@contextmanager
def turn_of(*models: PreTrainedModel) -> Iterator[None]:
    """Let no other thread compute with these models while the context lasts; the same thread may, again."""
    # Always in the same order: two threads that wait for each other's model would wait for ever.
    with ExitStack() as turns:
        for model in sorted({*models}, key=id):
            turns.enter_context(_turns.setdefault(model, RLock()))
        yield
