"""One sample day on disk: video, transcript, told facts, ground truth."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path

from perstream.lab.day import film, quiz, script
from perstream.lab.day.draw import Draw
from perstream.lab.day.script import Plot
from perstream.lab.day.space import Lens
from perstream.lab.day.truth import Heard, Truth, shown_span

MAX_VIDEO_MB = 4.6


@dataclass(frozen=True)
class DayFiles:
    """Where a day lies."""

    folder: Path
    video: Path
    transcript: Path
    profile: Path
    truth: Path


def day_files(folder: Path) -> DayFiles:
    """The files of a day in ``folder``, there or not."""
    return DayFiles(folder, *(folder / name for name in ("day.mp4", "day.vtt", "profile.txt", "truth.json")))


def make_day(
    seed: int, folder: Path, *, width: int = 960, height: int = 540, fps: int = 15, rooms: int = 7
) -> DayFiles:
    """Draw the day of ``seed`` and write its files to ``folder``, which is made when missing.

    The truth is the same for a seed everywhere; the video's bytes follow the version of libx264. Raises OSError.
    """
    folder.mkdir(parents=True, exist_ok=True)
    files = day_files(folder)
    draw = Draw(seed)
    day = script.plot(draw, rooms)
    lens = Lens(width, height)
    truth = truth_of(seed, day, draw, lens, fps)
    kbps = min(330, int(MAX_VIDEO_MB * 8000 / truth.duration_s))
    film.encode(film.pictures(day.shots, lens, fps, seed), lens, fps, files.video, kbps=kbps)
    files.transcript.write_text(_vtt(truth.said), encoding="utf-8")
    files.profile.write_text("".join(f"{fact}\n" for fact in truth.told), encoding="utf-8")
    truth.save(files.truth)
    return files


def draw_truth(seed: int) -> Truth:
    """What is true about the day of ``seed`` as :func:`make_day` makes it, without filming it."""
    draw = Draw(seed)
    return truth_of(seed, script.plot(draw), draw, Lens(960, 540), 15)


def truth_of(seed: int, day: Plot, draw: Draw, lens: Lens, fps: int) -> Truth:
    """What is true about a plotted day; ``draw`` is the one it was plotted with."""
    date = datetime(2026, 1, 5, tzinfo=timezone.utc) + timedelta(days=draw.rng.randrange(300))
    start = date + timedelta(hours=draw.rng.randrange(8, 18), minutes=draw.rng.randrange(60))
    shown = tuple(
        shown_span(look.item.what, day.shots[look.shot], look.item, look.place, look.middle_s) for look in day.looks
    )
    questions, unanswerable = quiz.ask_about(day, shown, start, draw)
    return Truth(
        seed=seed,
        start_time=start.isoformat(),
        duration_s=round(round(day.shots[-1].end_s * fps) / fps, 2),
        width=lens.width,
        height=lens.height,
        fps=fps,
        rooms=tuple(shot.room.name for shot in day.shots if shot.room.name != "corridor"),
        shown=shown,
        said=day.heard,
        told=tuple(draw.shuffled([fact.text for fact in (*day.facts, *day.idle)])),
        questions=questions,
        unanswerable=unanswerable,
        due=quiz.due_words(day, shown),
    )


def _vtt(said: tuple[Heard, ...]) -> str:
    cues = [f"{_stamp(cue.start_s)} --> {_stamp(cue.end_s)}\n<v {cue.speaker}>{cue.text}\n" for cue in said]
    return "\n".join(["WEBVTT\n", *cues])


def _stamp(seconds: float) -> str:
    return f"{int(seconds) // 3600:02d}:{int(seconds) // 60 % 60:02d}:{seconds % 60:06.3f}"


DEFAULT_SEED = 1257
"""The shipped day: it has all that the README talks about."""


def main(arguments: list[str] | None = None) -> None:
    """``python -m perstream.lab.day.make [--seed N] [--folder DIR]``."""
    parser = argparse.ArgumentParser(description="Draw and film one sample day.")
    parser.add_argument(
        "--seed", type=int, default=DEFAULT_SEED, help="another seed is another day (default: %(default)s)"
    )
    parser.add_argument("--folder", type=Path, default=Path("sample_videos"), help="where to (default: %(default)s)")
    chosen = parser.parse_args(arguments)
    files = make_day(chosen.seed, chosen.folder)
    for path in (files.video, files.transcript, files.profile, files.truth):
        print(f"{path}  {path.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
