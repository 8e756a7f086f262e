"""In: a folder. Out: which of its files were opened, as the kernel saw it.

Python's own audit hook sees what Python opens. Arrow, ONNX Runtime and child processes open files
without it; the kernel tells of them all, and no file is read or mapped that was not opened.
"""

from __future__ import annotations

import ctypes
import os
import struct
import sys
from pathlib import Path

import pytest

IN_OPEN, IN_Q_OVERFLOW = 0x20, 0x4000
EVENT = struct.Struct("iIII")  # inotify(7): watch, mask, cookie, length of the name that follows
BYTES = 1 << 16


class Accesses:
    """Watches files by inode, so that a hard link or a new name hides nothing."""

    def __init__(self, folder: Path) -> None:
        if sys.platform != "linux":
            pytest.skip("accesses are recorded by inotify, which only Linux has")
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._handle = self._libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        self._folder = folder
        self._watched: dict[int, Path] = {}

    def watch(self) -> None:
        """Watch every file that is there now."""
        for path in self._folder.rglob("*"):
            if path.is_file():
                number = self._libc.inotify_add_watch(self._handle, os.fsencode(path), IN_OPEN)
                if number < 0:
                    raise OSError(ctypes.get_errno(), f"{path} cannot be watched")
                self._watched[number] = path.relative_to(self._folder)

    def opened(self) -> set[str]:
        """Return the watched files that were opened since this was last asked."""
        found: set[str] = set()
        while events := self._read():
            at = 0
            while at < len(events):
                number, mask, _, length = EVENT.unpack_from(events, at)
                at += EVENT.size + length
                if mask & IN_Q_OVERFLOW:
                    raise OverflowError("more accesses than the kernel keeps")
                if mask & IN_OPEN:
                    found.add(self._watched[number].as_posix())
        return found

    def close(self) -> None:
        """Watch no more."""
        os.close(self._handle)

    def _read(self) -> bytes:
        try:
            return os.read(self._handle, BYTES)
        except BlockingIOError:
            return b""
