"""What happens to the house as records of the log, for whoever looks later: kinds, names and counts, never content.

The fields of a record (``event``, ``source``, …) are its extras, which the JSON log shows as they are.
"""

from __future__ import annotations

import logging

from perstream.events import Done, Event, Forgotten, FrameDropped, GapRecorded, MemoryStored, Paused, Redacted

log = logging.getLogger(__name__)


def tell(event: Event) -> None:
    """``bus.listen(tell)``: quick, and it never raises."""
    source = event.source or "the house"
    if isinstance(event, Done):
        said = f"{source} ended: {event.frames} frames, {event.keyframes} keyframes, {event.memories} memories"
        _write(logging.INFO, event, said, frames=event.frames, memories=event.memories)
    elif isinstance(event, Paused):
        _write(logging.INFO, event, f"{source} was {'paused' if event.paused else 'resumed'}")
    elif isinstance(event, GapRecorded):
        seconds = round(event.end_s - event.start_s, 1)
        _write(logging.INFO, event, f"{source} gave no pictures for {seconds} s: {event.reason}", reason=event.reason)
    elif isinstance(event, Redacted):
        _write(logging.INFO, event, f"taken out of {source}: {event.kind}, {event.count} times", kind=event.kind)
    elif isinstance(event, Forgotten):
        _write(logging.INFO, event, f"{len(event.ids)} memories were forgotten", count=len(event.ids))
    elif isinstance(event, MemoryStored):
        _write(logging.DEBUG, event, f"memory {event.id} of {source} is stored", memory=event.id)
    elif isinstance(event, FrameDropped):
        _write(logging.DEBUG, event, f"{source}: {event.count} frames were not looked at: {event.reason}")


def _write(level: int, event: Event, message: str, **fields: object) -> None:
    named = {"source": event.source} if event.source else {}
    log.log(level, "%s", message, extra={"event": event.event, **named, **fields})
