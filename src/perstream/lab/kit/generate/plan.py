"""What a generation is to do, and what it costs: moments, keys of results, calls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from perstream.lab.kit.frames import window
from perstream.lab.kit.generate.asks import VERSION
from perstream.lab.kit.generate.footage import Found
from perstream.lab.kit.generate.picks import Moment, pick
from perstream.lab.kit.journal import Journal, fingerprint
from perstream.lab.kit.predictions import Shard


@dataclass(frozen=True, slots=True)
class Plan:
    """Settings of a run."""

    out: Path
    per_video: int = 12
    """Moments of a video at most."""
    before_s: float = 4.0
    after_s: float = 1.0
    """The window around a moment from which frames are shown."""
    frames: int = 4
    runs: int = 3
    """Judged runs of a proactive record; the majority decides, a tie is silence."""
    temperature: float = 0.7
    workers: int = 8
    limit: int = 0
    """The first so many moments; 0 is all."""
    shard: Shard = field(default_factory=Shard)
    """Of the videos."""
    seed: int = 0
    """Of the splits."""
    max_calls: int = 0
    """Refuse a run that may take more; 0 is no limit."""
    fresh: bool = False
    command: str = ""

    def moments(self, found: Found) -> list[Moment]:
        """Those of this shard, the first ``limit`` of them."""
        mine = {one.video for one in self.shard.of(found.footage)}
        moments = [moment for moment in self._picked(found) if moment.footage.video in mine]
        return moments[: self.limit] if self.limit else moments

    def _picked(self, found: Found) -> Sequence[Moment]:
        return pick(found.footage, self.per_video, max(1.0, self.before_s + self.after_s))

    def times(self, moment: Moment) -> tuple[float, ...]:
        """Seconds of the frames that are shown for a moment."""
        return window(moment.time_s, self.before_s, self.after_s, self.frames)

    def run(self, found: Found, model: str, looks: bool) -> str:
        """Fingerprint of all that decides what a moment's results are."""
        return fingerprint(
            VERSION, found.dataset, model, looks, self.before_s, self.after_s, self.frames, self.runs, self.temperature
        )

    @property
    def cache(self) -> Path:
        """What is kept between runs."""
        return self.out / ".cache"

    def journal(self, found: Found, model: str, looks: bool) -> Journal:
        """Results so far of the same settings; other settings have a file of their own."""
        return Journal(self._path(found, model, looks), self.run(found, model, looks), fresh=self.fresh)

    def known(self, found: Found, model: str, looks: bool) -> Mapping[str, Any]:
        """The same to look at: nothing is made or changed."""
        if self.fresh or not self._path(found, model, looks).is_file():
            return {}
        with self.journal(found, model, looks) as journal:
            return journal.values

    def _path(self, found: Found, model: str, looks: bool) -> Path:
        return self.cache / f"{found.dataset}{self.shard.suffix}.{self.run(found, model, looks)[:12]}.jsonl"


@dataclass(frozen=True, slots=True)
class Cost:
    """Model calls of a run."""

    moments: int
    videos: int
    calls: int
    """At most, without repairs."""
    known: int
    """Results of an earlier run."""
    pictures: int
    """With each call."""

    @property
    def line(self) -> str:
        """For people, before it starts."""
        return (
            f"{self.moments} moments of {self.videos} videos: at most {self.calls} model calls with up to {self.pictures} "
            f"pictures each ({self.known} results are known from before); a reply that cannot be used costs a second call"
        )


def cost_of(plan: Plan, moments: Sequence[Moment], results: Mapping[str, Any]) -> Cost:
    """What is left to be asked."""
    known = {key.rpartition(" ")[0] if not key.startswith("memories ") else key for key in results}
    calls = done = 0
    for moment in moments:
        for kind, each in (("memories", 1), ("passive", 1), ("proactive", plan.runs)):
            found = f"{kind} {moment.key}" in known
            calls += 0 if found else each
            done += found
    return Cost(len(moments), len({m.footage.video for m in moments}), calls, done, plan.frames)
