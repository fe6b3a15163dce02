"""What /v1/chat/completions gives, in the shapes of OpenAI's API."""

from __future__ import annotations

import secrets
import time
from collections.abc import Sequence

from perstream.jsonlines import Json, evidence_of, plain
from perstream.types import Hit, Reply
from perstream.web.chat_bodies import MODEL

LETTERS_PER_TOKEN = 4
"""A guess: a memory has no tokens of its own to count."""
NOTHING_LIKE_IT = "I have no memory that looks like this."


class Completion:
    """One answer in the making; every chunk of it has the same id."""

    def __init__(self, prompt: str, *, usage_wanted: bool = False) -> None:
        """``prompt``: all words of the conversation."""
        self._head: Json = {"id": f"chatcmpl-{secrets.token_hex(12)}", "created": int(time.time()), "model": MODEL}
        self._prompt = prompt
        self._usage_wanted = usage_wanted

    def whole(self, reply: Reply) -> Json:
        """The answer in one piece."""
        choice = {
            "index": 0,
            "message": {"role": "assistant", "content": reply.answer, "refusal": None},
            "logprobs": None,
            "finish_reason": "stop",
        }
        return {
            **self._head,
            "object": "chat.completion",
            "choices": [choice],
            "usage": self._usage(reply.answer),
            "perstream": extension(reply),
        }

    def first(self) -> Json:
        """The chunk that says who speaks."""
        return self._chunk({"role": "assistant", "content": "", "refusal": None})

    def piece(self, text: str) -> Json:
        """A piece of the answer."""
        return self._chunk({"content": text})

    def last(self, reply: Reply) -> list[Json]:
        """The chunk that ends it, with the evidence, and the count of tokens where it was asked for."""
        chunks = [{**self._chunk({}, "stop"), "perstream": extension(reply)}]
        if self._usage_wanted:
            chunks.append({**self._chunk({}), "choices": [], "usage": self._usage(reply.answer)})
        return chunks

    def _chunk(self, delta: Json, finish: str | None = None) -> Json:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        usage = {"usage": None} if self._usage_wanted else {}
        return {**self._head, "object": "chat.completion.chunk", "choices": [choice], **usage}

    def _usage(self, answer: str) -> Json:
        asked, said = (-(-len(text) // LETTERS_PER_TOKEN) for text in (self._prompt, answer))
        return {"prompt_tokens": asked, "completion_tokens": said, "total_tokens": asked + said}


def extension(reply: Reply) -> Json:
    """What OpenAI's shapes have no place for."""
    return {
        "question": reply.question,
        "abstained": reply.abstained,
        "evidence": plain(reply.evidence),
        "timings_ms": plain(dict(reply.timings_ms)),
    }


def like_the_picture(question: str, hits: Sequence[Hit], took_ms: float) -> Reply:
    """What was found for a picture, as an answer."""
    lines = [f"- {hit.memory.observed_at:%Y-%m-%d %H:%M} UTC: {' '.join(hit.memory.text.split())}" for hit in hits]
    answer = "\n".join(["Moments most like this picture:", *lines]) if lines else NOTHING_LIKE_IT
    evidence = tuple(evidence_of(hit.memory, hit.score) for hit in hits)
    return Reply(question, answer, not lines, evidence, {"recall": took_ms})


def error_json(status: int, message: str, param: str | None = None, code: str | None = None) -> Json:
    """An error as OpenAI's servers put it."""
    kind = {401: "invalid_request_error", 403: "invalid_request_error", 429: "rate_limit_error"}.get(status)
    kind = kind or ("invalid_request_error" if status < 500 else "server_error")
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}


def models_json(created: int) -> Json:
    """The one model there is."""
    return {"id": MODEL, "object": "model", "created": created, "owned_by": "perstream"}
