"""Folder lock: keeps other processes on this machine waiting, without touching the file of a database."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_PAUSE = 0.01
"""Seconds between two tries."""


@contextmanager
def locked_folder(folder: Path, *, wait_seconds: float) -> Iterator[None]:
    """Hold the lock of a folder, which ends with the process. TimeoutError if another one keeps it for too long.

    The lock is on the folder because closing any handle of the file would end SQLite's own locks on it.
    """
    handle = os.open(folder, os.O_RDONLY)
    try:
        _lock(handle, time.monotonic() + wait_seconds)
        yield
    finally:
        os.close(handle)


def _lock(handle: int, give_up: float) -> None:
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            if time.monotonic() > give_up:
                raise TimeoutError from error
            time.sleep(_PAUSE)
        except OSError:  # a file system without such locks: go on as if alone
            return
        else:
            return
