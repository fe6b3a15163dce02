"""The builtin backend: CPU only, nothing downloaded, no torch."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from perstream.config import BackendConfig, MomentConfig
from perstream.models.builtin_answer import BuiltinAnswerer
from perstream.models.builtin_caption import BuiltinCaptioner
from perstream.models.builtin_propose import BuiltinProposer
from perstream.models.builtin_triplets import GrammarTriplets
from perstream.models.builtin_vision import BuiltinVision
from perstream.models.minilm import MiniLM
from perstream.models.recent_vectors import RecentVectors
from perstream.protocols import Answer, AnswerRequest, Backend, ProactiveRequest, Proposal, TextEmbedder


class BuiltinGenerator:
    """Extractive answers and rule-based proposals behind the one Generator protocol."""

    def __init__(self, embedder: TextEmbedder, answer_threshold: float) -> None:
        self._answerer = BuiltinAnswerer(RecentVectors(embedder), answer_threshold)
        self._proposer = BuiltinProposer(embedder)

    def answer(self, request: AnswerRequest, say: Callable[[str], None], cancelled: Callable[[], bool]) -> Answer:
        """From the hits alone; None when they do not hold an answer."""
        return self._answerer.answer(request, say, cancelled)

    def propose(self, request: ProactiveRequest, _: Callable[[], bool] = lambda: False) -> tuple[Proposal, ...]:
        """Words worth saying now, most urgent first."""
        return self._proposer.propose(request)


def load(config: BackendConfig, moment: MomentConfig) -> Backend:
    """Build all parts. BackendUnavailable when the text embedder was never set up."""
    embedder = MiniLM(Path(config.embedder_path) if config.embedder_path else None)
    return Backend(
        name="builtin",
        vision=BuiltinVision(moment.pool_size),
        captioner=BuiltinCaptioner(),
        triplets=GrammarTriplets(),
        embedder=embedder,
        generator=BuiltinGenerator(embedder, config.answer_threshold),
    )
