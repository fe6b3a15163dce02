"""Answers and proactive words by a chat model that is held to what memory holds."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timezone

from perstream.config import BackendConfig
from perstream.errors import BackendError, Interrupted
from perstream.models.chat.answer_stream import AnswerStream, Grounded
from perstream.models.chat.citations import NOW
from perstream.models.chat.fallback import Fallbacks
from perstream.models.chat.messages import ChatModel, Message, Part, Patches, Picture, Sampling
from perstream.models.chat.prompts import Prompt, answer_prompt
from perstream.models.chat.proposer import ChatProposer
from perstream.models.chat.support import Support
from perstream.protocols import Answer, AnswerRequest, Generator, ProactiveRequest, Proposal, TextEmbedder

HOPELESS = 0.1
"""Share of ``answer_threshold`` under which the best memory has nothing to do with the question: nobody is asked."""
VIEW_CONFIDENCE = 0.6
"""Of an answer that rests on the current view alone."""
UNCITED = 0.8
"""Confidence of an answer that named no memories itself, as a share."""
NO_ANSWER = Answer(text=None)


class ChatGenerator:
    """Generator over a chat model. One call per answer; none when memory holds nothing that could matter."""

    def __init__(
        self,
        chat: ChatModel,
        embedder: TextEmbedder | None,
        config: BackendConfig,
        fallback: Generator | None = None,
        fallbacks: Fallbacks | None = None,
    ) -> None:
        """``fallback`` answers when the model fails, and its proposals (health and safety) are always heard.

        Without it a model that fails is an error for a question, and silence otherwise.
        """
        self._chat = chat
        self._embedder = embedder
        self._config = config
        self._fallback = fallback
        self._fallbacks = fallbacks or Fallbacks(chat.name)
        self._proposer = ChatProposer(chat, config, fallback, self._fallbacks)

    def answer(self, request: AnswerRequest, say: Callable[[str], None], cancelled: Callable[[], bool]) -> Answer:
        """From the hits and the view alone; ``text`` is None when they do not hold it.

        ``say`` receives nothing that is taken back later. Interrupted when ``cancelled`` says so. A model that breaks
        off after its first words is a BackendError: half a sentence is no answer.
        """
        if not request.question.strip() or not (request.hits or request.view):
            return NO_ANSWER
        prompt = self._prompt(request)
        sees = _shows_view(prompt)
        best = max((hit.score for hit in request.hits), default=0.0)
        if not sees and best < HOPELESS * self._config.answer_threshold:
            return NO_ANSWER
        sources = [*enumerate(prompt.lines, start=1), *([(NOW, prompt.view)] if sees else [])]
        support = Support(request.question, sources, self._embedder)
        stream = AnswerStream(say, frozenset(number for number, _ in sources), support)
        sampling = Sampling(
            max_new_tokens=self._config.max_new_tokens,
            temperature=self._config.temperature_passive,
            constant=prompt.constant,
            kind="answer",
        )
        try:
            reply = self._chat.reply(prompt.messages, sampling, stream.feed, cancelled)
        except Interrupted:
            raise
        except BackendError as error:
            if stream.spoken or self._fallback is None:
                raise
            self._fallbacks.count("answer", error)
            return self._fallback.answer(request, say, cancelled)
        if not stream.fed:
            stream.feed(reply)
        return _answer(stream.finish(), prompt, request)

    def propose(self, request: ProactiveRequest, cancelled: Callable[[], bool] = lambda: False) -> tuple[Proposal, ...]:
        """Words worth saying now, most urgent first; empty is silence."""
        return self._proposer.propose(request, cancelled)

    def _prompt(self, request: AnswerRequest) -> Prompt:
        now = request.now if request.now.tzinfo else request.now.replace(tzinfo=timezone.utc)
        memories = [hit.memory for hit in request.hits]
        return answer_prompt(request.question, memories, now, self._chat.abilities, request.visuals, request.view)


def _shows_view(prompt: Prompt) -> bool:
    """Whether the view really is in the prompt, in pictures or in words."""
    return bool(prompt.view) or any(_is_picture(part) for part in _last(prompt).parts)


def _last(prompt: Prompt) -> Message:
    return prompt.messages[-1]


def _is_picture(part: Part) -> bool:
    return isinstance(part, (Picture, Patches))


def _answer(found: Grounded, prompt: Prompt, request: AnswerRequest) -> Answer:
    if found.text is None:
        return NO_ANSWER
    ids = tuple(prompt.memory_ids[number - 1] for number in found.numbers if number != NOW)
    scores = {hit.memory.id: hit.score for hit in request.hits}
    confidence = max([scores[i] for i in ids] or [VIEW_CONFIDENCE])
    return Answer(
        text=found.text,
        memory_ids=ids,
        confidence=min(1.0, max(0.0, confidence * (1.0 if found.cited else UNCITED))),
        rests_on_view=NOW in found.numbers,
    )
