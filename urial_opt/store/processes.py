"""Processes: which process works on a search, and whether it is still there."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

LEASE = 60.0
"""Seconds after its last heartbeat in which what a process has taken up is left to it (see `leases`).

A process on another host that has not been heard of for as long is gone."""
BEAT = 10.0
"""Seconds between two heartbeats."""
_HERE: set[str] = set()
"""Tokens of the searches that this process works on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkingProcess:
    """The process that works, or last worked, on a search."""

    host: str
    pid: int
    began: str
    """When the process itself began, in the kernel's terms: another process may have the same pid later."""
    token: str
    """Different for each run of a search, also within one process."""
    since: str
    """When it took up the search; ISO 8601, UTC."""

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host}, since {self.since[:19].replace('T', ' ')} UTC"

    def as_json(self) -> dict[str, object]:
        """All fields."""
        return asdict(self)

    def as_shown(self) -> dict[str, object]:
        """What people want to know: `host`, `pid` and `since`."""
        return {"host": self.host, "pid": self.pid, "since": self.since}

    @classmethod
    def read(cls, stored: Mapping[str, Any] | None) -> WorkingProcess | None:
        """The process that `as_json` described."""
        return None if stored is None else cls(**stored)


def this_process(*, since: str) -> WorkingProcess:
    """A new run of a search in this process."""
    return WorkingProcess(
        host=socket.gethostname(), pid=os.getpid(), began=_began(os.getpid()), token=uuid4().hex, since=since
    )


def take_up(process: WorkingProcess) -> None:
    """Remember that this process works on a search, until it is laid down."""
    _HERE.add(process.token)


def lay_down(process: WorkingProcess) -> None:
    """The opposite of `take_up`."""
    _HERE.discard(process.token)


def is_at_work(process: WorkingProcess, heartbeat: float | None) -> bool:
    """Whether a process still works on its search.

    On this host the kernel knows, so a killed process is gone at once. Of a process on another host the heartbeat, in
    seconds since 1970, says it.
    """
    if _is_here(process):
        return not is_gone(process)
    return heartbeat is not None and abs(time.time() - heartbeat) < LEASE


def is_gone(process: WorkingProcess) -> bool:
    """Whether a process is known to be gone, since it ran on this host and the kernel does not know it any more."""
    if not _is_here(process):
        return False
    if process.pid == os.getpid() and process.began == _began(os.getpid()):
        return process.token not in _HERE
    return process.began != _began(process.pid)


def _is_here(process: WorkingProcess) -> bool:
    return process.host == socket.gethostname() and _system(process.began) == _system(_began(os.getpid()))


def _began(pid: int) -> str:
    """System, process namespace and start of a process; without the start if there is no such process."""
    try:
        namespace = Path("/proc/self/ns/pid").readlink()
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return _began_by_ps(pid)
    try:
        # the command's name stands in brackets and may contain anything; the start is the 22nd field
        fields = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
    except OSError:
        return f"{boot} {namespace}/"
    gone = fields[0] in "ZX"  # a killed process whose parent has not asked for its code yet
    return f"{boot} {namespace}/{'' if gone else fields[19]}"


def _began_by_ps(pid: int) -> str:
    """As `_began`, on systems without `/proc`."""
    try:
        found = subprocess.check_output(["ps", "-o", "lstart=", "-p", str(pid)], text=True)
    except (OSError, subprocess.CalledProcessError):  # it fails where there is no such process
        found = ""
    return f"ps/{found.strip()}"


def _system(began: str) -> str:
    return began.rpartition("/")[0]
