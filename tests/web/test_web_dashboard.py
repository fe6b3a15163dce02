"""Every figure that the dashboard and the alert rules speak of is one that /metrics has."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.parser import text_string_to_metric_families
from web_fakes import NOON, ScriptedHouse

from perstream.daemon.appstatus import AppStatus
from perstream.daemon.chores import ChoreStatus
from perstream.daemon.counted import Counts
from perstream.daemon.status import SourceState, SourceStatus
from perstream.daemon.upkeep_state import BackupStatus, WatchdogStatus
from perstream.daemon.vitals import Vitals
from perstream.memory.status import MemoryStatus
from perstream.protocols import Sent
from perstream.web.metrics_routes import HouseCollector

DEPLOY = Path(__file__).parents[2] / "deploy"
DASHBOARD = json.loads((DEPLOY / "grafana" / "perstream.json").read_text(encoding="utf-8"))
RULES = yaml.safe_load((DEPLOY / "prometheus" / "alerts.yml").read_text(encoding="utf-8"))
PANELS: list[dict[str, Any]] = DASHBOARD["panels"]
KEYWORDS = {"sum", "by", "rate", "increase", "changes", "time", "histogram_quantile", "predict_linear"}
KEYWORDS |= {"label_values", "unless", "on", "or", "and"}


class BusyHouse(ScriptedHouse):
    """Everything has happened at least once."""

    def status(self) -> AppStatus:
        memory = MemoryStatus(7, 2, 3, 1.5, 0.5, NOON, NOON, 1, ram_bytes={"index": 5})
        camera = SourceStatus("cam", "rtsp://cam", True, SourceState.RUNNING, dropped={"behind": 2}, last_frame_at=NOON)
        return AppStatus(
            "builtin",
            str(DEPLOY),
            memory,
            (camera,),
            {"cooldown": 2},
            sent=(Sent("http://a", "m", "caption", 5, 1, 2, 100, 10, 20, 3),),
            fallbacks={"caption: timeout": 1},
            delivered={"webhook": {"sent": 1}},
            chores=(ChoreStatus("backup", done_at=NOON),),
            backups=BackupStatus(24.0, newest=NOON),
            watchdog=WatchdogStatus(found={"perceive": 1}),
            vitals=Vitals(waiting={"percept": 1}, counts=Counts(redacted={"card": 1})),
        )


@pytest.fixture(scope="module")
def known() -> dict[str, set[str]]:
    """Each sample's name and its labels."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(HouseCollector(BusyHouse()))
    ProcessCollector(registry=registry)
    found: dict[str, set[str]] = {"up": {"job"}}
    for family in text_string_to_metric_families(generate_latest(registry).decode()):
        for sample in family.samples:
            found.setdefault(sample.name, {"job", "instance"}).update(sample.labels)
    # Without /proc the library has no figures of the process.
    for name in ("cpu_seconds_total", "start_time_seconds", "resident_memory_bytes", "open_fds", "max_fds"):
        found.setdefault(f"process_{name}", {"job", "instance"})
    return found


def expressions() -> list[tuple[str, str]]:
    asked = [(panel["title"], target["expr"]) for panel in PANELS for target in panel.get("targets", ())]
    asked += [(one["name"], one["definition"]) for one in DASHBOARD["templating"]["list"] if "definition" in one]
    asked += [(one["name"], one["expr"]) for one in DASHBOARD["annotations"]["list"] if "expr" in one]
    return asked + [(rule["alert"], rule["expr"]) for group in RULES["groups"] for rule in group["rules"]]


@pytest.mark.parametrize(("where", "expression"), expressions())
def test_what_is_asked_for_exists(where: str, expression: str, known: dict[str, set[str]]) -> None:
    bare = re.sub(r'"[^"]*"', '""', expression)
    selectors = re.findall(r"\b([a-z_][a-z0-9_]*)\s*(?:\{([^}]*)\})?", re.sub(r"\b(?:by|on) \([^)]*\)", "", bare))
    metrics = [(name, labels) for name, labels in selectors if name.startswith(("perstream_", "process_", "up"))]
    assert metrics, expression
    for name, labels in metrics:
        assert name in known, f"{where} asks for {name}"
        for label in re.findall(r"([a-z_]+)\s*=~?", labels):
            assert label in known[name], f"{where}: {name} has no label {label}"
    grouped = {label.strip() for found in re.findall(r"\b(?:by|on) \(([^)]*)\)", bare) for label in found.split(",")}
    assert grouped <= {label for name, _ in metrics for label in known[name]} | {"le"}, f"{where} groups by {grouped}"
    for opening, closing in ("()", "[]", "{}"):
        assert bare.count(opening) == bare.count(closing), expression
    counters = [name for name, _ in metrics if name.endswith("_total") or name.endswith("_bucket")]
    assert not counters or re.search(r"\b(rate|increase|label_values)\(", bare), f"{where} shows a bare counter"


def test_the_dashboard_can_be_loaded_anywhere() -> None:
    assert DASHBOARD["id"] is None and DASHBOARD["schemaVersion"] >= 39
    numbers = [panel["id"] for panel in PANELS]
    assert len(numbers) == len(set(numbers)) > 20
    variables = {one["name"] for one in DASHBOARD["templating"]["list"]}
    used = set(re.findall(r"\$\{?([a-z]+)\}?", json.dumps(PANELS)))
    assert used <= variables, used - variables
    for panel in PANELS:
        if panel["type"] != "row":
            assert panel["datasource"]["uid"] == "${datasource}" and panel["targets"]
    taken: set[tuple[int, int]] = set()
    for panel in PANELS:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert max(x for x, _ in cells) < 24 and not cells & taken, f"{panel['title']} lies on another"
        taken |= cells


def test_each_alert_says_what_is_wrong() -> None:
    rules = [rule for group in RULES["groups"] for rule in group["rules"]]
    assert len({rule["alert"] for rule in rules}) == len(rules) >= 8
    assert all(rule["annotations"]["summary"] and rule["labels"]["severity"] in ("page", "warn") for rule in rules)


def test_the_page_names_figures_that_exist(known: dict[str, set[str]]) -> None:
    page = (DEPLOY.parent / "docs" / "OPERATIONS.md").read_text(encoding="utf-8")
    table = page[page.index("| metrics, each with") : page.index("Counters start at zero")]
    named = [name for row in table.strip().splitlines()[2:] for name in re.findall(r"`([a-z_]+)`", row.split("|")[1])]
    assert len(named) > 30
    for name in named:
        assert {name, f"perstream_{name}", f"perstream_{name}_bucket"} & set(known), name
