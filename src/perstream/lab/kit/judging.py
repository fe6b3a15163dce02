"""Judging folders of predictions: each record once, several at a time, resumable; results.json beside each pred.json."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from perstream.errors import ConfigError
from perstream.lab.kit.journal import Journal, fingerprint
from perstream.lab.kit.judges import Judge, ruled, tokens_of
from perstream.lab.kit.predictions import RUN, Json, prediction_folders, read_json, read_predictions, write_json
from perstream.lab.kit.probes import Probe, error_rates, probes_of
from perstream.lab.kit.scores import results_of
from perstream.lab.kit.workers import Summary, run_all

RESULTS, JUDGED = "results.json", "judged.jsonl"


@dataclass(frozen=True, slots=True)
class Work:
    """One folder to judge."""

    folder: Path
    records: tuple[Json, ...]
    probes: tuple[Probe, ...]
    run: Mapping[str, Any]

    def to_judge(self) -> list[Json]:
        """Records that a judge must look at, probes included."""
        return [r for r in (*self.records, *(p.record for p in self.probes)) if ruled(r) is None]


@dataclass(frozen=True, slots=True)
class Cost:
    """What judging takes, before it starts."""

    calls: int
    known: int
    """Judged by an earlier run."""
    tokens_in: int
    tokens_out: int
    """At most."""

    def line(self, price_in: float, price_out: float) -> str:
        """For people; prices are per million tokens, 0 for unknown."""
        text = (
            f"{self.calls} calls to make ({self.known} judged before), about {self.tokens_in:,} tokens in and at most "
        )
        text += f"{self.tokens_out:,} out; a reply that cannot be used costs a second call"
        money = (self.tokens_in * price_in + self.tokens_out * price_out) / 1e6
        return f"{text}; at most about {money:.2f} in money" if money else text


@dataclass(frozen=True, slots=True)
class Judged:
    """What came of one folder."""

    path: Path
    results: Json
    summary: Summary = field(default_factory=lambda: Summary(0, 0, (), 0.0))


def gather(base: Path, probes: int) -> list[Work]:
    """All folders with predictions under ``base``. NotFound, ConfigError."""
    out = []
    for folder in prediction_folders(base):
        records = read_predictions(folder)
        if not records:
            raise ConfigError(f"{folder} holds no predictions: evaluate something first")
        run = read_json(folder / RUN) if (folder / RUN).is_file() else {}
        out.append(
            Work(folder, tuple(records), tuple(probes_of(records, probes)), run if isinstance(run, dict) else {})
        )
    if not out:
        raise ConfigError(f"there are no predictions under {base}: run scripts/eval.sh first")
    return out


def cost_of(works: Sequence[Work], judge: Judge) -> Cost:
    """How much is left to be asked, and what it takes."""
    calls = known = tokens_in = tokens_out = 0
    for work in works:
        with _journal(work, judge, fresh=False) as journal:
            for record in work.to_judge():
                if _key(record) in journal:
                    known += 1
                    continue
                come, go = tokens_of(record)
                calls, tokens_in, tokens_out = calls + 1, tokens_in + come, tokens_out + go
    return Cost(calls, known, tokens_in, tokens_out)


def judge_folder(
    work: Work,
    judge: Judge,
    workers: int,
    *,
    command: str = "",
    progress: Callable[[str], None] | None = None,
) -> Judged:
    """Judge what is not judged yet and write results.json. A record without a usable verdict is counted as failed."""
    todo = list({_key(record): record for record in work.to_judge()}.values())
    with _journal(work, judge, fresh=False) as journal:
        summary = run_all(
            todo, _key, judge.judge, journal, workers=workers, title=f"judging {work.folder.name}", progress=progress
        )
        known = journal.values
    verdicts = [ruled(record) or known.get(_key(record)) for record in work.records]
    probed = [(probe, known.get(_key(probe.record))) for probe in work.probes]
    accepted = [
        (p, bool(v["correct" if p.record["type"] == "passive" else "appropriate"])) for p, v in probed if v is not None
    ]
    rates = error_rates(accepted, len(probed) - len(accepted)) if probed else None
    results: Json = {"command": command, "evaluated_by": dict(work.run), "judge": judge.name, "offline": judge.offline}
    results |= results_of(work.records, verdicts, offline=judge.offline)
    results["judge_errors"] = rates
    results["failures"] = [{"id": key.partition(" ")[0], "error": error} for key, error in summary.failed[:100]]
    path = work.folder / RESULTS
    write_json(path, results)
    return Judged(path, results, summary)


def _journal(work: Work, judge: Judge, *, fresh: bool) -> Journal:
    """Verdicts of one judge by one rule; others have other files."""
    settings = fingerprint(judge.name, judge.rule)
    return Journal(work.folder / f"{Path(JUDGED).stem}.{settings[:12]}.jsonl", settings, fresh=fresh)


def _key(record: Json) -> str:
    """What is judged, not only which: another prediction is another question."""
    said = [record[name] for name in ("type", "question", "answer", "pred")]
    return f"{record['id']} {fingerprint(said, record.get('caption'), record.get('evidence'))}"
