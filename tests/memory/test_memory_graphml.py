"""The graph as GraphML and back."""

from __future__ import annotations

import io
from pathlib import Path
from xml.etree import ElementTree

import networkx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from memory_world import fact, has, opened, seen, told

from perstream.errors import StoreError
from perstream.memory import graphml
from perstream.types import Triplet


def there_and_back(graph: networkx.MultiDiGraph) -> networkx.MultiDiGraph:
    file = io.BytesIO()
    graphml.write(graph, file)
    file.seek(0)
    return graphml.read(file)


def rows(graph: networkx.MultiDiGraph) -> tuple[object, object]:
    edges = sorted((repr(start), repr(end), repr(sorted(data.items()))) for start, end, data in graph.edges(data=True))
    return dict(graph.nodes(data=True)), edges


def test_the_graph_comes_back_with_its_attributes(tmp_path: Path) -> None:
    with opened(tmp_path) as memory:
        memory.remember_all([told("my dentist is Dr Ray", 1, fact("is", "Dr Ray", "my dentist"))])
        memory.remember_all([told("my dentist is Dr Ono", 2, fact("is", "Dr Ono", "my dentist"))])
        memory.remember(seen("a bike — „Zürich“ <&>", 3, has("bike"), has("bike"), Triplet("bike", "near", "I", 0.25)))
        memory.remember(told("", 4, Triplet("", "", "")))
        graph = memory.graph()
    again = there_and_back(graph)
    assert rows(again) == rows(graph)
    assert networkx.is_isomorphic(again, graph)
    kinds = {data["kind"] for _, _, data in again.edges(data=True)}
    assert kinds == {"holds", "mentions", "triplet", "supersedes"}


def test_other_programs_can_read_it(tmp_path: Path) -> None:
    """Well-formed, every id once, every key declared."""
    with opened(tmp_path) as memory:
        memory.remember(told("I have a bike", 1, has("bike"), has("bike")))
        file = io.BytesIO()
        graphml.write(memory.graph(), file)
    root = ElementTree.fromstring(file.getvalue())
    space = "{http://graphml.graphdrawing.org/xmlns}"
    keys = {key.get("id") for key in root.iter(f"{space}key")}
    assert {data.get("key") for data in root.iter(f"{space}data")} <= keys
    ids = [element.get("id") for kind in ("node", "edge") for element in root.iter(space + kind)]
    assert len(ids) == len(set(ids))
    assert "memory:1" in ids


def test_what_xml_cannot_hold_is_replaced(tmp_path: Path) -> None:
    with opened(tmp_path) as memory:
        memory.remember(told("bell\x07 null\x00 line\r\nend\ufffe", 1))
        again = there_and_back(memory.graph())
    assert again.nodes[("memory", 1)]["label"] == "bell\ufffd null\ufffd line\ufffd\nend\ufffd"


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(labels=st.lists(st.text(max_size=8), max_size=6))
def test_any_labels_come_back(labels: list[str]) -> None:
    graph: networkx.MultiDiGraph = networkx.MultiDiGraph()
    for number, label in enumerate(labels, start=1):
        graph.add_node(("entity", number), kind="entity", label=label, category="notes")
        graph.add_edge(("entity", number), ("entity", 1), kind="mentions")
    again = there_and_back(graph)
    assert networkx.is_isomorphic(again, graph)
    for number, label in enumerate(labels, start=1):
        found = again.nodes[("entity", number)]["label"]
        assert found == "".join(
            c if c == "\t" or c == "\n" or (c >= " " and c not in "\ufffe\uffff") else "\ufffd" for c in label
        )


@pytest.mark.parametrize("data", [b"", b"<graphml>", b"\x00" * 50, b'<graphml xmlns="x"><graph/></graphml>'])
def test_what_is_no_graph_of_ours_is_refused(data: bytes) -> None:
    with pytest.raises(StoreError, match="no GraphML"):
        graphml.read(io.BytesIO(data))
