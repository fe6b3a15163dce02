"""Sections of the report about judged predictions: questions, words unasked, and the judges themselves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from perstream.lab.kit.report_found import Found
from perstream.lab.kit.report_page import details, number, table, with_interval
from perstream.lab.kit.report_plots import Dot, dots

MAX_TASKS = 60


def of_questions(found: Sequence[Found]) -> str:
    """Answers: shares and means with their intervals, plots, and the records themselves."""
    if not found:
        return ""
    offline = all(one.values.get("offline") for one in found)
    names = ["f1", "rouge_l", "cosine"] if offline else ["correctness", "relevance", "completeness"]
    if not offline and any(one.values.get("offline") for one in found):
        names = [*names, "f1"]
    heads = ["", "n", "answered", "correct", "correct of answered", *names, "evidence on a gold memory", "ms, median"]
    rows = []
    for one in found:
        a = one.values["aggregate"]
        cells = [
            with_interval(a.get(k)) for k in ("answered", "correct", "correct_of_answered", *names, "evidence_on_gold")
        ]
        rows.append([one.title, str(one.values["n"]), *cells, number(one.values["latency_ms"]["p50"], 1)])
    head = names[0]
    plots = [_dots(found, "correct", "judged correct (share)"), _dots(found, head, head.replace("_", "-"))]
    note = "Judged by word overlap and vectors alone, which understand nothing. " if offline else ""
    return (
        f"<h2>Questions</h2><p>{note}In brackets: 95 % intervals. A refusal of what could be answered counts as wrong.</p>"
        + table(heads, rows)
        + "".join(f"<figure>{plot}</figure>" for plot in plots if plot)
        + "".join(_folded(one) for one in found)
    )


def of_words(found: Sequence[Found]) -> str:
    """Speaking up as detection, beside the constant policies."""
    if not found:
        return ""
    heads = [
        "",
        "n",
        "due",
        "said",
        "precision",
        "recall",
        "F1",
        "false alarms an hour",
        "late, s",
        "appropriate",
        "accuracy",
    ]
    rows = []
    for one in found:
        s = one.values["speaking"]
        rates = [_rate(s, name) for name in ("precision", "recall", "f1")]
        counts = [str(s["n"]), str(s["hits"] + s["misses"]), str(s["hits"] + s["false_alarms"])]
        late = with_interval(s["seconds_after_the_moment"])
        word = with_interval(one.values["aggregate"].get("appropriate"))
        rows.append(
            [one.title, *counts, *rates, number(s["false_alarms_per_hour"], 1), late, word, number(s["accuracy"], 3)]
        )
    for name, s in found[0].values["speaking"]["beside"].items():
        counts = [str(s["n"]), str(s["hits"] + s["misses"]), str(s["hits"] + s["false_alarms"])]
        rates = [number(s[key], 3) for key in ("precision", "recall", "f1")]
        rows.append([f"({name}, by definition)", *counts, *rates, "", "", "", number(s["accuracy"], 3)])
    marks = [Dot(one.title, s["f1"], s["f1_ci95"]) for one in found if (s := one.values["speaking"])["f1"] is not None]
    marks.append(Dot("always-speak", found[0].values["speaking"]["beside"]["always-speak"]["f1"] or 0.0, None))
    return (
        "<h2>Words unasked</h2><p>Speaking as detection of the moments at which a word is due. Accuracy alone would praise "
        "silence: read it beside the constant policies.</p>"
        + table(heads, rows)
        + f"<figure>{dots(marks, 'F1 of speaking')}</figure>"
        + "".join(_folded(one) for one in found)
    )


def of_judges(found: Sequence[Found]) -> str:
    """Error rates of the judges; runs on the same references share their probes, and one row."""
    alike: dict[tuple[str, ...], list[str]] = {}
    for one in found:
        errors = one.values.get("judge_errors")
        if errors:
            kinds = "; ".join(f"{name} {number(value['rate'], 2)}" for name, value in errors["errors_by_kind"].items())
            rates = [with_interval(errors["false_accept"]), with_interval(errors["false_reject"])]
            cells = (str(one.values["judge"]), *rates, kinds, str(errors["n"]), str(one.values["failed"]))
            alike.setdefault(cells, []).append(one.title)
    rows = [[", ".join(titles), *cells] for cells, titles in alike.items()]
    if not rows:
        return ""
    heads = [
        "",
        "judge",
        "false accepts",
        "false rejects",
        "errors by kind of probe",
        "probes",
        "records without verdict",
    ]
    return (
        "<h2>How good the judge is</h2><p>Measured on probes made by rules: references in other words must be accepted; "
        "vague sayings, negations and other samples' references must not. A score is worth no more than its judge.</p>"
        + table(heads, rows)
    )


def _folded(one: Found) -> str:
    return details(f"{one.title}: {one.values['n']} records, and by group", _groups(one) + _tasks(one))


def _groups(one: Found) -> str:
    out = []
    for key, title in (("by_category", "category"), ("by_participant", "participant")):
        groups = one.values.get(key) or {}
        passive = one.values["type"] == "passive"
        flag = "correct" if passive else "appropriate"
        head = "f1" if one.values.get("offline") else "correctness" if passive else "appropriateness"
        rows = [
            [name, str(g["n"]), with_interval(g.get(flag)), with_interval(g.get(head))] for name, g in groups.items()
        ]
        if rows:
            out.append(f"<h3>By {title}</h3>" + table([title, "n", flag, head], rows))
    return "".join(out)


def _tasks(one: Found) -> str:
    rows = []
    for task in one.values["tasks"][:MAX_TASKS]:
        verdict = task["verdict"]
        said = verdict if isinstance(verdict, str) else ", ".join(f"{k} {v}" for k, v in verdict.items())
        rows.append([task["id"], task["question"], task["answer"] or "(silence)", task["pred"] or "(silence)", said])
    more = len(one.values["tasks"]) - len(rows)
    rest = f"<p>{more} more are in {escape(one.place)}.</p>" if more > 0 else ""
    return "<h3>Records</h3>" + table(["id", "question", "reference", "said", "verdict"], rows) + rest


def _dots(found: Sequence[Found], key: str, label: str) -> str:
    marks = []
    for one in found:
        value = one.values["aggregate"].get(key) or {}
        middle = value.get("mean", value.get("rate"))
        if middle is not None:
            marks.append(Dot(one.title, middle, value["ci95"]))
    return dots(marks, label) if marks else ""


def _rate(scores: Mapping[str, Any], name: str) -> str:
    edges = scores.get(f"{name}_ci95")
    return number(scores[name], 3) + (f" [{edges[0]:.3f}–{edges[1]:.3f}]" if edges and scores[name] is not None else "")
