"""A line between a client and a server on this machine that counts, slows down and breaks.

Every peer is measured through the same line: requests, and bytes of bodies and of headers in both
directions as they pass, after compression. A rate and a delay make a slow link; a cut closes both
ends after so many bytes of the client have passed.
"""

from __future__ import annotations

import asyncio
import threading
from dataclasses import dataclass, field
from typing import Final, Self

_CHUNK: Final = 1200  # about one packet, so that a slow line is slow in small steps


@dataclass(slots=True)
class Count:
    """``body`` and ``header`` are bytes up plus bytes down."""

    requests: int = 0
    up_body: int = 0
    up_header: int = 0
    down_body: int = 0
    down_header: int = 0

    @property
    def body(self) -> int:
        return self.up_body + self.down_body

    @property
    def header(self) -> int:
        return self.up_header + self.down_header


@dataclass(slots=True)
class _Messages:
    """Splits one direction of an HTTP/1.1 connection into headers and bodies."""

    buffer: bytes = b""
    left: int = 0
    chunked: bool = False
    until_close: bool = False
    headers: int = 0
    bodies: int = 0
    messages: int = 0
    answers: bool = False
    heads: list[bool] = field(default_factory=list)

    def feed(self, data: bytes) -> None:
        self.buffer += data
        while self.buffer:
            if self.until_close or self.left:
                taken = len(self.buffer) if self.until_close else min(self.left, len(self.buffer))
                self.bodies += taken
                self.left -= 0 if self.until_close else taken
                self.buffer = self.buffer[taken:]
            elif self.chunked:
                if not self._chunk():
                    return
            elif not self._header():
                return

    def _chunk(self) -> bool:
        """Frames of chunked coding count as header: they are not content."""
        line, found, rest = self.buffer.partition(b"\r\n")
        if not found:
            return False
        size = int(line.split(b";")[0] or b"0", 16)
        if len(rest) < size + 2:
            return False
        self.headers += len(line) + 4
        self.bodies += size
        self.buffer = rest[size + 2 :]
        self.chunked = size > 0
        return True

    def _header(self) -> bool:
        head, found, rest = self.buffer.partition(b"\r\n\r\n")
        if not found:
            return False
        self.headers += len(head) + 4
        self.messages += 1
        self.buffer = rest
        lines = head.split(b"\r\n")
        fields = {
            name.strip().lower(): value.strip()
            for name, _, value in (line.partition(b":") for line in lines[1:])
        }
        status = lines[0].split(b" ")[1] if self.answers else b""
        if status in {b"204", b"304"} or status.startswith(b"1"):
            return True
        self.chunked = fields.get(b"transfer-encoding", b"").lower() == b"chunked"
        self.left = 0 if self.chunked else int(fields.get(b"content-length", b"0"))
        return True


class CountedLine:
    """``url`` leads to ``port`` of this machine, or of ``host``. ``kbit`` per second in each direction
    and ``delay`` seconds each way; both off by default. Use as a context manager.
    """

    def __init__(
        self, port: int, *, kbit: float = 0, delay: float = 0, host: str = "127.0.0.1"
    ) -> None:
        self._target = (host, port)
        self._rate = 0.0
        self._delay = 0.0
        self.shape(kbit, delay)
        self._cut_at: int | None = None
        self._passed = 0
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._ends: list[asyncio.StreamWriter] = []
        self._watched: list[tuple[_Messages, _Messages]] = []
        self._free = {True: 0.0, False: 0.0}
        self._base = Count()
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self._thread.start()
        opened = asyncio.run_coroutine_threadsafe(
            asyncio.start_server(self._serve, "127.0.0.1", 0), self._loop
        )
        self._server = opened.result(10)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    async def _close(self) -> None:
        self._server.close()
        others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    def shape(self, kbit: float, delay: float) -> None:
        """Make the line slow from now on, or quick again."""
        self._rate = kbit * 1000 / 8
        self._delay = delay

    def _totals(self) -> Count:
        total = Count()
        for up, down in self._watched:
            total.requests += up.messages
            total.up_body += up.bodies
            total.up_header += up.headers
            total.down_body += down.bodies
            total.down_header += down.headers
        return total

    def start_count(self) -> None:
        self._base = self._totals()

    def count(self) -> Count:
        """What has passed since :meth:`start_count`."""
        now, base = self._totals(), self._base
        return Count(
            now.requests - base.requests,
            now.up_body - base.up_body,
            now.up_header - base.up_header,
            now.down_body - base.down_body,
            now.down_header - base.down_header,
        )

    def cut_after(self, up_bytes: int | None) -> None:
        """Close both ends, this once, when so many more bytes of the client have passed."""
        self._passed = 0
        self._cut_at = up_bytes

    @property
    def was_cut(self) -> bool:
        return self._cut_at is None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            # Opening a connection costs a round trip before the first byte of the client can go.
            await asyncio.sleep(2 * self._delay)
            behind = await asyncio.open_connection(*self._target)
        except OSError:
            writer.close()
            return
        up, down = _Messages(), _Messages(answers=True)
        self._watched.append((up, down))
        pipes = (
            self._pipe(reader, behind[1], up, outward=True),
            self._pipe(behind[0], writer, down, outward=False),
        )
        try:
            await asyncio.gather(*(asyncio.ensure_future(pipe) for pipe in pipes))
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            behind[1].close()
            writer.close()

    async def _pipe(
        self,
        source: asyncio.StreamReader,
        target: asyncio.StreamWriter,
        messages: _Messages,
        *,
        outward: bool,
    ) -> None:
        """Bytes keep their order; each packet leaves when the line is free and arrives later."""
        queue: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
        deliver = asyncio.ensure_future(self._deliver(queue, target, messages, outward=outward))
        try:
            while data := await source.read(_CHUNK if self._rate else 65536):
                now = self._loop.time()
                start = max(now, self._free[outward])
                spent = len(data) / self._rate if self._rate else 0.0
                self._free[outward] = start + spent
                queue.put_nowait((start + spent + self._delay, data))
                if self._rate:
                    await asyncio.sleep(max(0.0, start + spent - now))
            queue.put_nowait((self._loop.time() + self._delay, b""))
            await deliver
        finally:
            deliver.cancel()

    async def _deliver(
        self,
        queue: asyncio.Queue[tuple[float, bytes]],
        target: asyncio.StreamWriter,
        messages: _Messages,
        *,
        outward: bool,
    ) -> None:
        while True:
            due, data = await queue.get()
            if due > (now := self._loop.time()):
                await asyncio.sleep(due - now)
            if not data:
                target.close()
                return
            if outward and self._cut_at is not None:
                self._passed += len(data)
                if self._passed >= self._cut_at:
                    data = data[: len(data) - (self._passed - self._cut_at)]
                    messages.feed(data)  # these bytes were sent, in vain or not
                    target.write(data)
                    self._cut_at = None
                    target.transport.abort()
                    raise ConnectionResetError("cut")
            messages.feed(data)
            target.write(data)
            await target.drain()
