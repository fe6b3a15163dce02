"""Watch a sample day with the real house, ask at its end, and score it against its ground truth."""

from __future__ import annotations

import tempfile
import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import datetime, timedelta
from pathlib import Path

from perstream.config import Config
from perstream.config_privacy import PrivacyConfig
from perstream.errors import ConfigError, SourceError
from perstream.events import Event, KeyframeKept, ProactiveSaid
from perstream.jsonlines import dump_line, plain
from perstream.lab.day.make import DEFAULT_SEED, DayFiles, day_files, draw_truth, make_day
from perstream.lab.day.truth import Truth, load_truth
from perstream.lab.sample_junk import Junk, judge
from perstream.lab.sample_junk import add_up as add_up_junk
from perstream.lab.sample_score import Item, answered, answered_directly, has_evidence, mentions, score_words, wilson

SHIPPED = Path("sample_videos")
PATIENCE_S = 1800.0
ASKABLE = PrivacyConfig(redact=("card", "key", "identity"))
"""A day may ask for the password on a note, which is not stored otherwise."""
COUNTS = ("questions", "answered", "evidence_ok", "unanswerable", "refused", "due", "said_in_time", "false_alarms")


@dataclass(frozen=True)
class SampleScore:
    """One day, or the sum of several."""

    questions: int
    answered: int
    evidence_ok: int
    """Answered, and citing a memory of when the answer was in view or heard, or the told fact."""
    direct: int
    """Of ``evidence_ok``: the answer is in the assistant's own words, not only in a quotation."""
    unanswerable: int
    refused: int
    due: int
    said_in_time: int
    false_alarms: int
    video_s: float
    watch_s: float
    """Wall time of watching."""
    last_four: int
    """Baseline: questions that the words in the last four keyframes could answer. Saying nothing scores 0 and
    0 false alarms; always refusing scores 0 answered and all refused."""
    items: tuple[Item, ...] = ()
    junk: Junk = field(default_factory=Junk)
    """Of what was remembered of the day, before anything was asked."""


def evaluate_sample(day: int | Path, *, work: Path, config: Config | None = None) -> SampleScore:
    """Score one day: a seed, made in ``work``, or a folder that holds one.

    A fresh store in ``work`` is told the profile, watches the video as fast as it can, and is asked when the day is
    over. Raises ConfigError for a folder without a day, SourceError when watching did not end.
    """
    files = _made(day, work / f"day-{day}") if isinstance(day, int) else day_files(day)
    truth = _truth_of(files)
    start = datetime.fromisoformat(truth.start_time)
    with tempfile.TemporaryDirectory(prefix="store-", dir=work) as store:
        return _watch_and_ask(files, truth, start, replace(config or Config(privacy=ASKABLE), store=store))


def _made(seed: int, folder: Path) -> DayFiles:
    """The day of ``seed``, made unless ``folder`` holds it already as today's generator makes it."""
    files = day_files(folder)
    if files.video.is_file() and files.truth.is_file() and _truth_of(files) == draw_truth(seed):
        return files
    return make_day(seed, folder)


def _truth_of(files: DayFiles) -> Truth:
    try:
        return load_truth(files.truth)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigError(f"{files.folder} holds no sample day; make one with scripts/make_sample.sh") from error


def _watch_and_ask(files: DayFiles, truth: Truth, start: datetime, config: Config) -> SampleScore:
    from perstream.app import build  # loads the heavy libraries

    events: list[Event] = []
    with build(config) as app:
        listening = app.subscribe(1_000_000)
        for fact in files.profile.read_text(encoding="utf-8").splitlines():
            app.tell(fact, at=start)
        began = time.monotonic()
        source = app.watch(str(files.video), start_time=start)
        done = app.wait(source, PATIENCE_S)
        if done is None:
            raise SourceError(f"watching {files.video} did not end within {PATIENCE_S:.0f} s")
        failure = app.failure(source)
        if failure is not None:
            raise failure
        watch_s = time.monotonic() - began
        junk = judge(app.memories(limit=1_000_000), truth)
        now = start + timedelta(seconds=truth.duration_s)
        asked = [(question, app.ask(question.question, now=now)) for question in truth.questions]
        refusals = [(question, app.ask(question.question, now=now)) for question in truth.unanswerable]
        listening.close()
        events += listening
    items: list[Item] = []
    right = direct = 0
    for question, reply in asked:
        well = answered(question, reply, start)
        right += well
        ok = well and has_evidence(question, reply, source)
        own = ok and answered_directly(question, reply, start)
        direct += own
        note = (
            ""
            if own
            else "only quoted"
            if ok
            else "no right evidence"
            if well
            else "refused"
            if reply.abstained
            else "wrong"
        )
        items.append(Item("question", ok, question.question, reply.answer, str(question.answer_contains), note))
    items += [Item("unanswerable", r.abstained, q.question, r.answer, "", q.kind) for q, r in refusals]
    items += score_words(truth.due, [event for event in events if isinstance(event, ProactiveSaid)])
    return SampleScore(
        questions=len(asked),
        answered=right,
        evidence_ok=_count(items, "question"),
        direct=direct,
        unanswerable=len(refusals),
        refused=_count(items, "unanswerable"),
        due=len(truth.due),
        said_in_time=_count(items, "due"),
        false_alarms=sum(item.part == "false alarm" for item in items),
        video_s=truth.duration_s,
        watch_s=round(watch_s, 1),
        last_four=_last_four(truth, events),
        items=tuple(items),
        junk=junk,
    )


def _count(items: Sequence[Item], part: str) -> int:
    return sum(item.ok for item in items if item.part == part)


def _last_four(truth: Truth, events: Sequence[Event]) -> int:
    """Questions that a perfect reader without a memory could answer from the last four keyframes."""
    last = deque((" ".join(e.seen) for e in events if isinstance(e, KeyframeKept)), maxlen=4)
    return sum(mentions(" ".join(last), question.answer_contains) for question in truth.questions)


def add_up(scores: Sequence[SampleScore]) -> SampleScore:
    """The sum of several days."""
    numbers = [f.name for f in fields(SampleScore) if f.name not in ("items", "junk")]
    sums = {name: sum(getattr(score, name) for score in scores) for name in numbers}
    return SampleScore(**sums, junk=add_up_junk(score.junk for score in scores))


def report(score: SampleScore) -> dict[str, object]:
    """A score as JSON: the counts, shares with their 95 % intervals, false alarms per hour, junk, baselines."""
    shares = {"evidence_ok": "questions", "refused": "unanswerable", "said_in_time": "due"}
    return {
        **{name: getattr(score, name) for name in COUNTS},
        "direct": score.direct,
        "video_s": round(score.video_s, 1),
        "watch_s": round(score.watch_s, 1),
        "false_alarms_per_hour": round(score.false_alarms * 3600 / max(score.video_s, 1e-9), 2),
        "intervals": {
            part: [round(edge, 3) for edge in wilson(getattr(score, part), getattr(score, whole))]
            for part, whole in shares.items()
        },
        "junk": score.junk.to_json(),
        "baselines": {
            "always_refuse": {"evidence_ok": 0, "refused": score.unanswerable},
            "always_silent": {"said_in_time": 0, "false_alarms": 0},
            "last_four_keyframes": {"answered_at_most": score.last_four},
        },
    }


def run(
    seed: int | None = None,
    seeds: tuple[int, ...] | None = None,
    details: bool = False,
    as_json: bool = False,
    keep: Path | None = None,
) -> Iterator[str]:
    """Lines to print: one per day, with ``details`` one per question and word, and the sum of several days.

    Days that are made are kept in ``keep`` and found there the next time; without it they are thrown away.
    """
    days: list[int | Path] = list(seeds) if seeds else [seed if seed is not None else _shipped()]
    scores = []
    with tempfile.TemporaryDirectory(prefix="perstream-eval-") as work:
        for day in days:
            score = evaluate_sample(day, work=keep or Path(work))
            scores.append(score)
            name = day if isinstance(day, int) else str(day)
            if details:
                yield from (_item_line(name, item, as_json) for item in score.items)
            yield _line({"day": name, **report(score)}, as_json)
    if len(scores) > 1:
        yield _line({"day": "all", "days": len(scores), **report(add_up(scores))}, as_json)


def _shipped() -> int | Path:
    """The shipped day's folder where there is one, else its seed."""
    here = Path(__file__).resolve().parents[3] / SHIPPED
    return next((folder for folder in (SHIPPED, here) if day_files(folder).truth.is_file()), DEFAULT_SEED)


def _line(values: dict[str, object], as_json: bool) -> str:
    if as_json:
        return dump_line(values)
    return "  ".join(
        [
            f"day {values['day']}:",
            f"answered with evidence {values['evidence_ok']}/{values['questions']}",
            f"refused {values['refused']}/{values['unanswerable']}",
            f"said in time {values['said_in_time']}/{values['due']}",
            f"false alarms {values['false_alarms']} ({values['false_alarms_per_hour']} an hour)",
            _junk_line(values["junk"]),
        ]
    )


def _junk_line(junk: object) -> str:
    assert isinstance(junk, dict)
    return f"junk memories {junk['junk']}/{junk['memories']}, false lines {junk['false_lines']}/{junk['lines']}"


def _item_line(day: int | str, item: Item, as_json: bool) -> str:
    if as_json:
        return dump_line({"day": day, **plain(item)})
    mark = "ok  " if item.ok else "MISS"
    wanted = f"   wanted {item.wanted}" if item.wanted and not item.ok else ""
    return f"  {mark} {item.part}: {item.asked} -> {item.got}{wanted}   {item.note}".rstrip()
