"""A chat model behind an OpenAI-compatible server: vLLM, Ollama, llama.cpp, LM Studio, the cloud."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import msgspec

from perstream.config import BackendConfig
from perstream.errors import BackendError, BackendUnavailable
from perstream.models.chat.messages import Abilities, Message, Sampling
from perstream.models.remote.adapters import RemoteAdapters, only_model
from perstream.models.remote.address import resolve
from perstream.models.remote.budget import Budget, BudgetSpent
from perstream.models.remote.catalog import Card, cards, shown
from perstream.models.remote.client import CONNECTIONS, Client
from perstream.models.remote.dialect import Dialect
from perstream.models.remote.exchange import fetched, repeated, streamed
from perstream.models.remote.faults import RateLimited, RequestRefused, UnknownModel
from perstream.models.remote.libraries import httpx
from perstream.models.remote.reading import Reading
from perstream.models.remote.request import Said, said
from perstream.models.remote.senses import Line, Senses
from perstream.models.remote.usage import Tally
from perstream.protocols import Sent

CARD_S = 10.0
"""A server that does not say within this what its model takes gets text alone."""
_LOG = logging.getLogger(__name__)
_FORMS = 6
"""So many forms of a request are tried at most: four optional fields."""


class RemoteChat:
    """The seam ``ChatModel`` over HTTP. Thread-safe. Nothing goes out before the first use."""

    def __init__(
        self,
        config: BackendConfig,
        environ: Mapping[str, str],
        *,
        backoff_s: float = 0.5,
        clock: Callable[[], float] = time.monotonic,
        connections: int = CONNECTIONS,
    ) -> None:
        """``backoff_s`` scales the waits between repeats; ``connections`` is how many calls may run at once.

        BackendUnavailable when no server is named, ConfigError when its address must not be used.
        """
        self._address = resolve(config, environ)
        self._timeout_s = config.request_timeout_s
        self._retries = config.request_retries
        self._backoff_s = backoff_s
        self._client = Client(self._address, config.request_timeout_s, connections)
        self._budget = Budget(config.calls_per_hour, config.tokens_per_hour, clock)
        self._tally = Tally(self._address.origin)
        self._dialect = Dialect()
        self._lock = threading.Lock()
        self._base = self._address.model
        self._adapters = RemoteAdapters(self._cards, self._post, config.adapters, clock)
        self._senses = Senses(config.pictures, config.sound, Line(self._card, self._fetch_root, self._tried), clock)

    @property
    def name(self) -> str:
        """The model, as far as it is known yet, and where it is."""
        return f"{self._adapters.active or self._base or 'the model'} at {self._address.origin}"

    @property
    def abilities(self) -> Abilities:
        """Which parts may be sent. The first use may ask the server; one that does not answer gets text alone."""
        return self._senses.abilities()

    @property
    def adapters(self) -> RemoteAdapters:
        """The LoRA adapters on the server; on servers other than vLLM there are none."""
        return self._adapters

    def models(self) -> tuple[str, ...]:
        """What the server has, adapters included. BackendUnavailable when it does not answer."""
        return tuple(card.id for card in self._cards())

    def sent(self) -> tuple[Sent, ...]:
        """What left this process so far."""
        return self._tally.rows()

    def spent(self) -> float:
        """Share of the hourly budget that is used up."""
        return self._budget.share()

    def close(self) -> None:
        """Drop running calls and close the connections."""
        self._client.close()

    def reply(
        self,
        messages: Sequence[Message],
        sampling: Sampling,
        say: Callable[[str], None],
        cancelled: Callable[[], bool],
    ) -> str:
        """The answer, stripped; see ``ChatModel``. A cancel is heard within 0.1 s, also while no token comes."""
        plain = all(isinstance(part, str) for message in messages for part in message.parts)
        request = said(messages, Abilities() if plain else self.abilities)
        return self._asked(request, sampling, say, cancelled).text()

    # --- asking ---------------------------------------------------------------------------

    def _asked(
        self, request: Said, sampling: Sampling, say: Callable[[str], None], cancelled: Callable[[], bool]
    ) -> Reading:
        model = self._model()
        try:
            return self._client.call(partial(self._work, model, request, sampling), say, cancelled)
        except UnknownModel as error:
            raise self._listed(model, error) from error

    async def _work(
        self, model: str, request: Said, sampling: Sampling, http: httpx.AsyncClient, say: Callable[[str], None]
    ) -> Reading:
        """One call in the form that the server takes; what is learned about it is kept when it worked."""
        dialect = self._dialect
        for form in range(_FORMS):
            once = partial(self._once, model, request, sampling, dialect, http, say)
            try:
                reading = await repeated(once, self._retries, self._backoff_s)
            except RequestRefused as fault:
                if request.pictures and fault.about_pictures:
                    self._senses.blind()
                    raise
                eased = dialect.eased(fault, sampling)
                if eased is None or form == _FORMS - 1:
                    raise
                _LOG.info("asking in another form: %s", fault)
                dialect = eased
            else:
                self._dialect = dialect
                return reading
        raise AssertionError("unreachable")

    async def _once(
        self,
        model: str,
        request: Said,
        sampling: Sampling,
        dialect: Dialect,
        http: httpx.AsyncClient,
        say: Callable[[str], None],
    ) -> Reading:
        """One request, counted whatever becomes of it."""
        kind = sampling.kind
        try:
            ticket = self._budget.take(kind, request.tokens + sampling.max_new_tokens)
        except BudgetSpent:
            self._tally.refused(model, kind)
            raise
        body = msgspec.json.encode({"model": model, "messages": request.messages, **dialect.fields(sampling)})
        self._tally.called(model, kind, len(body), request.pictures, request.sounds)
        reading = Reading(self._address, sampling.max_new_tokens)
        failed = False
        try:
            await streamed(http, self._address, body, model, reading, self._timeout_s, say)
            reading.text()
        except BackendError as error:
            failed = True
            self._tally.failed(model, kind)
            if isinstance(error, RateLimited):
                self._budget.pause(error.after_s)
            raise
        finally:  # a cancelled call counts too: the server has read it
            nothing = failed and not reading.out
            tokens_in, tokens_out = reading.counted or ((0, 0) if nothing else (request.tokens, reading.out))
            self._budget.settle(ticket, tokens_in + tokens_out)
            self._tally.came(model, kind, tokens_in, tokens_out, not nothing and reading.counted is None)
        return reading

    def _tried(self, messages: tuple[Message, ...], abilities: Abilities, sampling: Sampling) -> tuple[str, int]:
        reading = self._asked(said(messages, abilities), sampling, lambda _: None, _never)
        return reading.text(), (reading.counted or (0, 0))[0]

    # --- the server's models --------------------------------------------------------------

    def _model(self) -> str:
        """The name to ask for: the adapter in use, else the model of the settings, else the only one there."""
        self._adapters.adopt()
        if not self._base:
            found = self._cards()
            with self._lock:
                self._base = self._base or only_model(found, self._address.origin)
        return self._adapters.active or self._base

    def _card(self) -> Card | None:
        model = self._model()
        # On the way to a caption or an answer: a server that hangs must not be waited for twice.
        return next((card for card in self._cards(CARD_S) if card.id == model), None)

    def _cards(self, patience_s: float | None = None) -> tuple[Card, ...]:
        return cards(self._fetch("GET", f"{self._address.url}/models", None, patience_s), self._address.origin)

    def _post(self, path: str, body: dict[str, Any]) -> Any:
        return self._fetch("POST", self._address.url + path, body)

    def _fetch_root(self, path: str, body: dict[str, Any] | None) -> Any:
        return self._fetch("GET" if body is None else "POST", self._address.root + path, body)

    def _fetch(self, method: str, url: str, body: dict[str, Any] | None, patience_s: float | None = None) -> Any:
        raw = None if body is None else msgspec.json.encode(body)
        timeout_s = min(self._timeout_s, patience_s or self._timeout_s)

        async def work(http: httpx.AsyncClient, _: Callable[[str], None]) -> Any:
            return await fetched(http, self._address, method, url, raw, timeout_s)

        return self._client.call(work, lambda _: None, _never)

    def _listed(self, model: str, error: UnknownModel) -> BackendUnavailable:
        try:
            found = self._cards()
        except BackendError as other:
            _LOG.info("no list of models either: %s", other)
            return error
        return BackendUnavailable(f"{self._address.origin} has no model {model!r}; it has: {shown(found) or 'none'}")


def _never() -> bool:
    return False
