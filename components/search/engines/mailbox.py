"""In: letters of trainings anywhere on a cluster. Out: the same to who reads them, and answers."""

from __future__ import annotations

import asyncio
from typing import Any

Letter = tuple[Any, ...]


class Mailbox:
    """Lives in a process of its own beside the reader, and is called by all.

    `None` for an answer means that nobody wants the training any more.
    """

    def __init__(self) -> None:
        self._letters: list[tuple[str, Letter]] = []
        self._waiting: dict[str, asyncio.Future[bool | None]] = {}
        self._open: set[str] = set()
        self._stopped = False
        self._arrived = asyncio.Event()

    async def open(self, token: str) -> None:
        """Take letters under this name from now on."""
        self._open.add(token)

    async def close(self, token: str) -> None:
        """Take no more letters under this name: its writer was given up, or has ended."""
        self._open.discard(token)
        self._reply(token, None)

    async def tell(self, token: str, letter: Letter) -> bool | None:
        """Leave a letter; return True, or None."""
        if token not in self._open or self._stopped:
            return None
        self._put(token, letter)
        return True

    async def ask(self, token: str, letter: Letter) -> bool | None:
        """Leave a letter, and wait for its answer."""
        if token not in self._open:
            return None
        self._waiting[token] = asyncio.get_running_loop().create_future()
        self._put(token, letter)
        return await self._waiting[token]

    async def answer(self, token: str, go_on: bool) -> None:
        """Answer what was asked; after `stop`, that nobody wants more."""
        self._reply(token, None if self._stopped and go_on else go_on)

    async def read(self, seconds: float) -> list[tuple[str, Letter]]:
        """Return what has come, after waiting so long for a first letter."""
        if not self._letters and seconds:
            try:
                await asyncio.wait_for(self._arrived.wait(), seconds)
            except TimeoutError:
                return []
        self._arrived.clear()
        found, self._letters = self._letters, []
        return found

    async def stop(self) -> None:
        """Answer all from now on that nobody wants more; letters still come through."""
        self._stopped = True

    def _put(self, token: str, letter: Letter) -> None:
        self._letters.append((token, letter))
        self._arrived.set()

    def _reply(self, token: str, answer: bool | None) -> None:
        waiting = self._waiting.pop(token, None)
        if waiting is not None and not waiting.done():
            waiting.set_result(answer)
