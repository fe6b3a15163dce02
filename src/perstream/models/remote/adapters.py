"""LoRA adapters that a server holds: vLLM serves each as a model of its own name, with ``parent`` the base model."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from typing import Any

from perstream.errors import BackendError, BackendUnavailable, ConfigError, NotFound
from perstream.models.remote.catalog import Card, shown
from perstream.models.remote.faults import UnknownModel

_LOG = logging.getLogger(__name__)
FRESH_S = 10.0
GLANCE_S = 2.0
"""Status asks for the names: it does not wait for a server that hangs."""
_OFF = (
    "this server loads no adapters at run time: start vLLM with --enable-lora and "
    "VLLM_ALLOW_RUNTIME_LORA_UPDATING=True, or name them at its start by --lora-modules"
)


class RemoteAdapters:
    """The seam ``perstream.protocols.Adapters`` over HTTP. Thread-safe.

    Other servers than vLLM show no adapters: ``names`` is empty there and ``load`` says why.
    """

    def __init__(
        self,
        cards: Callable[[float | None], tuple[Card, ...]],
        post: Callable[[str, dict[str, Any]], Any],
        wanted: Sequence[str],
        clock: Callable[[], float],
    ) -> None:
        """``cards`` takes how many seconds it may wait, None for as long as any call."""
        self._cards = cards
        self._post = post
        self._wanted = [_pair(entry) for entry in wanted]
        self._lock = threading.Lock()
        self._clock = clock
        self._looking = threading.Lock()
        self._looked_at: float | None = None
        self._last: tuple[str, ...] = ()
        self._active: str | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """Those on the server, looked up at most every ``FRESH_S``; as last known while it does not answer at once."""
        with self._looking:
            now = self._clock()
            if self._looked_at is None or now - self._looked_at >= FRESH_S:
                self._looked_at = now
                try:
                    self._last = tuple(card.id for card in self._cards(GLANCE_S) if card.parent)
                except BackendError as error:
                    _LOG.warning("adapters as last known: %s", error)
            return self._last

    @property
    def active(self) -> str | None:
        """The name that is asked for instead of the base model's; None is the base model."""
        return self._active

    def load(self, name: str, path: str) -> None:
        """Have the server load one; ``path`` is on the server's machine, or a hub id there.

        BackendUnavailable when the server does not, with what it said.
        """
        there = self._found().get(name)
        if there is not None:
            if there.root == path:
                return
            raise BackendUnavailable(f"the server has another adapter {name!r} already: unload it first")
        try:
            self._post("/load_lora_adapter", {"lora_name": name, "lora_path": path})
        except UnknownModel as error:
            raise BackendUnavailable(_why(error, f"adapter {name!r} at {path!r}")) from error
        except BackendError as error:
            raise BackendUnavailable(f"adapter {name!r} was not loaded: {error}") from error
        self._looked_at = None

    def use(self, name: str | None) -> None:
        """Switch the next calls to it, or with None back to the base model. NotFound for an unknown name."""
        if name is not None and name not in (found := self._found()):
            raise NotFound(f"the server has no adapter {name!r}; it has: {', '.join(found) or 'none'}")
        self._active = name

    def unload(self, name: str) -> None:
        """Have the server let one go. NotFound for an unknown name."""
        if name not in (found := self._found()):
            raise NotFound(f"the server has no adapter {name!r}; it has: {', '.join(found) or 'none'}")
        try:
            self._post("/unload_lora_adapter", {"lora_name": name})
        except UnknownModel as error:
            raise BackendUnavailable(_why(error, f"adapter {name!r}")) from error
        self._looked_at = None
        if self._active == name:
            self._active = None

    def adopt(self) -> None:
        """See to it once that the adapters of the settings are there; the first one is used."""
        with self._lock:
            if not self._wanted:
                return
            for name, path in self._wanted:
                if name not in self._found():
                    self.load(name, path)
            self._active = self._active or self._wanted[0][0]
            self._wanted = []

    def _found(self) -> dict[str, Card]:
        found = {card.id: card for card in self._cards(None) if card.parent}
        self._last = tuple(found)
        return found


def only_model(found: tuple[Card, ...], origin: str) -> str:
    """The one model to ask where nobody named one. BackendUnavailable when there is not exactly one."""
    bases = tuple(card for card in found if not card.parent)
    if not bases:
        raise BackendUnavailable(f"{origin} serves no model: load or pull one there first")
    if len(bases) > 1:
        raise BackendUnavailable(f"{origin} serves several models: set backend.served_model to one of {shown(bases)}")
    return bases[0].id


def _why(error: UnknownModel, what: str) -> str:
    """vLLM without the route says plain "Not Found"; with it, what it did not find."""
    return _OFF if error.said.strip() in ("Not Found", "(nothing)", "(a web page)") else f"{what}: {error.said}"


def _pair(entry: str) -> tuple[str, str]:
    name, equals, path = entry.partition("=")
    if not (equals and name.strip() and path.strip()):
        raise ConfigError(f"backend.adapters: {entry!r} is not NAME=PATH")
    return name.strip(), path.strip()
