"""Whether the model on a server sees and hears: by what the server says about it, else by trying once.

Guessing from a model's name would be wrong with every new model. Trying means: a small picture of one colour, whose
name only a model that sees can say; and a second of noise, which only a model that hears makes tokens of.
"""

from __future__ import annotations

import logging
import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from perstream.errors import BackendError, BackendUnavailable
from perstream.models.chat.messages import Abilities, Message, Picture, Sampling, Sound
from perstream.models.remote.catalog import Card
from perstream.models.remote.media import RATE

_LOG = logging.getLogger(__name__)
_COLOURS = {"red": (220, 20, 20), "green": (20, 160, 40), "blue": (20, 40, 220), "yellow": (240, 220, 20)}
_SIDE = 112
_AGAIN_S = 60.0
"""When the server could not be asked, it is asked again after so long."""
_TRY = Sampling(max_new_tokens=64, kind="probe")
_SECOND = (5, 200)
"""Tokens that one second of sound may cost; more is a server that took the base64 for text."""

Wish = Literal["auto", "always", "never"]


@dataclass(frozen=True, slots=True)
class Line:
    """The ways to ask the server."""

    card: Callable[[], Card | None]
    """The model's entry in the list of models."""
    fetch: Callable[[str, dict[str, Any] | None], Any]
    """A path under the server's root, posted to when there is a body."""
    ask: Callable[[tuple[Message, ...], Abilities, Sampling], tuple[str, int]]
    """A chat call: (answer, tokens in as the server counted them or 0)."""


class Senses:
    """Found out on first use and remembered for the process. Thread-safe."""

    def __init__(self, pictures: Wish, sound: Wish, line: Line, clock: Callable[[], float]) -> None:
        self._pictures = pictures
        self._sound = sound
        self._line = line
        self._clock = clock
        self._lock = threading.Lock()
        self._known: Abilities | None = None
        self._asked_at: float | None = None

    def abilities(self) -> Abilities:
        """What may be sent. While the server cannot be asked: only what the settings say outright."""
        plain = Abilities(self._pictures == "always", None, self._sound == "always")
        if "auto" not in (self._pictures, self._sound):
            return plain
        if not self._lock.acquire(blocking=False):  # another thread asks just now: nobody waits for that
            return self._known or plain
        try:
            if self._known is None and (self._asked_at is None or self._clock() - self._asked_at > _AGAIN_S):
                self._asked_at = self._clock()
                self._known = self._found()
                _LOG.info("the model server takes: text%s", _listed(self._known))
        except BackendUnavailable as error:
            _LOG.warning("pictures and sound are not sent for now: %s", error)
        finally:
            self._lock.release()
        return self._known or plain

    def blind(self) -> None:
        """A picture was refused after all: send no more of them, unless the settings say always."""
        known = self._known  # no lock: it may be held by the thread that waits for this very answer
        if known is not None and self._pictures == "auto":
            self._known = Abilities(False, None, known.sound)

    def _found(self) -> Abilities:
        told = self._told()
        return Abilities(
            self._one(self._pictures, told, {"image", "vision"}, self._sees),
            None,
            self._one(self._sound, told, {"audio"}, self._hears),
        )

    def _one(self, wish: Wish, told: frozenset[str] | None, kinds: set[str], tried: Callable[[], bool]) -> bool:
        if wish != "auto":
            return wish == "always"
        return tried() if told is None else bool(kinds & told)

    def _told(self) -> frozenset[str] | None:
        """What the server says about the model, in the three forms there are; None when it says nothing."""
        card = self._line.card()
        if card is None or card.modalities is not None:
            return card.modalities if card else None
        if card.owned_by == "library":  # Ollama
            tree = self._quietly("/api/show", {"model": card.id})
            able = tree.get("capabilities")
            return frozenset(str(one) for one in able) if isinstance(able, list) else None
        if card.owned_by == "llamacpp":  # before it had the architecture in its list
            able = self._quietly("/props", None).get("modalities")
            if isinstance(able, dict):
                return frozenset(kind for kind, has in able.items() if has is True)
        return None

    def _quietly(self, path: str, body: dict[str, Any] | None) -> dict[str, Any]:
        try:
            tree = self._line.fetch(path, body)
        except BackendError as error:
            _LOG.info("%s said nothing: %s", path, error)
            return {}
        return tree if isinstance(tree, dict) else {}

    def _sees(self) -> bool:
        colour = secrets.choice(list(_COLOURS))
        picture = Picture(np.full((_SIDE, _SIDE, 3), _COLOURS[colour], np.uint8))
        asked = "Which colour is this picture: red, green, blue or yellow? Answer with one word."
        answer = self._tried((picture, asked), Abilities(pictures=True))
        return answer is not None and {c for c in _COLOURS if c in answer[0].lower()} == {colour}

    def _hears(self) -> bool:
        noise = np.random.default_rng(0).integers(-3000, 3000, RATE).astype(np.int16)
        without = self._tried(("What do you hear?",), Abilities())
        heard = self._tried((Sound(noise), "What do you hear?"), Abilities(sound=True))
        if without is None or heard is None or not without[1] or not heard[1]:
            return False
        return _SECOND[0] <= heard[1] - without[1] <= _SECOND[1]

    def _tried(self, parts: tuple[str | Picture | Sound, ...], abilities: Abilities) -> tuple[str, int] | None:
        """None when the server refuses it; BackendUnavailable when it cannot be asked at all."""
        try:
            return self._line.ask((Message("user", parts),), abilities, _TRY)
        except BackendUnavailable:
            raise
        except BackendError as error:
            _LOG.info("tried in vain: %s", error)
            return None


def _listed(abilities: Abilities) -> str:
    return (", pictures" if abilities.pictures else "") + (", sound" if abilities.sound else "")
