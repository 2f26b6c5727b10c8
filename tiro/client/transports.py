"""Who holds the conversations of tiro/client/flow.py: a Client that blocks, an AsyncClient that awaits.

Neither knows any call: each has them all, from calls.py and uploads.py, with the very signatures written there.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from functools import wraps
from types import TracebackType
from typing import Any, Concatenate, ParamSpec, Self, TypeVar

import httpx

from tiro.client import calls, uploads
from tiro.client.flow import Effect, Flow, NoAnswer, Send, Sleep, Slice, Stopped, Together
from tiro.errors import KeyRefused, NotConfigured
from tiro.listing import JobSummary

P = ParamSpec("P")
T = TypeVar("T")

TIMEOUT = httpx.Timeout(60.0, connect=10.0)  # seconds of each single read and write, not of the whole
_NO_ANSWER = (httpx.RequestError, httpx.InvalidURL)
_LOCAL = ("all://localhost", "all://*.localhost", "all://127.0.0.1")  # reached by no proxy


class Address:
    """The API of one stack, for the holder of one key."""

    def __init__(self, url: str, key: str) -> None:
        """Raises NotConfigured for an address that is none, KeyRefused for a key that no header can carry."""
        if not re.fullmatch(r"https?://[!-~]+", url):
            raise NotConfigured(f"{url!r} is not an address of the form https://….")
        if not re.fullmatch(r"[!-~]+", key):
            raise KeyRefused("The key is empty, or holds a character that no key has.")
        self.url = url.rstrip("/")
        self._key = key

    def where(self, call: Send) -> str:
        """Return what to call the other end. Not the whole of a signed address, which lets anybody in."""
        return self.url if call.url.startswith("/") else httpx.URL(call.url).host or call.url[:80]

    def request(self, call: Send, content: Any) -> dict[str, Any]:
        """Return what httpx is to send. The key goes to the API alone, and is no client's default."""
        ours = call.url.startswith("/")
        return {
            "method": call.method,
            "url": f"{self.url}{call.url}" if ours else call.url,
            "params": call.params or None,
            "headers": {**call.headers, **({"Authorization": f"Bearer {self._key}"} if ours else {})},
            "json": call.json,
            "content": content,
        }


# ---------------------------------------------------------------- blocking


def _now(flow: Callable[P, Flow[T]]) -> Callable[Concatenate[Client, P], T]:
    @wraps(flow)
    def call(self: Client, /, *args: P.args, **more: P.kwargs) -> T:
        return self.run(flow(*args, **more))

    return call


class Client:
    """The API of one stack, for the holder of one key. Use it in a `with`, or close it.

    Every call raises RequestFailed when the API says no, and Unreachable when nobody answers. What may be repeated
    is, a few times; what makes something may be too, since each such call has a key of its own.
    """

    def __init__(
        self,
        url: str,
        key: str,
        *,
        transport: httpx.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Raises NotConfigured for an address that is none, KeyRefused for a key that no header can carry."""
        self._address, self._sleep = Address(url, key), sleep
        self._http = httpx.Client(transport=transport, mounts=dict.fromkeys(_LOCAL), timeout=TIMEOUT)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        self._http.close()

    submit = _now(uploads.submit)
    resume = _now(uploads.resume)
    submit_batch = _now(uploads.submit_batch)
    batch = _now(calls.batch)
    job = _now(calls.job)
    wait = _now(calls.wait)
    page = _now(calls.page)
    cancel = _now(calls.cancel)
    delete = _now(calls.delete)
    retry = _now(calls.retry)
    transcript = _now(calls.transcript)
    media = _now(calls.media)
    models = _now(calls.models)
    model = _now(calls.model)
    add_webhook = _now(calls.add_webhook)
    webhooks = _now(calls.webhooks)
    webhook = _now(calls.webhook)
    remove_webhook = _now(calls.remove_webhook)
    rotate_webhook = _now(calls.rotate_webhook)
    test_webhook = _now(calls.test_webhook)
    deliveries = _now(calls.deliveries)
    redeliver = _now(calls.redeliver)

    def jobs(self, **filters: Any) -> Iterator[JobSummary]:
        """Yield your jobs, the newest first, page by page as they are wanted."""
        cursor: str | None = None
        while True:
            page = self.page(cursor, **filters)
            yield from page.data
            if not (cursor := page.next_cursor):
                return

    def run(self, flow: Flow[T]) -> T:
        """Hold one conversation to its end."""
        try:
            effect = next(flow)
            while True:
                effect = flow.send(self._do(effect))
        except StopIteration as end:
            value: T = end.value
            return value

    def _do(self, effect: Effect) -> httpx.Response | NoAnswer | None:
        if isinstance(effect, Send):
            return self._send(effect)
        if isinstance(effect, Sleep):
            self._sleep(effect.seconds)
        else:
            self._do_together(effect)
        return None

    def _send(self, call: Send) -> httpx.Response | NoAnswer:
        content = call.body.chunks() if call.body else None
        try:
            return self._http.request(**self._address.request(call, content))
        except _NO_ANSWER as error:
            return NoAnswer(self._address.where(call), error)

    def _do_together(self, together: Together) -> None:
        with ThreadPoolExecutor(together.at_once) as pool:
            futures = [pool.submit(self.run, flow) for flow in together.flows]
            try:
                finished, _ = wait(futures, return_when=FIRST_EXCEPTION)
            except BaseException:  # Ctrl-C
                together.stop.set()
                pool.shutdown(wait=False, cancel_futures=True)
                raise
            if any(future.exception() for future in finished):
                pool.shutdown(cancel_futures=True)  # what is on its way may arrive: it need not be sent again
        errors = (future.exception() for future in futures if not future.cancelled())
        if error := next((error for error in errors if error and not isinstance(error, Stopped)), None):
            raise error


# ---------------------------------------------------------------- awaiting


def _soon(flow: Callable[P, Flow[T]]) -> Callable[Concatenate[AsyncClient, P], Coroutine[Any, Any, T]]:
    @wraps(flow)
    async def call(self: AsyncClient, /, *args: P.args, **more: P.kwargs) -> T:
        return await self.run(flow(*args, **more))

    return call


class AsyncClient:
    """As Client, on asyncio: the same calls, awaited. Use it in an `async with`."""

    def __init__(
        self,
        url: str,
        key: str,
        *,
        transport: httpx.AsyncBaseTransport | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """Raises NotConfigured for an address that is none, KeyRefused for a key that no header can carry."""
        self._address, self._sleep = Address(url, key), sleep
        self._http = httpx.AsyncClient(transport=transport, mounts=dict.fromkeys(_LOCAL), timeout=TIMEOUT)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        await self._http.aclose()

    submit = _soon(uploads.submit)
    resume = _soon(uploads.resume)
    submit_batch = _soon(uploads.submit_batch)
    batch = _soon(calls.batch)
    job = _soon(calls.job)
    wait = _soon(calls.wait)
    page = _soon(calls.page)
    cancel = _soon(calls.cancel)
    delete = _soon(calls.delete)
    retry = _soon(calls.retry)
    transcript = _soon(calls.transcript)
    media = _soon(calls.media)
    models = _soon(calls.models)
    model = _soon(calls.model)
    add_webhook = _soon(calls.add_webhook)
    webhooks = _soon(calls.webhooks)
    webhook = _soon(calls.webhook)
    remove_webhook = _soon(calls.remove_webhook)
    rotate_webhook = _soon(calls.rotate_webhook)
    test_webhook = _soon(calls.test_webhook)
    deliveries = _soon(calls.deliveries)
    redeliver = _soon(calls.redeliver)

    async def jobs(self, **filters: Any) -> AsyncIterator[JobSummary]:
        """Yield your jobs, the newest first, page by page as they are wanted."""
        cursor: str | None = None
        while True:
            page = await self.page(cursor, **filters)
            for summary in page.data:
                yield summary
            if not (cursor := page.next_cursor):
                return

    async def run(self, flow: Flow[T]) -> T:
        """Hold one conversation to its end."""
        try:
            effect = next(flow)
            while True:
                effect = flow.send(await self._do(effect))
        except StopIteration as end:
            value: T = end.value
            return value

    async def _do(self, effect: Effect) -> httpx.Response | NoAnswer | None:
        if isinstance(effect, Send):
            return await self._send(effect)
        if isinstance(effect, Sleep):
            await self._sleep(effect.seconds)
        else:
            await self._do_together(effect)
        return None

    async def _send(self, call: Send) -> httpx.Response | NoAnswer:
        content = _read_aside(call.body) if call.body else None
        try:
            return await self._http.request(**self._address.request(call, content))
        except _NO_ANSWER as error:
            return NoAnswer(self._address.where(call), error)

    async def _do_together(self, together: Together) -> None:
        room = asyncio.Semaphore(together.at_once)

        async def take_turns(flow: Flow[Any]) -> None:
            async with room:
                await self.run(flow)

        tasks = [asyncio.ensure_future(take_turns(flow)) for flow in together.flows]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


async def _read_aside(body: Slice) -> AsyncIterator[bytes]:
    """Read a file in a thread: a disk may be slow, and others are waiting."""
    chunks = body.chunks()
    while (chunk := await asyncio.to_thread(next, chunks, None)) is not None:
        yield chunk
