"""File text: the text of a hand-written or downloaded file, whatever its encoding, within bounds.

Read are UTF-8, UTF-16 and UTF-32 with a byte order mark, and any of them compressed by gzip.
"""

from __future__ import annotations

import codecs
import gzip
import shlex
import warnings
import zlib
from pathlib import Path

from urial_opt.content import READ_AS, is_lfs_pointer, mended
from urial_opt.errors import SpaceError, UrialOptWarning

MOST_BYTES = 2**30
"""A longer file is refused, since reading it may take several times its size of memory."""

_GZIP = b"\x1f\x8b"
_MARKS = {
    codecs.BOM_UTF32_LE: "utf-32",  # before UTF-16, whose mark it begins with
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}


def read_text(path: Path, *, most: int = MOST_BYTES) -> str:
    """The text of a file, with `\\n` at the end of each line; SpaceError if it is missing, unreadable or blank.

    Half a character becomes U+FFFD, and a warning says so.
    """
    content = _read(path, most)
    if is_lfs_pointer(content):
        raise SpaceError(f"{path}:1: this is a Git LFS pointer, not the file that it stands for; type: git lfs pull")
    text = _decoded(path, content).replace("\r\n", "\n").replace("\r", "\n")
    if not text.strip():
        raise SpaceError(f"{path}:1: the file is empty; fill it, or name another")
    return noted(path, text, mended(text))


def suffix_of(path: Path) -> str:
    """The suffix in lower case that tells the format of a file, without `.gz`."""
    return (Path(path.stem) if path.suffix.lower() == ".gz" else path).suffix.lower()


def noted(path: Path, text: str, whole: str) -> str:
    """`whole`, which is `text` after mending; a warning says so if they differ."""
    if whole != text:
        place = next((at for at, (old, new) in enumerate(zip(text, whole, strict=False)) if old != new), 0)
        line = text.count("\n", 0, place) + 1
        says = f"{path}:{line}: here stands half a character, such as half an emoji: {READ_AS}"
        warnings.warn(says, UrialOptWarning, stacklevel=3)
    return whole


def _read(path: Path, most: int) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(most + 1)
            if content.startswith(_GZIP):
                file.seek(0)
                with gzip.open(file) as unpacked:
                    content = unpacked.read(most + 1)
    except FileNotFoundError as error:
        raise SpaceError(f"{path}: there is no such file; write it, or name another") from error
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise SpaceError(f"{path}: the compressed file is damaged ({error}); fetch it again") from error
    except (OSError, ValueError) as error:
        says = getattr(error, "strerror", None) or str(error)
        raise SpaceError(f"{path}: {says}; name a file that can be read") from error
    if len(content) > most:
        raise SpaceError(f"{path}: holds more than {_size(most)}, the most that is read; split it")
    return content


def _size(count: int) -> str:
    return f"{count // 2**30} GiB" if count >= 2**30 else f"{count // 2**20} MiB"


def _decoded(path: Path, content: bytes) -> str:
    encoding = next((name for mark, name in _MARKS.items() if content.startswith(mark)), "utf-8")
    if encoding == "utf-8" and b"\0" in content:
        line = content.count(b"\n", 0, content.index(b"\0")) + 1
        raise SpaceError(f"{path}:{line}: holds a NUL character, as UTF-16 does; save the file as UTF-8")
    try:
        return content.decode(encoding, "surrogatepass").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        if encoding != "utf-8":
            raise SpaceError(f"{path}: byte {error.start} is not {encoding.upper()}; save the file as UTF-8") from error
        line = content.count(b"\n", 0, error.start) + 1
        name = shlex.quote(str(path))
        raise SpaceError(
            f"{path}:{line}: byte {error.start} is not UTF-8; save the file as UTF-8, such as by: "
            f"iconv -f WINDOWS-1252 -t UTF-8 {name} > utf8{path.suffix}"
        ) from error
