"""The report: one page that loads nothing, holds every figure and the command that made it, and trusts no text."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from perstream.errors import ConfigError, NotFound
from perstream.lab.kit.judging import gather, judge_folder
from perstream.lab.kit.predictions import Shard, write_predictions
from perstream.lab.kit.report import write_report
from perstream.lab.kit.report_plots import Dot, dots, lines

EVIL = '<script>alert("x")</script><img src=https://example.org/x.png>'
VOID = {"meta", "img", "br", "path", "use", "rect", "link", "line", "circle"}


class Fixed:
    name, rule, offline = "fixed", "1", False

    def judge(self, record: dict[str, Any]) -> dict[str, Any]:
        good = "door" in record["pred"] and "not" not in record["pred"]
        if record["type"] == "passive":
            return {"correct": good, "correctness": 4, "relevance": 3, "completeness": 2, "reason": EVIL}
        return {"appropriate": good, "appropriateness": 4, "urgency": 3, "relevance": 2, "reason": ""}


def predictions(tmp_path: Path) -> None:
    base = {"evidence": [], "latency": {"total": 12.5}, "category": "eating", "video": "v", "timestamp_s": 3.0}
    asked = [
        {"id": f"{i}", "type": "passive", "question": f"Where? {EVIL}", "answer": f"Behind door {i}.", "pred": said}
        for i, said in enumerate(["Behind the door.", EVIL, "Under it."])
    ]
    asked = [one | base | {"participant": str(i % 2)} for i, one in enumerate(asked)]
    for strategy in ("perstream", "naive-rag"):
        run = {"command": f"perstream eval passive --memory-strategy {strategy}", "backend": "builtin", "samples": 3}
        write_predictions(tmp_path / "d_passive" / strategy, Shard(), asked, run)
    moments = [
        base | {"id": "0", "type": "proactive", "question": "", "answer": "Mind the door.", "pred": "The door!"},
        base | {"id": "1", "type": "proactive", "question": "", "answer": None, "pred": None},
    ]
    write_predictions(tmp_path / "d_proactive/perstream", Shard(), moments, {"command": "perstream eval proactive"})


@pytest.fixture
def text(tmp_path: Path) -> str:
    predictions(tmp_path)
    for work in gather(tmp_path, 4):
        judge_folder(work, Fixed(), 2, command="perstream judge d --judge fixed", progress=lambda _: None)
    scores = {"recall@5": 0.75, "mrr": 0.5, "n": 4, "ci95": {"recall@5": [0.5, 1.0]}, "by_category": {}}
    recall = {"dataset": "records", "pool": "sample", **scores, "baselines": {"bm25": scores}}
    (tmp_path / "recall.json").write_text(json.dumps(recall), encoding="utf-8")
    point = {"strategy": "nsbg", "budget": 0.5, "n": 4, "recall@5": 0.4, "f1": 0.2, "bytes_held": 10, "ci95": {}}
    study = {"full_bytes": 1, "points": [point, point | {"budget": 1.0, "recall@5": 0.8}]}
    (tmp_path / "reduction.json").write_text(json.dumps(study), encoding="utf-8")
    (tmp_path / "other.json").write_text("{broken", encoding="utf-8")
    (tmp_path / "loss.svg").write_text(f"<svg>{EVIL}</svg>", encoding="utf-8")
    return write_report(tmp_path, tmp_path / "report.html", "perstream report d").read_text(encoding="utf-8")


def test_it_holds_everything_and_how_it_was_made(text: str) -> None:
    for wanted in (
        "d_passive / perstream",
        "d_passive / naive-rag",
        "d_proactive / perstream",
        "always-speak",
        "perstream eval passive --memory-strategy naive-rag",
        "perstream judge d --judge fixed",
        "perstream report d",
        "false accepts",
        "recall@5 0.750 [0.500–1.000]",
        "bm25 (baseline)",
        "nsbg",
        "By participant",
        "loss.svg",
        "0.333",
    ):
        assert wanted in text, wanted
    assert text.count("<svg") >= 4


def test_it_loads_nothing_and_trusts_no_text(text: str) -> None:
    assert "<script" not in text.lower()
    assert "&lt;script&gt;" in text
    pictures = re.findall(r"<img[^>]*src=\"([^\"]*)", text)
    assert pictures
    assert all(source.startswith("data:image/") for source in pictures)
    assert not re.findall(r"<[^>]*(?:href|src)=[\"']?https?:", text)
    assert "default-src 'none'" in text
    assert "prefers-color-scheme:dark" in text
    assert "width=device-width" in text
    assert "currentColor" in text, "plots take the page's ink"
    names = re.findall(r'\bid="([^"]+)"', text)
    assert len(names) == len(set(names)), "parts of one plot are not taken for those of another"


def test_its_tags_are_closed(text: str) -> None:
    open_tags: list[str] = []

    class Checker(HTMLParser):
        def handle_starttag(self, tag: str, attrs: Any) -> None:
            if tag not in VOID:
                open_tags.append(tag)

        def handle_startendtag(self, tag: str, attrs: Any) -> None:
            pass

        def handle_endtag(self, tag: str) -> None:
            if tag not in VOID:
                assert open_tags.pop() == tag

    Checker().feed(text)
    assert open_tags == []


def test_nothing_to_report(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no folder"):
        write_report(tmp_path / "none", tmp_path / "x.html")
    with pytest.raises(NotFound, match="perstream judge"):
        write_report(tmp_path, tmp_path / "x.html")
    predictions(tmp_path)
    (tmp_path / "d_passive/perstream/results.json").write_text("{", encoding="utf-8")
    with pytest.raises(ConfigError, match="JSON"):
        write_report(tmp_path, tmp_path / "x.html")


def test_plots_bear_any_label() -> None:
    drawn = dots([Dot(f"{EVIL} $\\foo$ " * 3, 0.5, [0.4, 0.6]), Dot("", 0.0, None)], "share")
    assert "<script" not in drawn
    assert drawn.startswith("<svg")
    assert "$\\foo$" in lines({"$\\foo$": [(0.5, 0.5)]}, "x", "y"), "no mathematics"
