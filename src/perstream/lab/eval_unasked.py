"""``perstream eval proactive --days``: what is said unasked over hours of generated days, against what was due."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from perstream.assistant.assistant import Assistant
from perstream.config import Config
from perstream.events import Event, ProactiveSaid
from perstream.lab.kit.rates import mean, resampled
from perstream.lab.sample_score import Item, score_words
from perstream.lab.unasked_day import UnaskedDay, unasked_day
from perstream.memory.memory import Memory
from perstream.protocols import Backend

Json = dict[str, Any]


@dataclass(frozen=True)
class DayScore:
    """One day, or the sum of several."""

    seed: int
    hours: float
    due: int
    hits: int
    false_alarms: int
    views: int
    """Moments at which a word could have been said."""
    late_s: tuple[float, ...]
    """Of each hit: seconds after its cause could be made out, or its time."""
    silences: dict[str, int]
    items: tuple[Item, ...] = ()


def score_day(seed: int, backend: Backend, config: Config) -> DayScore:
    """Live through the day of ``seed`` with a fresh store."""
    day = unasked_day(seed, backend.vision.dimension)
    with tempfile.TemporaryDirectory(prefix="perstream-day-") as folder:
        said, silences = _lived(day, backend, config, Path(folder))
    items = score_words(day.due, said)
    hits = [item for item in items if item.part == "due" and item.ok]
    return DayScore(
        seed=seed,
        hours=day.seconds / 3600,
        due=len(day.due),
        hits=len(hits),
        false_alarms=sum(item.part == "false alarm" for item in items),
        views=day.views,
        late_s=tuple(float(item.note.split()[0]) for item in hits),
        silences=silences,
        items=tuple(items),
    )


def _lived(
    day: UnaskedDay, backend: Backend, config: Config, folder: Path
) -> tuple[list[ProactiveSaid], dict[str, int]]:
    """Percepts, told facts and the ticking clock in the order of time."""
    events: list[Event] = []
    now = [day.start]

    def clock() -> datetime:
        return now[0]

    memory_config = replace(config.memory, thumbnails=False)
    with Memory.open(folder, memory_config, backend.embedder.embed) as memory:
        assistant = Assistant(memory, backend, config, events.append, clock, lambda _: b"", wall=clock)
        told = list(day.told)
        next_tick = 0.0

        def pass_time(until: float) -> None:
            nonlocal next_tick
            while min(next_tick, told[0][0] if told else until) < until:
                if told and told[0][0] <= next_tick:
                    at, fact = told.pop(0)
                    now[0] = day.start + timedelta(seconds=at)
                    assistant.tell(fact, at=now[0])
                    next_tick = at
                else:
                    now[0] = day.start + timedelta(seconds=next_tick)
                    next_tick += assistant.tick(now[0])

        for percept in day.percepts:
            pass_time(percept.keyframe.pts_s)
            now[0] = percept.keyframe.captured_at
            assistant.see(percept)
        pass_time(day.seconds)
        silences = dict(assistant.policy.silences)
    return [_placed(event, day) for event in events if isinstance(event, ProactiveSaid)], silences


def _placed(word: ProactiveSaid, day: UnaskedDay) -> ProactiveSaid:
    """A word by the wall clock, on the day's."""
    return word if word.pts_s is not None else replace(word, pts_s=(word.at - day.start).total_seconds())


def report(scores: Sequence[DayScore]) -> Json:
    """Precision, recall, F1 with 95 % bootstrap intervals over days, false alarms an hour, timeliness, baselines."""
    counts = np.array([(s.hits, s.false_alarms, s.due - s.hits, s.hours, s.views) for s in scores], float)

    def measured(name: str, rows: np.ndarray[Any, Any]) -> float | None:
        hits, alarms, misses, hours, _ = rows.sum(axis=0)
        of = {"precision": hits + alarms, "recall": hits + misses, "f1": 2 * hits + alarms + misses}
        if name == "false_alarms_per_hour":
            return round(float(alarms / hours), 3) if hours else None
        top = 2 * hits if name == "f1" else hits
        return round(float(top / of[name]), 4) if of[name] else None

    names = ("precision", "recall", "f1", "false_alarms_per_hour")
    due, views = int(counts[:, [0, 2]].sum()), int(counts[:, 4].sum())
    hours = float(counts[:, 3].sum())
    silences: dict[str, int] = {}
    for score in scores:
        for reason, count in score.silences.items():
            silences[reason] = silences.get(reason, 0) + count
    always = {"precision": round(due / views, 4), "recall": 1.0, "f1": round(2 * due / (views + due), 4)}
    return {
        "days": len(scores),
        "hours": round(hours, 2),
        "due": due,
        "hits": int(counts[:, 0].sum()),
        "false_alarms": int(counts[:, 1].sum()),
        "misses": int(counts[:, 2].sum()),
        **{name: measured(name, counts) for name in names},
        **{
            f"{name}_ci95": resampled(len(scores), lambda at, name=name: measured(name, counts[at]))  # type: ignore[misc]
            for name in names
        },
        "seconds_after_the_cue": mean([late for score in scores for late in score.late_s]),
        "silences": silences,
        "beside": {
            "always-silent": {"precision": None, "recall": 0.0, "f1": 0.0, "false_alarms_per_hour": 0.0},
            # Credited with the right word wherever one is due.
            "always-speak": {**always, "false_alarms_per_hour": round((views - due) / hours, 2)},
        },
    }


def run(seeds: Sequence[int], backend: Backend, config: Config, details: bool = False) -> Iterator[Json]:
    """One object per day (with ``details`` also one per word), and one for all."""
    scores = []
    for seed in seeds:
        score = score_day(seed, backend, config)
        scores.append(score)
        if details:
            for item in score.items:
                yield {
                    "day": seed,
                    "part": item.part,
                    "ok": item.ok,
                    "due": item.asked,
                    "said": item.got,
                    "note": item.note,
                }
        counts = {"due": score.due, "hits": score.hits, "false_alarms": score.false_alarms}
        yield {"day": seed, "hours": round(score.hours, 2), **counts}
    yield {"day": "all", **report(scores)}


def lines_of(found: Json) -> list[str]:
    """What :func:`run` yields, for people."""
    if "part" in found:
        mark = "ok  " if found["ok"] else "MISS"
        return [f"  {mark} {found['part']}: {found['due']} -> {found['said']}   {found['note']}".rstrip()]
    if found["day"] != "all":
        said = f"{found['hits']}/{found['due']} said in time, {found['false_alarms']} false alarms"
        return [f"day {found['day']}: {found['hours']} h, {said}"]
    rows = [("F1", "f1"), ("precision", "precision"), ("recall", "recall"), ("false alarms/h", "false_alarms_per_hour")]
    speak = found["beside"]["always-speak"]
    return [
        f"{found['days']} days, {found['hours']} h, {found['due']} words due, {found['false_alarms']} false alarms",
        *(f"  {title:<15} {found[name]}  {found[f'{name}_ci95']}  always-speak {speak[name]}" for title, name in rows),
        f"  after the cue   {found['seconds_after_the_cue']['mean']} s",
    ]
