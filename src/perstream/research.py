"""The research project's entry point, on this engine."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from concurrent.futures import Future
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from perstream.app import build
from perstream.errors import SourceError
from perstream.events import Done, ProactiveSaid
from perstream.settings import load
from perstream.types import MemoryRecord, Reply


@dataclass(frozen=True)
class StreamResult:
    """What came of one video."""

    replies: tuple[Reply, ...]
    """One per query, in the order given."""
    proactive: tuple[ProactiveSaid, ...]
    """What was said unasked, in the order of time."""
    memories: tuple[MemoryRecord, ...]
    """What was remembered of the video, oldest first."""
    done: Done
    """Counts and costs."""


def video_stream_with_memory(
    video_path: str | Path,
    buffer_size: int = 4,
    gamma_threshold: float = 0.3,
    enable_proactive: bool = True,
    queries: Sequence[str | tuple[float, str]] = (),
    *,
    memories: Sequence[str] = (),
    store: str | Path | None = None,
    start_time: datetime | None = None,
    backend: str = "auto",
) -> StreamResult:
    """Stream a video through the memory and answer ``queries`` with it.

    A query is a question, asked at the end, or ``(seconds, question)``, asked when the video gets
    there: then nothing that comes later is known. ``memories`` are told before it starts. Without
    ``store`` the memory is thrown away afterwards. Raises SourceError for a video that cannot be read.
    """
    with ExitStack() as stack:
        folder = store or stack.enter_context(tempfile.TemporaryDirectory(prefix="perstream-"))
        config = load(
            overrides={
                "store": str(folder),
                "backend.name": backend,
                "moment.buffer_size": buffer_size,
                "gate.gamma_threshold": gamma_threshold,
                "proactive.enabled": enable_proactive,
            }
        )
        app = stack.enter_context(build(config))
        said: list[ProactiveSaid] = []
        stack.callback(app.bus.listen(lambda event: said.append(event) if isinstance(event, ProactiveSaid) else None))
        for fact in memories:
            app.tell(fact, at=start_time)
        # Questions are in place before the first frame is.
        name = Path(video_path).name
        waiting: list[Future[Reply] | str] = [
            query if isinstance(query, str) else app.ask_at(name, *query) for query in queries
        ]
        app.watch(str(video_path), start_time=start_time, name=name)
        done = app.wait(name)
        failure = app.failure(name)
        if failure is not None:
            raise failure
        if done is None:
            raise SourceError(f"watching {video_path} did not come to an end")
        replies = tuple(app.ask(query) if isinstance(query, str) else query.result() for query in waiting)
        seen = app.memories(limit=1_000_000, source=name)
        return StreamResult(replies, tuple(said), tuple(reversed(seen)), done)
