"""Walking the graph."""

from __future__ import annotations

from pathlib import Path

import pytest
from memory_world import at, has, opened, seen, told

from perstream.errors import NotFound


def test_one_walks_from_categories_to_memories_to_things_and_on(tmp_path: Path) -> None:
    with opened(tmp_path) as memory:
        walk = memory.walk
        assert walk.around().places == () and walk.around().here is None
        first = memory.remember(seen("Anna holds a ticket", 1, has("ticket", "Anna")))
        second = memory.remember(seen("A ticket lies on the table", 2, has("ticket", "table")))
        memory.remember(told("I like tea", 3, has("tea")))
        root = walk.around()
        assert [(place.node, place.memories) for place in root.places] == [
            ("category:places", 2),
            ("category:notes", 1),
        ]
        places = walk.around("category:places")
        assert [place.node for place in places.places] == [f"memory:{second.id}", f"memory:{first.id}"]
        assert places.total == 2 and places.here is not None and places.here.memories == 2
        moment = walk.around(f"memory:{first.id}")
        assert {place.label: place.memories for place in moment.places} == {"places": 0, "Anna": 1, "ticket": 2}
        ticket = next(place.node for place in moment.places if place.label == "ticket")
        around = walk.around(ticket)
        assert {(place.label, place.via) for place in around.places if place.kind == "entity"} == {
            ("Anna", "has"),
            ("table", "has"),
        }
        assert [place.node for place in around.places if place.kind == "memory"] == [
            f"memory:{second.id}",
            f"memory:{first.id}",
        ]


def test_a_span_and_a_page_are_kept_to(tmp_path: Path) -> None:
    with opened(tmp_path) as memory:
        memory.remember_all(seen(f"sign {n}", n, has(f"sign {n}", "street")) for n in range(20))
        early = memory.walk.around(since=at(2), until=at(4))
        assert [place.memories for place in early.places] == [3]
        page = memory.walk.around("category:places", limit=6, offset=6)
        assert [place.label for place in page.places] == [f"sign {n}" for n in range(13, 7, -1)] and page.total == 20
        within = memory.walk.around("category:places", since=at(2), until=at(4))
        assert [place.label for place in within.places] == ["sign 4", "sign 3", "sign 2"]


@pytest.mark.parametrize("node", ["memory:99", "entity:99", "memory:x", "nonsense", "entity:", "group:1"])
def test_where_nothing_is_one_cannot_stand(tmp_path: Path, node: str) -> None:
    with opened(tmp_path) as memory, pytest.raises(NotFound):
        memory.walk.around(node)
