"""Words said unasked and the owner's wishes about them, from another process."""

from __future__ import annotations

from datetime import datetime

from perstream.daemon.unasked_state import SpeechState
from perstream.jsonlines import Json, plain
from perstream.speech import Considered, Topic, Verdict
from perstream.web.transport import Transport, given
from perstream.web.wire import value_of


class RemoteUnasked:
    """The methods of :class:`perstream.daemon.unasked.Unasked` over HTTP."""

    _wire: Transport

    def proactive(self, limit: int = 50, said: bool | None = None) -> SpeechState:
        """The latest words and silences with their reasons, and the wishes in force."""
        asked = None if said is None else str(said).lower()
        data: Json = self._wire.call("GET", "/v1/proactive", query=given(limit=limit, said=asked))
        snoozed = [{"topic": one["topic"], "snoozed_until": one["until"]} for one in data["snoozed"]]
        return value_of({**data, "snoozed": snoozed}, SpeechState)

    def rate_word(self, word_id: int, verdict: Verdict) -> Considered:
        """The owner found a word useful, or dismisses it. NotFound."""
        return value_of(self._wire.call("POST", f"/v1/proactive/{word_id}/feedback", {"verdict": verdict}), Considered)

    def snooze(self, topic: str, until: datetime | None) -> None:
        """Hold back a topic ("" is everything) until a time; None wakes it. ConfigError."""
        self._wire.call("POST", "/v1/proactive/snooze", {"topic": topic, "until": plain(until)})

    def do_not_disturb(self, on: bool | None = None) -> bool:
        """Whether only health and safety is said; with ``on`` it is set first."""
        call = ("GET", None) if on is None else ("PUT", {"on": on})
        return bool(self._wire.call(call[0], "/v1/proactive/dnd", call[1])["on"])

    def speech_weights(self) -> list[Topic]:
        """The votes on topics and kinds."""
        return [value_of(one, Topic) for one in self._wire.call("GET", "/v1/proactive/weights")["weights"]]

    def reset_weights(self, topic: str | None = None) -> int:
        """Take back the votes on a topic or kind, or all; how many had any."""
        return int(self._wire.call("DELETE", "/v1/proactive/weights", query=given(topic=topic))["reset"])
