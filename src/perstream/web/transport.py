"""The client's wire: requests, server-sent events, and errors as PerStream's own."""

from __future__ import annotations

import json
import socket
import ssl
import threading
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

import httpx

from perstream.errors import BackendUnavailable, BadOutput, Interrupted
from perstream.jsonlines import Json, plain
from perstream.web.wire import error_from_json

ANSWER_S = 120.0
"""A question may wait for a model."""
SILENCE_S = 60.0
"""Of a stream of events: four heartbeats missed."""
PAUSES_S = (0.1, 0.4)
"""Before what only reads is tried again; what changes anything never is."""
PASSING = (httpx.NetworkError, httpx.RemoteProtocolError)
"""What may be over a moment later. Time-outs are not: they have been waited for."""
LONGEST_PAUSE_S = 5.0
"""A server that wants more patience is not waited for."""
LOOK_S = 0.05
"""How often a stream looks whether it is still wanted."""


def given(**values: Any) -> Json:
    """The values that are not None, as JSON."""
    return {key: plain(value) for key, value in values.items() if value is not None}


class Transport:
    """Speaks to one daemon. Raises BackendUnavailable when it is gone, else what its problem stands for."""

    def __init__(
        self,
        url: str,
        token: str,
        *,
        trust: ssl.SSLContext | None = None,
        timeout_s: float = ANSWER_S,
        renewed: Callable[[], str] | None = None,
    ) -> None:
        """``trust`` instead of the system's certificate authorities; ``timeout_s``: the longest silence.

        ``renewed`` finds the token again when it is refused: it may have been rotated.
        """
        self._url = url
        self._auth = _Bearer(token, renewed)
        self._trust = trust
        self._timeout_s = timeout_s
        self._http = self._new(timeout_s)

    def call(self, method: str, path: str, body: Json | None = None, query: Mapping[str, Any] | None = None) -> Any:
        """The JSON that is answered; None when nothing is."""
        return _content(self.send(method, path, body, query))

    def post(self, path: str, data: bytes, query: Mapping[str, Any]) -> Any:
        """The JSON that is answered to a body that is none."""
        try:
            return _content(self._http.post(path, content=data, params=query))
        except httpx.HTTPError as error:
            raise self._gone(error) from error

    def send(
        self, method: str, path: str, body: Json | None = None, query: Mapping[str, Any] | None = None
    ) -> httpx.Response:
        """The answer as it comes, of whatever status. What only reads is tried again after a short while."""
        left = list(PAUSES_S) if method == "GET" else []
        while True:
            try:
                answer = self._http.request(method, path, json=body, params=query)
                wait = _asked_to_wait(answer)
                if wait is None or not left:
                    return answer
            except httpx.HTTPError as error:
                if not left or not isinstance(error, PASSING):
                    raise self._gone(error) from error
                wait = 0.0
            time.sleep(max(left.pop(0), wait))

    @contextmanager
    def stream(
        self,
        method: str,
        path: str,
        body: Json | None = None,
        began: Callable[[], None] | None = None,
        cancelled: Callable[[], bool] | None = None,
    ) -> Iterator[Iterator[tuple[str, Json]]]:
        """Server-sent events as (name, data); ``began`` is called at the first sign of life.

        Interrupted as soon as ``cancelled`` says so, which is asked on another thread.
        """
        # A client of its own: one that is shared must not be closed under the hands of another thread.
        with self._new(SILENCE_S if method == "GET" else self._timeout_s) as http:
            try:
                with http.stream(method, path, json=body) as answer, _until(answer, cancelled):
                    if answer.is_error:
                        answer.read()
                        raise _error(answer)
                    yield _events(answer.iter_lines(), began)
            except httpx.HTTPError as error:
                if cancelled is not None and cancelled():
                    raise Interrupted("the question was withdrawn") from error
                raise self._gone(error) from error

    def close(self) -> None:
        """Let go of the connection."""
        self._http.close()

    def _new(self, timeout_s: float) -> httpx.Client:
        timeout = httpx.Timeout(timeout_s, connect=5.0)
        # Never by a proxy: it would get to see the token, and the memory.
        return httpx.Client(
            base_url=self._url,
            auth=self._auth,
            timeout=timeout,
            trust_env=False,
            verify=True if self._trust is None else self._trust,
        )

    def _gone(self, error: httpx.HTTPError) -> BackendUnavailable:
        return BackendUnavailable(f"the daemon at {self._url} does not answer ({type(error).__name__})")


class _Bearer(httpx.Auth):
    """The token of every request."""

    def __init__(self, token: str, renewed: Callable[[], str] | None) -> None:
        self._token = token
        self._renewed = renewed

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """As httpx wants it."""
        token = self._token
        request.headers["Authorization"] = f"Bearer {token}"
        answer = yield request
        if answer.status_code == 401 and self._renewed is not None and (new := self._renewed()) != token:
            self._token = new
            request.headers["Authorization"] = f"Bearer {new}"
            yield request


@contextmanager
def _until(answer: httpx.Response, cancelled: Callable[[], bool] | None) -> Iterator[None]:
    """Cut the connection when the answer is no longer wanted: whoever reads it is blocked until then."""
    if cancelled is None:
        yield
        return
    over = threading.Event()

    def watch() -> None:
        while not over.wait(LOOK_S):
            if cancelled():
                connection = answer.extensions["network_stream"].get_extra_info("socket")
                with suppress(OSError):
                    # Of the plain socket below, even of TLS: that one must not be touched while it is read.
                    socket.socket.shutdown(connection, socket.SHUT_RDWR)
                return

    threading.Thread(target=watch, name="perstream-withdraw", daemon=True).start()
    try:
        yield
    finally:
        over.set()


def _asked_to_wait(answer: httpx.Response) -> float | None:
    """Seconds after which a server that is full wants to be asked again; None when it is not, or wants too many."""
    if answer.status_code not in (429, 503):
        return None
    text = answer.headers.get("retry-after", "")
    wait = int(text) if text.isascii() and text.isdecimal() else LONGEST_PAUSE_S + 1
    return wait if wait <= LONGEST_PAUSE_S else None


def _content(answer: httpx.Response) -> Any:
    if answer.is_error:
        raise _error(answer)
    if answer.status_code == 204:
        return None
    try:
        return answer.json()
    except ValueError as error:
        raise BadOutput("the daemon answered with something that is no JSON: is it another version?") from error


def _events(lines: Iterator[str], began: Callable[[], None] | None) -> Iterator[tuple[str, Json]]:
    """Parse the event stream format: fields until an empty line; a colon first is a comment."""
    name, data = "message", ""
    for line in lines:
        if began is not None:
            began()
        if line.startswith("event: "):
            name = line[7:]
        elif line.startswith("data: "):
            data += line[6:]
        elif not line and data:
            try:
                value = json.loads(data)
            except ValueError as error:
                raise BadOutput("the daemon sent an event that is no JSON: is it another version?") from error
            yield name, value if isinstance(value, dict) else {}
            name, data = "message", ""


def _error(answer: httpx.Response) -> Exception:
    try:
        data = answer.json()
    except ValueError:
        data = None
    return error_from_json(answer.status_code, data)
