"""A server on loopback that speaks the OpenAI API, and remembers what it was asked."""

from __future__ import annotations

import base64
import json
import struct
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

MODEL = "parrot-1"
DONE = b"data: [DONE]\n\n"


@dataclass
class Call:
    """One request as it came; header names in small letters."""

    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Reply:
    """What is answered: one body, or several pieces that are sent as chunks with pauses between."""

    pieces: Sequence[bytes]
    content_type: str | None = "application/json"
    status: int = 200
    pause_seconds: float = 0.0
    is_chunked: bool = False


@dataclass
class OpenaiServer:
    """Answers each request with what `answer` makes of it."""

    url: str = ""
    answer: Callable[[Call], Reply] = field(default=lambda call: parrot(call))
    calls: list[Call] = field(default_factory=list)


@contextmanager
def openai_server(answer: Callable[[Call], Reply] | None = None) -> Iterator[OpenaiServer]:
    served = OpenaiServer(answer=answer or parrot)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            length = int(self.headers.get("content-length", 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            call = Call(self.path, headers, self.rfile.read(length))
            served.calls.append(call)
            self._send(served.answer(call))

        def _send(self, reply: Reply) -> None:
            self.send_response(reply.status)
            if reply.content_type is not None:
                self.send_header("Content-Type", reply.content_type)
            if reply.is_chunked:
                self.send_header("Transfer-Encoding", "chunked")
            else:
                self.send_header("Content-Length", str(sum(map(len, reply.pieces))))
            self.end_headers()
            for piece in reply.pieces:
                chunk = b"%x\r\n%s\r\n" % (len(piece), piece) if reply.is_chunked else piece
                self.wfile.write(chunk)
                self.wfile.flush()
                time.sleep(reply.pause_seconds)
            if reply.is_chunked:
                self.wfile.write(b"0\r\n\r\n")

        def log_message(self, *_: Any) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 128

    with Server(("127.0.0.1", 0), Handler) as server:
        served.url = f"http://127.0.0.1:{server.server_port}"
        # How often it looks whether it is to end.
        serving = threading.Thread(target=server.serve_forever, args=(0.01,))
        serving.start()
        try:
            yield served
        finally:
            server.shutdown()
            serving.join()


def parrot(call: Call) -> Reply:
    """Says again, in capitals, what was said last; or gives vectors that tell texts apart."""
    asked = call.json
    if call.path.endswith("/embeddings"):
        return whole(embeddings(asked))
    is_chat = call.path.endswith("/chat/completions")
    said = (asked["messages"][-1]["content"] if is_chat else asked["prompt"]).upper()
    words = [f"{word} " for word in said.split(" ")]
    words[-1] = words[-1][:-1]
    usage = {
        "prompt_tokens": len(json.dumps(asked.get("messages", asked.get("prompt"))).split()),
        "completion_tokens": len(words),
    }
    if asked.get("stream"):
        wants_usage = (asked.get("stream_options") or {}).get("include_usage")
        return stream(chunks(words, is_chat=is_chat, usage=usage if wants_usage else None))
    message = {"message": {"role": "assistant", "content": said}} if is_chat else {"text": said}
    return whole(completion(message, usage=usage))


def completion(choice: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    """A whole answer with that message or text."""
    choices = [{"index": 0, "finish_reason": "stop", "logprobs": None, **choice}]
    made = {"id": "cmpl-1", "object": "chat.completion", "created": 1_700_000_000, "model": MODEL}
    return {**made, "choices": choices, **more}


def chunk(*choices: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    made = {"id": "cmpl-1", "object": "chat.completion.chunk", "created": 1_700_000_000}
    return {**made, "model": MODEL, "choices": list(choices), **more}


def delta(finish_reason: str | None = None, **said: Any) -> dict[str, Any]:
    """A choice of a chunk of a chat."""
    return {"index": 0, "delta": said, "logprobs": None, "finish_reason": finish_reason}


def event(value: Any) -> bytes:
    return b"data: " + json.dumps(value).encode() + b"\n\n"


def chunks(
    texts: Sequence[str], *, is_chat: bool = True, usage: Mapping[str, Any] | None = None
) -> list[bytes]:
    """The events of a stream: the role, each text, the end, the usage."""
    made = [chunk(delta(role="assistant", content=""))] if is_chat else []
    for text in texts:
        choice = delta(content=text) if is_chat else {"index": 0, "text": text}
        made.append(chunk(choice))
    made.append(
        chunk(delta("stop") if is_chat else {"index": 0, "text": "", "finish_reason": "stop"})
    )
    if usage is not None:
        made.append(chunk(usage=usage))
    return [*map(event, made), DONE]


def whole(value: Any, status: int = 200) -> Reply:
    return Reply([json.dumps(value).encode()], status=status)


def stream(events: Sequence[bytes], pause_seconds: float = 0.0) -> Reply:
    kind = "text/event-stream; charset=utf-8"
    return Reply(events, kind, pause_seconds=pause_seconds, is_chunked=True)


def vector_of(text: str, width: int = 8) -> list[float]:
    """Of 32-bit floats: the same for the same text alone, and nearer for texts that are alike."""
    counts = [0.0] * width
    for letter in text:
        counts[ord(letter) % width] += 1.1
    return list(struct.unpack(f"<{width}f", struct.pack(f"<{width}f", *counts)))


def embeddings(asked: Mapping[str, Any]) -> dict[str, Any]:
    texts = [asked["input"]] if isinstance(asked["input"], str) else asked["input"]
    data = []
    for place, text in enumerate(texts):
        vector: Any = vector_of(text, asked.get("dimensions", 8))
        if asked.get("encoding_format") == "base64":
            vector = base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()
        data.append({"object": "embedding", "index": place, "embedding": vector})
    usage = {"prompt_tokens": sum(len(text.split()) for text in texts)}
    return {"object": "list", "model": MODEL, "data": data[::-1], "usage": usage}
