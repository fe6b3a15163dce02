"""A stand-in for a model server: speaks the chat-completions protocol, well or badly, as it is told.

Tests run it in a thread on loopback; ``python -m perstream.lab.stand_in_server`` runs it by hand (it repeats the last
message) to try settings without any model. Plain sockets and the standard library on purpose: a web framework would
mend what has to be broken here (half lines, wrong lengths, connections cut in the middle).
"""

from __future__ import annotations

import json
import select
import socket
import ssl
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from perstream.errors import PerStreamError
from perstream.lab.stand_in_acts import Act, Hang, Live, Raw, Say, Status, events_of, whole_of

MOST_BODY_BYTES = 64_000_000


@dataclass(frozen=True)
class Heard:
    """A request as it came."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: Any


class StandIn:
    """A server while the ``with`` lasts. ``answer`` is a function of the request's body, or acts in their order.

    ``cards`` are the rows of ``/v1/models``; ``extra`` answers other paths. With ``loras`` the two endpoints of vLLM
    for adapters are on.
    """

    def __init__(
        self,
        answer: Callable[[dict[str, Any]], Act] | Sequence[Act],
        cards: Sequence[Mapping[str, Any]] = ({"id": "stand-in", "owned_by": "lab"},),
        key: str = "",
        extra: Mapping[str, Act] | None = None,
        loras: bool = False,
        port: int = 0,
    ) -> None:
        self.cards = [dict(card) for card in cards]
        self.key = key
        self.extra = dict(extra or {})
        self.loras = loras
        self.heard: list[Heard] = []
        self.connections = 0
        self.dropped = threading.Event()
        """A client went away before its answer was complete."""
        self.over = threading.Event()
        self._script = None if callable(answer) else iter(answer)
        self._answer = answer if callable(answer) else None
        self._server = _Server(("127.0.0.1", port), _Handler)
        self._server.stand_in = self
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    @property
    def url(self) -> str:
        """Base URL of the API."""
        return f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    @property
    def chats(self) -> list[dict[str, Any]]:
        """Bodies of the chat requests so far."""
        return [heard.body for heard in self.heard if heard.path == "/v1/chat/completions"]

    def wrap(self, context: ssl.SSLContext) -> None:
        """Speak TLS from now on."""
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)

    def act(self, body: dict[str, Any]) -> Act:
        """What to do with a chat request; a script that is at its end stays with a refusal."""
        if self._answer is not None:
            return self._answer(body)
        assert self._script is not None
        return next(self._script, Status(410, {"error": {"message": "the script is at its end"}}))

    def __enter__(self) -> StandIn:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = False  # joined by server_close, so that no test leaves a socket behind
    stand_in: StandIn

    def process_request(self, request: Any, client_address: Any) -> None:
        self.stand_in.connections += 1
        super().process_request(request, client_address)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away is no news."""
        if isinstance(sys.exc_info()[1], OSError):
            self.stand_in.dropped.set()
        else:
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 5  # an idle connection does not keep the server from ending
    server: _Server

    def log_message(self, format: str, *args: Any) -> None: ...

    def do_GET(self) -> None:
        self._handle(None)

    def do_POST(self) -> None:
        size = min(int(self.headers.get("Content-Length", 0)), MOST_BODY_BYTES)
        raw = self.rfile.read(size)
        self._handle(json.loads(raw) if raw else None)

    def _handle(self, body: Any) -> None:
        lab = self.server.stand_in
        lab.heard.append(Heard(self.command, self.path, dict(self.headers), body))
        if lab.key and self.headers.get("Authorization") != f"Bearer {lab.key}":
            self._do(Status(401, {"error": {"message": f"wrong key {self.headers.get('Authorization')}"}}), body)
        elif self.path in lab.extra:
            self._do(lab.extra[self.path], body)
        elif self.path == "/v1/models":
            self._do(Status(200, {"object": "list", "data": lab.cards}), body)
        elif self.path == "/v1/chat/completions":
            self._do(lab.act(body), body)
        elif lab.loras and self.path in ("/v1/load_lora_adapter", "/v1/unload_lora_adapter"):
            self._do(self._lora(self.path.endswith("/load_lora_adapter"), body), body)
        else:
            self._do(Status(404, {"detail": "Not Found"}), body)

    def _lora(self, load: bool, body: dict[str, Any]) -> Act:
        """As vLLM does it: a card for each adapter, errors as JSON."""
        cards, name = self.server.stand_in.cards, body["lora_name"]
        if load:
            if "missing" in body["lora_path"]:
                message = f"The lora adapter '{name}' cannot be found at {body['lora_path']}."
                return Status(404, {"error": {"message": message, "type": "NotFoundError", "code": 404}})
            cards.append({"id": name, "owned_by": "vllm", "parent": cards[0]["id"], "root": body["lora_path"]})
            return Status(200, f"Success: LoRA adapter '{name}' added successfully.")
        cards[:] = [card for card in cards if card["id"] != name]
        return Status(200, f"Success: LoRA adapter '{name}' removed successfully.")

    def _do(self, act: Act, body: Any) -> None:
        if isinstance(act, Status):
            text = act.body if isinstance(act.body, str) else json.dumps(act.body)
            kind = "text/html" if text.startswith("<") else "application/json"
            self._head(act.code, {"Content-Type": kind, "Content-Length": str(len(text.encode())), **act.headers})
            self.wfile.write(text.encode())
        elif isinstance(act, Hang):
            self._wait(act.seconds)
            self.close_connection = True
        elif isinstance(act, Raw):
            length = {} if act.length is None else {"Content-Length": str(act.length)}
            self._head(200, {"Content-Type": act.kind, "Connection": "close", **length})
            for chunk in act.chunks:
                self._wait(act.pause_s)
                self.wfile.write(chunk)
            self._wait(act.then_hang_s)
            self.close_connection = True
        elif not (body or {}).get("stream"):
            self._do(Status(200, whole_of(act)), body)
        else:
            self._head(200, {"Content-Type": "text/event-stream", "Transfer-Encoding": "chunked"})
            self._stream(act, bool(body.get("stream_options", {}).get("include_usage")))

    def _stream(self, act: Say | Live, usage: bool) -> None:
        if isinstance(act, Live):
            try:
                act.speak(lambda piece: self._event({"choices": [{"index": 0, "delta": {"content": piece}}]}))
                act = Say((), usage=None)
            except PerStreamError as error:  # as real servers do it: the head is sent already
                act = Say((), finish=None, usage=None)
                self._event({"error": {"message": str(error)}})
        for event in events_of(act, usage):
            self._wait(act.pause_s)
            self._event(event)
        if act.done:
            self._chunk(b"data: [DONE]\n\n")
        self._chunk(b"")

    def _event(self, event: Any) -> None:
        self._chunk(b"data: " + json.dumps(event).encode() + b"\n\n")

    def _chunk(self, data: bytes) -> None:
        self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")

    def _head(self, code: int, headers: Mapping[str, str]) -> None:
        self.send_response(code)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def _wait(self, seconds: float) -> None:
        """Sleep until the time is over, the server ends, or the client goes away."""
        lab = self.server.stand_in
        for _ in range(int(seconds / 0.01)):
            if lab.over.wait(0.01):
                raise ConnectionAbortedError("the server ends")
            readable, _, _ = select.select([self.connection], [], [], 0)
            if readable and not self.connection.recv(1, socket.MSG_PEEK):
                lab.dropped.set()
                raise ConnectionAbortedError("the client went away")


def _repeat(body: dict[str, Any]) -> Act:
    last = body["messages"][-1]["content"]
    text = last if isinstance(last, str) else " ".join(part.get("text", f"({part['type']})") for part in last)
    return Say(tuple(f"{word} " for word in text.split()), pause_s=0.02)


if __name__ == "__main__":
    with StandIn(_repeat, port=8000) as server:
        print(f"OPENAI_BASE_URL={server.url}   (Ctrl-C ends it)")
        try:
            server.over.wait()
        except KeyboardInterrupt:
            pass
