"""Ways to choose the memories that an answer may rest on, to compare recall with. Each is a Memory that recalls otherwise.

What is stored, how it is shown and who generates stay the same; only :meth:`recall` differs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from perstream.config import MemoryConfig
from perstream.memory.lexical import Stemmer
from perstream.memory.memory import Memory
from perstream.memory.store import Store
from perstream.types import FloatArray, Hit, MemoryRecord, Query

MOST = 1_000_000
SEED_ALIKE = 0.5
"""An entity whose label has this cosine to the question is a place to start from."""
DAMPING = 0.5
"""Share of a walk that goes on from a node; HippoRAG's setting."""
STEPS = 30


class _Compared(Memory):
    """Knows all records in the order in which they were told, and their vectors."""

    def __init__(self, store: Store, config: MemoryConfig, embed: Callable[[Sequence[str]], FloatArray]) -> None:
        super().__init__(store, config, embed)
        self._vectors_of = embed
        self.told_order: dict[str, int] = {}
        """Text to its place in the file: what was told last has the highest."""

    def _chosen(self, query: Query) -> list[MemoryRecord]:
        records = self.list(limit=MOST)
        wanted = query.provenances
        return [r for r in reversed(records) if wanted is None or r.provenance in wanted]


class NoMemory(_Compared):
    """Nothing is ever recalled."""

    def recall(self, query: Query) -> list[Hit]:
        del query
        return []


class AllOfIt(_Compared):
    """Everything, in the order in which it was told; what a prompt cannot hold is cut off there, the oldest last."""

    def recall(self, query: Query) -> list[Hit]:
        return [Hit(record, 1.0) for record in _newest_first(self._chosen(query), self.told_order)]


class LastN(_Compared):
    """The memories told last."""

    def recall(self, query: Query) -> list[Hit]:
        return [Hit(record, 1.0) for record in _newest_first(self._chosen(query), self.told_order)[: query.k]]


class NaiveRag(_Compared):
    """Cosine of pooled vectors (retrieval as in Lewis et al., NeurIPS 2020, without training)."""

    def recall(self, query: Query) -> list[Hit]:
        records = self._chosen(query)
        if not records or query.vectors is None:
            return []
        scores = self._vectors_of([record.text for record in records]) @ query.vectors.pooled
        best = np.argsort(-scores, kind="stable")[: query.k]
        return [Hit(records[i], float(max(0.0, scores[i]))) for i in best]


class GraphRag(_Compared):
    """Personalized PageRank over triplets and mentions from what the question names (Gutierrez et al., NeurIPS 2024)."""

    def recall(self, query: Query) -> list[Hit]:
        records = {record.id: record for record in self._chosen(query)}
        if not records:
            return []
        graph = self.graph()
        nodes = [node for node in graph if node[0] in ("memory", "entity")]
        place = {node: i for i, node in enumerate(nodes)}
        start = self._seeds(query, graph, place)
        if not start.any():
            return []
        links = np.zeros((len(nodes), len(nodes)), np.float32)
        for one, other in graph.edges():
            if one in place and other in place and one != other:
                links[place[one], place[other]] = links[place[other], place[one]] = 1.0
        rank = _walked(links, start / start.sum())
        found = [(float(rank[place["memory", i]]), i) for i in records if ("memory", i) in place]
        best = sorted((pair for pair in found if pair[0] > 0), key=lambda pair: (-pair[0], pair[1]))[: query.k]
        top = best[0][0] if best else 1.0
        return [Hit(records[i], score / top, {"walk": score}) for score, i in best]

    def _seeds(self, query: Query, graph: Any, place: dict[Any, int]) -> FloatArray:
        start = np.zeros(len(place), np.float32)
        entities = [node for node in place if node[0] == "entity"]
        labels = [str(graph.nodes[node]["label"]) for node in entities]
        if not labels:
            return start
        stemmer = Stemmer()
        asked = set(stemmer.terms(query.text))
        alike = self._vectors_of(labels) @ query.vectors.pooled if query.vectors is not None else np.zeros(len(labels))
        for node, label, cosine in zip(entities, labels, alike, strict=True):
            terms = set(stemmer.terms(label))
            named = bool(terms) and terms <= asked
            if named or cosine >= SEED_ALIKE:
                start[place[node]] = 1.0 if named else float(cosine)
        return start


STRATEGIES: dict[str, type[Memory]] = {
    "perstream": Memory,
    "none": NoMemory,
    "all": AllOfIt,
    "naive-rag": NaiveRag,
    "last-n": LastN,
    "graph-rag": GraphRag,
}


def _newest_first(records: Sequence[MemoryRecord], order: dict[str, int]) -> list[MemoryRecord]:
    return sorted(records, key=lambda r: (r.observed_at, order.get(r.text, -1), r.id), reverse=True)


def _walked(links: FloatArray, start: FloatArray) -> FloatArray:
    """The stationary distribution of a walk that starts again at ``start``."""
    degree = links.sum(axis=1, keepdims=True)
    moves = np.divide(links, degree, out=np.zeros_like(links), where=degree > 0)
    rank = start.copy()
    for _ in range(STEPS):
        rank = (1 - DAMPING) * start + DAMPING * (rank @ moves)
    return np.asarray(rank, np.float32)
