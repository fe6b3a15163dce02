"""The client's wire: requests, server-sent events, and errors as PerStream's own."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import httpx

from perstream.errors import BackendUnavailable, BadOutput
from perstream.jsonlines import Json, plain
from perstream.web.wire import error_from_json

ANSWER_S = 120.0
"""A question may wait for a model."""
SILENCE_S = 60.0
"""Of a stream of events: four heartbeats missed."""


def given(**values: Any) -> Json:
    """The values that are not None, as JSON."""
    return {key: plain(value) for key, value in values.items() if value is not None}


class Transport:
    """Speaks to one daemon. Raises BackendUnavailable when it is gone, else what its problem stands for."""

    def __init__(self, url: str, token: str) -> None:
        self._url = url
        self._headers = {"Authorization": f"Bearer {token}"}
        self._http = self._new(ANSWER_S)

    def call(self, method: str, path: str, body: Json | None = None, query: Mapping[str, Any] | None = None) -> Any:
        """The JSON that is answered; None when nothing is."""
        answer = self.send(method, path, body, query)
        if answer.is_error:
            raise _error(answer)
        if answer.status_code == 204:
            return None
        try:
            return answer.json()
        except ValueError as error:
            raise BadOutput("the daemon answered with something that is no JSON: is it another version?") from error

    def send(
        self, method: str, path: str, body: Json | None = None, query: Mapping[str, Any] | None = None
    ) -> httpx.Response:
        """The answer as it comes, of whatever status."""
        try:
            return self._http.request(method, path, json=body, params=query)
        except httpx.HTTPError as error:
            raise self._gone(error) from error

    @contextmanager
    def stream(
        self, method: str, path: str, body: Json | None = None, began: Callable[[], None] | None = None
    ) -> Iterator[Iterator[tuple[str, Json]]]:
        """Server-sent events as (name, data); ``began`` is called at the first sign of life."""
        # A client of its own: one that is shared must not be closed under the hands of another thread.
        with self._new(SILENCE_S if method == "GET" else ANSWER_S) as http:
            try:
                with http.stream(method, path, json=body) as answer:
                    if answer.is_error:
                        answer.read()
                        raise _error(answer)
                    yield _events(answer.iter_lines(), began)
            except httpx.HTTPError as error:
                raise self._gone(error) from error

    def close(self) -> None:
        """Let go of the connection."""
        self._http.close()

    def _new(self, timeout_s: float) -> httpx.Client:
        timeout = httpx.Timeout(timeout_s, connect=5.0)
        # Never by a proxy: this is the same machine.
        return httpx.Client(base_url=self._url, headers=self._headers, timeout=timeout, trust_env=False)

    def _gone(self, error: httpx.HTTPError) -> BackendUnavailable:
        return BackendUnavailable(f"the daemon at {self._url} does not answer ({type(error).__name__})")


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
