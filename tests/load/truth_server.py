"""A server with a known truth, run as a process: `python truth_server.py '{"ttft": 0.05, ...}'`.

It prints its port. Each POST is answered with `tokens` events, the first after `ttft` seconds, the
others `gap` apart; after all of that as one JSON object where the body does not ask for a stream.
GET /log gives when each request came, by `perf_counter_ns`, and the name it came with.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import signal
import sys
import time
from typing import Any

OPTIONS: dict[str, Any] = {
    "ttft": 0.0,
    "gap": 0.0,
    "tokens": 3,
    "role_only": False,
    "slots": 0,  # requests served at once; 0: all
    "stall_at": 0.0,  # seconds after the first request
    "stall_for": 0.0,
    "status": 200,
    "fail_every": 0,  # each so many-th request is answered 500
    "fail_first": 0,  # so many requests are answered 503
    "faults": [],  # of requests 0, 1, ...: what happens when each comes for the first time
}


class Server:
    def __init__(self, options: dict[str, Any]) -> None:
        self.options = {**OPTIONS, **options}
        self.slots = asyncio.Semaphore(self.options["slots"] or 1_000_000)
        self.log: list[tuple[str, int]] = []
        self.began = 0.0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                lines = head.split("\r\n")
                headers = dict(line.lower().split(": ", 1) for line in lines[1:] if line)
                body = await reader.readexactly(int(headers.get("content-length", 0)))
                if lines[0].startswith("GET /log"):
                    writer.write(whole(200, json.dumps(self.log)))
                else:
                    self.log.append((headers.get("x-request-id", ""), time.perf_counter_ns()))
                    if await self.is_faulty(writer, lines[0].split()[1]):
                        continue
                    await self.answer(writer, b'"stream": true' in body)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def is_faulty(self, writer: asyncio.StreamWriter, path: str) -> bool:
        """Whether something else than an answer was given."""
        faults, name = self.options["faults"], self.log[-1][0]
        fault = faults[int(name) % len(faults)] if faults else ""
        if not fault or [one for one, _ in self.log].count(name) > 1:
            return False
        if isinstance(fault, int):
            writer.write(whole(fault, "{}"))
        elif fault == "redirect":
            writer.write(b"HTTP/1.1 307 There\r\nLocation: %s\r\n" % path.encode())
            writer.write(b"Content-Length: 0\r\n\r\n")
        elif fault == "gzip":
            body = gzip.compress(b'{"text": "hello"}')
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n")
            writer.write(
                b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)
            )
            writer.write(body)
        else:
            if fault == "half":
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")
            await writer.drain()
            raise ConnectionError(fault)
        return True

    async def answer(self, writer: asyncio.StreamWriter, streams: bool) -> None:
        options, number = self.options, len(self.log)
        self.stall()
        if number <= options["fail_first"]:
            writer.write(whole(503, "{}"))
            return
        if options["fail_every"] and number % options["fail_every"] == 0:
            writer.write(whole(400, "{}"))
            return
        async with self.slots:
            if not streams:
                await asyncio.sleep(options["ttft"] + options["gap"] * (options["tokens"] - 1))
                writer.write(whole(options["status"], json.dumps({"text": "hello"})))
                return
            writer.write(
                b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
                b"Transfer-Encoding: chunked\r\n\r\n"
            )
            if options["role_only"]:
                writer.write(chunk({"role": "assistant"}))
            for token in range(options["tokens"]):
                await asyncio.sleep(options["gap"] if token else options["ttft"])
                writer.write(chunk({"token": f"word{token} "}))
            writer.write(chunk({"end": True}) + b"0\r\n\r\n")

    def stall(self) -> None:
        """Nothing is read, answered or accepted for a while, once."""
        options = self.options
        self.began = self.began or time.monotonic()
        if options["stall_for"] and time.monotonic() - self.began >= options["stall_at"]:
            seconds, options["stall_for"] = options["stall_for"], 0.0
            time.sleep(seconds)


def chunk(content: dict[str, Any]) -> bytes:
    event = f"data: {json.dumps(content)}\n\n".encode()
    return b"%x\r\n%s\r\n" % (len(event), event)


def whole(status: int, text: str) -> bytes:
    head = f"HTTP/1.1 {status} Said\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {len(text)}\r\n\r\n{text}".encode()


async def main() -> None:
    server = Server(json.loads(sys.argv[1]))
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0, backlog=4096)
    print(listening.sockets[0].getsockname()[1], flush=True)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, listening.close)
    # It ends with the test that reads what it prints.
    await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main())
