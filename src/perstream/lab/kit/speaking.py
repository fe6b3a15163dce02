"""Speaking up or staying silent, as detection: precision, recall and F1 of the words that are due, and their cost."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from perstream.lab.kit.predictions import Json
from perstream.lab.kit.rates import mean, resampled, share

Flags = np.ndarray[Any, np.dtype[np.bool_]]


def speaking(records: Sequence[Json]) -> Json:
    """Scores of the speak class, false alarms per hour where times allow, timeliness; the two constant policies beside."""
    due = np.array([r["answer"] is not None for r in records], bool)
    said = np.array([r["pred"] is not None for r in records], bool)
    scores = detection(due, said)
    # Shares of few words keep an honest interval at 0 and 1; F1 is no share, and is resampled.
    scores["precision_ci95"] = share(due[said].tolist())["ci95"]
    scores["recall_ci95"] = share(said[due].tolist())["ci95"]
    scores["f1_ci95"] = resampled(len(due), lambda at: detection(due[at], said[at])["f1"])
    hours = watched_hours(records)
    alarms = scores["false_alarms"]
    scores["watched_hours"] = round(hours, 3) if hours else None
    scores["false_alarms_per_hour"] = round(alarms / hours, 2) if hours else None
    late = [r["spoken_at_s"] - r["timestamp_s"] for r in records if r["answer"] is not None and _has_times(r)]
    scores["seconds_after_the_moment"] = mean(late)
    scores["beside"] = {
        "always-silent": detection(due, np.zeros_like(due)),
        "always-speak": detection(due, np.ones_like(due)),
    }
    return scores


def detection(due: Flags, said: Flags) -> Json:
    """Counts and rates; precision is None when nothing was said, recall when nothing was due."""
    hits, alarms = int((due & said).sum()), int((~due & said).sum())
    misses, quiet = int((due & ~said).sum()), int((~due & ~said).sum())
    precision = hits / (hits + alarms) if hits + alarms else None
    recall = hits / (hits + misses) if hits + misses else None
    f1 = 2 * hits / (2 * hits + alarms + misses) if hits + alarms + misses else None
    return {
        "precision": None if precision is None else round(precision, 4),
        "recall": None if recall is None else round(recall, 4),
        "f1": None if f1 is None else round(f1, 4),
        "hits": hits,
        "false_alarms": alarms,
        "misses": misses,
        "right_silences": quiet,
        "accuracy": round((hits + quiet) / len(due), 4) if len(due) else None,
        "n": len(due),
    }


def watched_hours(records: Sequence[Json]) -> float:
    """Hours between the first and the last sample of each video, together; 0 when no video has two."""
    spans: dict[str, list[float]] = {}
    for record in records:
        if record.get("video") and isinstance(record.get("timestamp_s"), (int, float)):
            spans.setdefault(record["video"], []).append(float(record["timestamp_s"]))
    return sum(max(times) - min(times) for times in spans.values()) / 3600


def _has_times(record: Json) -> bool:
    return all(isinstance(record.get(name), (int, float)) for name in ("spoken_at_s", "timestamp_s"))
