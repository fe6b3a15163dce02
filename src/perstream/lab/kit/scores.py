"""From verdicts to results.json: aggregates with intervals, by category and participant, and every task's verdict."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from perstream.lab.kit.predictions import Json
from perstream.lab.kit.rates import mean, share
from perstream.lab.kit.speaking import speaking
from perstream.lab.kit.verdicts import flag_of, marks_of
from perstream.lab.metrics import percentiles

MEASURES = ("f1", "rouge_l", "gold_words", "cosine")
"""Of the offline judge."""


def results_of(records: Sequence[Json], verdicts: Sequence[Json | None], *, offline: bool) -> Json:
    """Aggregates of one folder; ``verdicts`` are None where the judge failed, and such records are in no mean."""
    both = list(zip(records, verdicts, strict=True))
    judged = [(record, verdict) for record, verdict in both if verdict is not None]
    mode = records[0]["type"]
    out: Json = {"type": mode, "n": len(records), "judged": len(judged), "failed": len(both) - len(judged)}
    out["aggregate"] = _aggregate(judged, offline)
    if mode == "proactive":
        out["speaking"] = speaking(records)
    out["by_category"] = _groups(judged, lambda r: str(r.get("category") or ""), offline)
    out["by_participant"] = _groups(judged, lambda r: str(r.get("participant") or ""), offline)
    p50, p95 = percentiles([r["latency"]["total"] for r in records if "total" in r.get("latency", {})])
    out["latency_ms"] = {"p50": round(p50, 2), "p95": round(p95, 2)}
    out["tasks"] = [_task(record, verdict) for record, verdict in both]
    return out


def _aggregate(judged: Sequence[tuple[Json, Json]], offline: bool) -> Json:
    """Means over the judged. For proactive records: over the words that were said, the only ones with something to judge."""
    if not judged:
        return {}
    flag, marks = flag_of(judged[0][0]), marks_of(judged[0][0])
    passive = judged[0][0]["type"] == "passive"
    counted = judged if passive else [(r, v) for r, v in judged if r["pred"] is not None]
    out: Json = {flag: share([bool(v[flag]) for _, v in counted])}
    names = MEASURES if offline else marks
    for name in names:
        values = [float(v.get(name, 0.0 if offline else 1)) for r, v in counted if _has(r, v, name, offline)]
        out[name] = mean(values)
    if not passive:
        return out
    answerable = [(r, v) for r, v in judged if r["answer"] is not None]
    out["answered"] = share([v.get("rule") != "refused" for _, v in answerable])
    given = [bool(v[flag]) for _, v in answerable if v.get("rule") != "refused"]
    out["correct_of_answered"] = share(given)
    refusable = [bool(v[flag]) for r, v in judged if r["answer"] is None]
    if refusable:
        out["refused_rightly"] = share(refusable)
    chance = [1 / len(r["options"]) for r, _ in judged if r.get("options")]
    if chance:
        out["chance"] = round(sum(chance) / len(chance), 4)
    named = [
        any(e.get("gold") for e in r["evidence"]) for r, _ in judged if any("gold" in e for e in r.get("evidence", []))
    ]
    if named:
        out["evidence_on_gold"] = share(named)
    return out


def _has(record: Json, verdict: Json, name: str, offline: bool) -> bool:
    """Options have no marks; offline, a refusal of what could be answered overlaps with nothing and counts as 0."""
    if verdict.get("rule") == "option":
        return False
    if offline:
        return record["answer"] is not None
    return name in verdict


def _groups(judged: Sequence[tuple[Json, Json]], key: Callable[[Json], str], offline: bool) -> Json:
    groups: dict[str, list[tuple[Json, Json]]] = {}
    for record, verdict in judged:
        groups.setdefault(key(record), []).append((record, verdict))
    if len(groups) < 2:
        return {}
    return {name: {"n": len(some), **_aggregate(some, offline)} for name, some in sorted(groups.items())}


def _task(record: Json, verdict: Json | None) -> Json:
    shown = {name: record[name] for name in ("id", "question", "answer", "pred")}
    return shown | {"verdict": verdict if verdict is not None else "failed"}
