"""An AsyncClient behind a front that blocks, so that one suite holds for both clients."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any, cast

from tests.fake_api import KEY
from tiro.client import AsyncClient, Client


class _Blocking:
    def __init__(self, client: AsyncClient, runner: asyncio.Runner) -> None:
        self._client, self._runner = client, runner

    def __getattr__(self, name: str) -> Any:
        def call(*args: Any, **more: Any) -> Any:
            made = getattr(self._client, name)(*args, **more)
            if inspect.isawaitable(made):
                return self._runner.run(_wait_for(made))
            return iter(self._runner.run(_gather(made)))

        return call


async def _wait_for(made: Any) -> Any:
    return await made


async def _gather(made: AsyncIterator[Any]) -> list[Any]:
    return [one async for one in made]


@contextmanager
def awaited(url: str, slept: list[float]) -> Iterator[Client]:
    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    with asyncio.Runner() as runner:
        client = AsyncClient(url, KEY, sleep=sleep)
        try:
            yield cast(Client, _Blocking(client, runner))
        finally:
            runner.run(client.close())
