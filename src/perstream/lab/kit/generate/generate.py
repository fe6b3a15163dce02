"""A dataset from annotated videos: stills, memories, records, files. What was done is kept; a second run goes on."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from perstream.errors import ConfigError, SourceError
from perstream.lab.kit.calls import CachedChat
from perstream.lab.kit.frames import length_of
from perstream.lab.kit.generate.away import Away
from perstream.lab.kit.generate.footage import Found
from perstream.lab.kit.generate.maker import Json, Maker, jobs_of
from perstream.lab.kit.generate.picks import Moment, splits_of
from perstream.lab.kit.generate.plan import Cost, Plan, cost_of
from perstream.lab.kit.generate.stills import Stills
from perstream.lab.kit.predictions import read_json, write_json
from perstream.lab.kit.validate import validate
from perstream.lab.kit.workers import SHOWN_EVERY_S, Summary, run_all
from perstream.models.chat.messages import ChatModel

Tell = Callable[[str], None]
NAMED = 20
"""So many failures are shown; the file about the run has all."""


@dataclass(frozen=True, slots=True)
class Generated:
    """What came of it."""

    files: tuple[Path, ...]
    records: int
    failed: tuple[tuple[str, str], ...]
    """(what, why); the next run tries them again."""
    made: int
    """Calls that went to the model."""
    found: int
    """Calls that were answered from the cache."""
    asking_s: float
    """Without decoding videos before and writing files after."""

    def lines(self) -> list[str]:
        """For people."""
        rows = [f"{self.records} records; {self.made} model calls, {self.found} answered from the cache"]
        rows += [f"failed: {what}: {why}" for what, why in self.failed[:NAMED]]
        if len(self.failed) > NAMED:
            rows.append(f"failed: {len(self.failed) - NAMED} more, all in the .run.json")
        return [*rows, *(f"wrote {path}" for path in self.files)]


def estimate(found: Found, plan: Plan, chat: ChatModel, looks: bool = True) -> Cost:
    """What a run would take; ``looks`` says whether the model takes pictures. ConfigError when the plan allows less."""
    cost = cost_of(plan, plan.moments(found), plan.known(found, chat.name, looks))
    if plan.max_calls and cost.calls > plan.max_calls:
        raise ConfigError(f"{cost.calls} calls are more than --max-calls {plan.max_calls}: use --limit or --per-video")
    return cost


def generate(found: Found, plan: Plan, chat: ChatModel, tell: Tell | None = None) -> Generated:
    """Make all records of the plan and write them. One item that fails fails alone; Ctrl-C loses nothing."""
    say = tell or _to_stderr
    started = time.monotonic()
    moments = plan.moments(found)
    cached = CachedChat(chat, plan.cache / "calls")
    stills = Stills(plan.cache / "stills")
    looks = chat.abilities.pictures
    if not looks:
        say(f"{chat.name} takes no pictures: the records will rest on the annotations alone")
    moments, failed = _with_stills(moments, stills, plan, looks, say)
    splits = splits_of([one.participant for one in found.footage], plan.seed)
    maker = Maker(cached, stills if looks else None, plan)
    away = Away(2 * plan.workers)
    with plan.journal(found, chat.name, looks) as journal, away:
        remembered = run_all(
            moments, lambda m: f"memories {m.key}", away.watched(maker.memories), journal, workers=plan.workers,
            title=f"{found.dataset}: memories", progress=say,
        )  # fmt: skip
        jobs = jobs_of(moments, journal.values, splits)
        # Judged runs take the longest: begun last they would keep one worker busy while the others have nothing to do.
        made = run_all(
            sorted(jobs, key=lambda job: job.kind == "passive"), lambda job: job.key, away.watched(maker.record), journal, workers=plan.workers,
            title=f"{found.dataset}: records", progress=say,
        )  # fmt: skip
        # The split depends on the seed alone, which decides nothing else: it is written last.
        records = [{**journal[job.key], "split": job.split} for job in jobs if job.key in journal]
    failed += [*remembered.failed, *made.failed]
    files = _written(found, plan, records)
    _note(found, plan, chat.name, splits, failed, (remembered, made), cached, time.monotonic() - started)
    return Generated(
        tuple(files), len(records), tuple(failed), cached.made, cached.found, remembered.wall_s + made.wall_s
    )


def _with_stills(
    moments: Sequence[Moment], stills: Stills, plan: Plan, looks: bool, say: Tell
) -> tuple[list[Moment], list[tuple[str, str]]]:
    """The moments that their videos have, decoded once; and what is wrong with the others."""
    videos: dict[Path, list[Moment]] = {}
    for moment in moments:
        videos.setdefault(moment.footage.path, []).append(moment)

    def of_video(path: Path) -> tuple[list[Moment], list[tuple[str, str]]]:
        mine = videos[path]
        try:
            end = length_of(path)
            inside = [moment for moment in mine if moment.time_s <= end]
            if looks:
                stills.prepare(path, [t for moment in inside for t in plan.times(moment)])
                inside = [moment for moment in inside if stills.of(path, plan.times(moment))]
        except SourceError as error:
            return [], [(moment.key, str(error)) for moment in mine]
        gone = [(m.key, f"{path} ends at {end:.3f} s, before this moment") for m in mine if m not in inside]
        return inside, gone

    kept: list[Moment] = []
    failed: list[tuple[str, str]] = []
    shown = time.monotonic()
    with ThreadPoolExecutor(max_workers=max(1, min(plan.workers, 8))) as pool:
        for number, (inside, gone) in enumerate(pool.map(of_video, videos), start=1):
            kept += inside
            failed += gone
            now = time.monotonic()
            if number == len(videos) or now - shown >= SHOWN_EVERY_S:
                shown = now
                say(f"stills: video {number}/{len(videos)}")
    return kept, failed


def _written(found: Found, plan: Plan, records: Sequence[Json]) -> list[Path]:
    """A file for each type and one for both, of this shard and, once all are there, of all."""
    if not records:
        return []
    name = found.dataset
    parts = {
        plan.out / name / kind / f"{name}.json": [r for r in records if r["type"] == kind]
        for kind in ("passive", "proactive")
    }
    parts[plan.out / f"{name}.json"] = list(records)
    written = []
    for path, rows in parts.items():
        if not rows:
            continue
        mine = path.with_name(f"{name}{plan.shard.suffix}.json")
        write_json(mine, rows)
        written.append(mine)
        if plan.shard.count == 1:
            continue
        shards = [path.with_name(f"{name}.{i}of{plan.shard.count}.json") for i in range(1, plan.shard.count + 1)]
        if all(shard.is_file() for shard in shards):
            rows = [row for shard in shards for row in read_json(shard)]
            write_json(path, sorted(rows, key=_order))
            written.append(path)
    for path in written:
        wrong = validate(path).findings
        if wrong:
            raise ConfigError(f"{wrong[0].words(path)} (and {len(wrong) - 1} more): begin anew with --fresh")
    return written


def _order(row: Json) -> tuple[Any, ...]:
    return (row["participant_id"], row["video_id"], float(row["timestamp"]), row["type"])


def _note(
    found: Found,
    plan: Plan,
    model: str,
    splits: dict[int, str],
    failed: Sequence[tuple[str, str]],
    summaries: Sequence[Summary],
    cached: CachedChat,
    wall_s: float,
) -> None:
    """How it came about, beside the records."""
    write_json(
        plan.out / f"{found.dataset}{plan.shard.suffix}.run.json",
        {
            "command": plan.command,
            "model": model,
            "videos": str(found.videos),
            "absent": list(found.absent),
            "splits": {str(who): split for who, split in splits.items()},
            "seed": plan.seed,
            "window_s": [plan.before_s, plan.after_s],
            "frames": plan.frames,
            "judged_runs": plan.runs,
            "temperature": plan.temperature,
            "calls": cached.made,
            "from_cache": cached.found,
            "items": sum(summary.done for summary in summaries),
            "known": sum(summary.known for summary in summaries),
            "failed": [list(pair) for pair in failed],
            "wall_s": round(wall_s, 1),
        },
    )


def _to_stderr(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
