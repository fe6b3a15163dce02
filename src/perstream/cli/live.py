"""What ``perstream watch`` shows while it runs: one line per event, within the terminal's width."""

from __future__ import annotations

import os
import textwrap
import threading
from collections.abc import Iterable

from perstream.cli import output
from perstream.events import (
    AlertRaised,
    Done,
    ErrorRaised,
    Event,
    FrameDropped,
    GapRecorded,
    GateDecided,
    KeyframeKept,
    MemoryStored,
    Paused,
    ProactiveSaid,
)
from perstream.jsonlines import event_to_json

NAMEABLE = ("text", "code", "people", "transcript")


PIPE_CLOSED = 141
"""Exit code as shells have it."""


class LiveView(threading.Thread):
    """Prints events from its own thread until their stream ends."""

    def __init__(self, events: Iterable[Event], as_json: bool, everything: bool = False) -> None:
        """``everything`` shows what the gate dropped even where nothing could be named in it."""
        super().__init__(name="perstream-view", daemon=True)
        self._events = events
        self._as_json = as_json
        self._everything = everything
        self.ended = threading.Event()
        """Set when a source's Done has been printed."""
        self._seen: dict[str | None, KeyframeKept] = {}

    def run(self) -> None:
        """Print until the stream ends."""
        try:
            for event in self._events:
                self.show(event)
                if isinstance(event, Done):
                    self.ended.set()
        except BrokenPipeError:
            # Nobody reads on (| head): the end, quietly, as of every Unix tool. What was stored is on disk.
            os._exit(PIPE_CLOSED)

    def show(self, event: Event) -> None:
        """Print one event."""
        if self._as_json:
            output.emit(event_to_json(event))
        elif isinstance(event, KeyframeKept):
            self._seen[event.source] = event  # shown together with the gate's decision
        elif isinstance(event, GateDecided):
            self._gate(event)
        elif isinstance(event, MemoryStored):
            self._memory(event)
        elif isinstance(event, ProactiveSaid):
            _line(event, "▶", event.text, color="magenta", bold=True)
            _line(event, " ", f"why now: {event.why}", dim=True)
        elif isinstance(event, Done):
            self._done(event)
        else:
            self._rest(event)

    def _gate(self, event: GateDecided) -> None:
        keyframe = self._seen.pop(event.source, None)
        seen = " · ".join(keyframe.seen) if keyframe else "something heard"
        score = f"{event.category} {event.score:.2f}"
        if event.remembered:
            _line(event, "●", f"keep  {score}  {seen}", color="green")
        elif self._everything or any(word.startswith(NAMEABLE) for word in seen.split(" · ")):
            _line(event, "○", f"skip  {score}  {seen}", dim=True, cut=True)

    def _memory(self, event: MemoryStored) -> None:
        _line(event, "◆", f"#{event.id} {event.category}: {event.caption}", color="cyan")
        for triplet in event.triplets[:4]:
            _line(event, " ", f"↳ {triplet.subject} · {triplet.predicate} · {triplet.object}", dim=True, cut=True)

    def _done(self, event: Done) -> None:
        dropped = ", ".join(f"{count} {reason}" for reason, count in event.dropped.items()) or "none"
        speed = f" ({event.video_s / event.wall_s:.1f}× real time)" if event.wall_s > 0 and event.video_s else ""
        _line(
            event,
            "■",
            f"done: {event.frames} frames in {event.wall_s:.1f} s{speed}, {event.keyframes} keyframes, "
            f"{event.memories} memories; dropped: {dropped}; peak {event.peak_rss_mb:.0f} MB",
            bold=True,
        )

    def _rest(self, event: Event) -> None:
        if isinstance(event, FrameDropped):
            _line(event, "!", f"{event.count} frames dropped: {event.reason}", color="yellow")
        elif isinstance(event, GapRecorded):
            _line(event, "!", f"nothing seen for {event.end_s - event.start_s:.1f} s: {event.reason}", color="yellow")
        elif isinstance(event, Paused):
            _line(event, "!", "paused" if event.paused else "watching again", color="yellow")
        elif isinstance(event, AlertRaised):
            _line(
                event, "!", f"{event.rule}: {event.text}", color="yellow" if event.active else None, bold=event.active
            )
        elif isinstance(event, ErrorRaised):
            _line(event, "✗", f"{event.kind}: {event.message}", color="red")


def _line(
    event: Event,
    mark: str,
    text: str,
    *,
    color: str | None = None,
    bold: bool = False,
    dim: bool = False,
    cut: bool = False,
) -> None:
    """``  12.4s ● text``, wrapped under itself or cut at the terminal's width."""
    head = f"{'' if event.pts_s is None else f'{event.pts_s:.1f}s':>8} {mark} "
    room = output.columns() - len(head)
    text = output.safe(text).replace("\n", " ")
    lines = [textwrap.shorten(text, room, placeholder="…")] if cut else textwrap.wrap(text, room) or [""]
    for index, line in enumerate(lines):
        output.say((head if index == 0 else " " * len(head)) + line, color=color, bold=bold, dim=dim)
