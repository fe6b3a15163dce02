"""Sections of the report about recall, answers and reduction, from the JSON that those evaluations print."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from perstream.lab.kit.report_found import Found
from perstream.lab.kit.report_page import number, table
from perstream.lab.kit.report_plots import lines


def of_recall(found: Sequence[Found]) -> str:
    """``perstream eval recall``."""
    if not found:
        return ""
    rows = []
    for one in found:
        for name, scores in {"perstream": one.values, **one.values["baselines"]}.items():
            names = [key for key in scores if key.startswith("recall@")]
            text = ", ".join(f"{key} {_with(scores, key)}" for key in names)
            rows.append(
                [
                    one.place if name == "perstream" else f"{name} (baseline)",
                    str(scores["n"]),
                    text,
                    _with(scores, "mrr"),
                ]
            )
    return "<h2>Recall</h2>" + table(["", "n", "recall", "MRR"], rows)


def of_answers(found: Sequence[Found]) -> str:
    """``perstream eval answers``."""
    if not found:
        return ""
    rows = []
    for one in found:
        for name, scores in {"perstream": one.values, **one.values["baselines"]}.items():
            refusals = [f"{k} {number(v['recall'], 2)}" for k, v in one.values["abstention"].items()]
            rows.append(
                [
                    one.place if name == "perstream" else f"{name} (baseline)",
                    str(scores["n"]),
                    _with(scores, "f1"),
                    _with(scores, "answered"),
                    ", ".join(refusals) if name == "perstream" else "",
                ]
            )
    return "<h2>Answers and refusals</h2>" + table(["", "n", "F1 of words", "answered", "refused rightly"], rows)


def of_reduction(found: Sequence[Found]) -> str:
    """``perstream eval reduction``."""
    out = []
    for one in found:
        points = one.values["points"]
        asked, met = (bool(points) and key in points[0] for key in ("recall@5", "proactive"))
        names = ["strategy", "budget", *(["n", "recall@5", "answer F1"] if asked else [])]
        names += [*(["scenes", "F1 of speaking", "always speaking"] if met else []), "MB held", "MB freed"]
        rows = [
            [
                p["strategy"],
                f"{p['budget']:.0%}",
                *([str(p["n"]), _with(p, "recall@5"), _with(p, "f1")] if asked else []),
                *(_spoken(p["proactive"]) if met else []),
                f"{p['bytes_held'] / 1e6:.2f}",
                f"{p['bytes_freed'] / 1e6:.2f}" if "bytes_freed" in p else "",
            ]
            for p in points
        ]
        out.append(f"<h3>{escape(one.place)}</h3>" + table(names, rows))
        for wanted, title in ((asked, "recall@5"), (met, "F1 of speaking")):
            if wanted:
                series = {
                    name: [(p["budget"], _drawn(p, title)) for p in points if p["strategy"] == name]
                    for name in dict.fromkeys(p["strategy"] for p in points)
                }
                out.append(f"<figure>{lines(series, 'share of the full memory', title)}</figure>")
    return "<h2>Memory under a budget</h2>" + "".join(out) if out else ""


def _drawn(point: Mapping[str, Any], title: str) -> float:
    """Nothing said and nothing due has no F1, and is drawn as 0."""
    return float(point["recall@5"] if title == "recall@5" else point["proactive"]["f1"] or 0.0)


def _spoken(scores: Mapping[str, Any]) -> list[str]:
    both = {"f1": scores["f1"], "ci95": {"f1": scores["f1_ci95"]}}
    return [str(scores["n"]), _with(both, "f1"), number(scores["beside"]["always-speak"]["f1"], 3)]


def _with(scores: Mapping[str, Any], key: str) -> str:
    edges = (scores.get("ci95") or {}).get(key)
    return number(scores.get(key), 3) + (f" [{edges[0]:.3f}–{edges[1]:.3f}]" if edges else "")
