"""Presence: whether the file of a store is still the one that was opened, which SQLite itself does not notice.

SQLite goes on to write to a file that was removed, and loses all of it at the end.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from urial_opt.errors import StoreError


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedFile:
    """The file at `path` as it was when the store was opened."""

    path: Path
    device: int
    number: int
    """Of its inode: another file at the same path has another one."""

    @classmethod
    def at(cls, path: Path) -> OpenedFile:
        """The file that is at `path` now."""
        found = path.stat()
        return cls(path=path, device=found.st_dev, number=found.st_ino)

    def check(self) -> None:
        """StoreError if the file is no longer there, or another one is."""
        try:
            there = OpenedFile.at(self.path) == self
        except FileNotFoundError:
            what = "was removed or moved"
        except OSError as error:
            what = f"cannot be reached ({error.strerror})"
        else:
            if there:
                return
            what = "was replaced by another file"
        raise StoreError(
            f"the store {str(self.path)!r} {what} while it was in use, so nothing more can be stored there; "
            "move it back, or give another one, then type the same command again"
        )
