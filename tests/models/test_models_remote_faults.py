"""A model server that misbehaves: each fault by its own name, in time, and nothing said twice."""

from __future__ import annotations

import json
import socket
import time
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime

import pytest
from remote_kit import talking

from perstream.config import BackendConfig
from perstream.errors import BackendError, BackendUnavailable, BadOutput
from perstream.lab.stand_in_acts import Act, Hang, Raw, Say, Status
from perstream.models.chat.messages import Message, Sampling
from perstream.models.remote import exchange
from perstream.models.remote.address import Address
from perstream.models.remote.chat import RemoteChat
from perstream.models.remote.faults import ServerTrouble, of_status

ADDRESS = Address("http://127.0.0.1:1/v1", "http://127.0.0.1:1", True, "m")
FINE = Say(("Under ", "the mat."))


def event(text: str) -> bytes:
    return b"data: " + json.dumps({"choices": [{"delta": {"content": text}}]}).encode() + b"\n\n"


def test_nobody_there() -> None:
    with socket.socket() as taken:  # bound, never listening: refused at once
        taken.bind(("127.0.0.1", 0))
        chat = RemoteChat(
            BackendConfig(base_url=f"http://127.0.0.1:{taken.getsockname()[1]}/v1", served_model="m"),
            {},
            backoff_s=0.01,
        )
        with pytest.raises(BackendUnavailable, match=r"cannot be reached.*is the server running"):
            chat.reply((Message("user", ("hello",)),), Sampling(), lambda _: None, lambda: False)
        (row,) = chat.sent()
        assert (row.calls, row.failed, row.tokens_in) == (3, 3, 0)
        chat.close()


@pytest.mark.parametrize("status", [408, 409, 429, 500, 502, 503])
def test_a_passing_fault_is_tried_again(status: int) -> None:
    with talking([Status(status, {"error": {"message": "busy"}}), FINE]) as talk:
        assert talk.ask() == "Under the mat."
        assert len(talk.server.chats) == 2
        assert talk.said == ["Under ", "the mat."]


def test_tries_end() -> None:
    with talking([Status(503, {"error": {"message": "loading model"}})] * 9) as talk:
        with pytest.raises(BackendUnavailable, match=r"status 503\): loading model"):
            talk.ask()
        assert len(talk.server.chats) == 3


def test_retry_after_is_waited_for() -> None:
    with talking([Status(429, {}, {"Retry-After": "0.3"}), FINE]) as talk:
        began = time.monotonic()
        talk.ask()
        assert time.monotonic() - began >= 0.3


@pytest.mark.parametrize(
    ("after", "seconds"),
    [
        ("7", 7.0),
        ("0.5", 0.5),
        ("-3", None),
        ("soon", None),
        ("", None),
        ("nan", None),
        ("1e9", 3600.0),
        ("9" * 999, None),
    ],
)
def test_how_long_to_wait(after: str, seconds: float | None) -> None:
    fault = of_status(ADDRESS, "m", 503, {"retry-after": after}, b"")
    assert getattr(fault, "after_s", None) == seconds


def test_how_long_to_wait_as_a_date() -> None:
    soon = datetime.now(timezone.utc) + timedelta(seconds=20)
    fault = of_status(ADDRESS, "m", 503, {"retry-after": format_datetime(soon, usegmt=True)}, b"")
    assert isinstance(fault, ServerTrouble) and fault.after_s is not None and 0 <= fault.after_s <= 20
    past = of_status(ADDRESS, "m", 503, {"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}, b"")
    assert isinstance(past, ServerTrouble) and past.after_s == 0


def test_a_long_retry_after_is_kept_without_calling() -> None:
    now = [0.0]
    with talking([Status(429, {}, {"Retry-After": "600"}), FINE], clock=lambda: now[0]) as talk:
        with pytest.raises(BackendUnavailable, match="left alone for 600 s"):
            talk.ask()
        with pytest.raises(BackendUnavailable, match="next call in 10 min"):
            talk.ask()
        assert len(talk.server.chats) == 1
        now[0] = 601.0
        assert talk.ask() == "Under the mat."


@pytest.mark.parametrize(
    ("act", "error", "words"),
    [
        (Status(401, {"error": {"message": "no"}}), BackendUnavailable, "wants a key"),
        (Status(403, {}), BackendUnavailable, "wants a key"),
        (Status(402, {}), BackendUnavailable, "no credit"),
        (Status(429, {"error": {"code": "insufficient_quota"}}), BackendUnavailable, "no credit"),
        (Status(404, {"error": {"message": "no such"}}), BackendUnavailable, "no model 'stand-in'; it has: stand-in"),
        (Status(413, "too large"), BackendError, "too long"),
        (Status(400, {"error": {"code": "context_length_exceeded"}}), BackendError, "too long"),
        (Status(400, {"error": {"message": "This model's maximum context length is 10"}}), BackendError, "top_k"),
        (Status(400, {"object": "error", "message": "bad\n\x1b[31mroles"}), BackendError, r"400\): bad \[31mroles"),
        (Status(418, {}), BackendUnavailable, "status 418"),
        (Status(307, "", {"Location": "http://127.0.0.1:9/steal"}), BackendUnavailable, "redirects elsewhere"),
        (Raw((b"<html>hello</html>",), "text/html"), BackendUnavailable, "answers with text/html.*ends in /v1"),
        (Raw((b"<html>\n<body>\n",)), BackendUnavailable, "no event stream"),
        (Raw((b"\x00\xff\xfe garbage\n\n",)), BackendUnavailable, "no event stream"),
        (Raw((b"data: {nonsense\n\n",)), BadOutput, "no chat answer"),
        (Raw((b'data: {"choices": "none"}\n\n',)), BadOutput, "no chat answer"),
        (Raw((b'data: {"choices": [{"delta": {"content": 7}}]}\n\n',)), BadOutput, "no chat answer"),
        (Raw((b"data: " + b"[" * 100_000 + b"\n\n",)), BadOutput, "no chat answer"),
        (Raw((b"data: \xff\n\n",)), BadOutput, "no chat answer"),
        (Raw((b'data: {"choices": []}\n\ndata: [DONE]\n\n',)), BadOutput, "answered with nothing"),
        (Raw((b'{"id": 1}',), "application/json"), BadOutput, "answered with nothing"),
        (Raw((b'{"choices": [',), "application/json"), BadOutput, "no chat answer"),
        (Raw((b"data: " + b"x" * 10_000_000,)), BadOutput, "line without end"),
        (Raw((b"data: x\n" * 800_000,)), BadOutput, "event without end"),
        (Say((), finish="content_filter"), BadOutput, "content filter"),
        (Say((), finish="length", thoughts=("hm", "hm")), BadOutput, "for thinking"),
        (Say(("  \n",)), BadOutput, "answered with nothing"),
        (Say((), finish="tool_calls"), BadOutput, "answered with nothing"),
    ],
)
def test_a_fault_that_stays(act: Act, error: type[BackendError], words: str) -> None:
    with talking([act, FINE]) as talk:
        with pytest.raises(error, match=words) as caught:
            talk.ask()
        assert len(talk.server.chats) == 1, "no second try"
        assert "\n" not in str(caught.value) and "\x1b" not in str(caught.value)
        assert talk.chat.sent()[0].failed == 1


def test_a_hanging_server_is_given_up() -> None:
    with talking([Hang(), FINE], config={"request_timeout_s": 0.3}) as talk:
        with pytest.raises(BackendUnavailable, match=r"no token for 0.3 s"):
            talk.ask()
        assert talk.server.dropped.wait(2)
        assert len(talk.server.chats) == 1


@pytest.mark.parametrize("idle", [b": still here\n\n", b'data: {"choices": [{"delta": {"role": "assistant"}}]}\n\n'])
def test_signs_of_life_are_no_tokens(idle: bytes) -> None:
    drip = Raw((idle,) * 500, pause_s=0.02)
    with (
        talking([drip], config={"request_timeout_s": 0.3}) as talk,
        pytest.raises(BackendUnavailable, match="no token"),
    ):
        talk.ask()


def test_thoughts_are_tokens() -> None:
    slow = Say(("Yes.",), thoughts=("hm",) * 8, pause_s=0.2)
    with talking([slow], config={"request_timeout_s": 1.2}) as talk:
        assert talk.ask() == "Yes."


def test_hanging_between_tokens() -> None:
    with talking([Raw((event("Under "),), then_hang_s=30)], config={"request_timeout_s": 0.3}) as talk:
        with pytest.raises(BackendUnavailable, match="no token"):
            talk.ask()
        assert talk.said == ["Under "]


def test_a_drip_is_bounded_in_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exchange, "TOTAL", 1)
    drip = Raw((event("a"),) * 1000, pause_s=0.02)
    with talking([drip], config={"request_timeout_s": 0.7}) as talk:
        with pytest.raises(BackendUnavailable, match=r"did not end its answer in 0.7 s"):
            talk.ask(sampling=Sampling(max_new_tokens=8000))
        assert len(talk.said) > 1


BROKEN = [
    pytest.param(Raw((event("Under "), b'data: {"choi')), id="middle of JSON"),
    pytest.param(Raw((event("Under "),), length=5000), id="length that lies"),
    pytest.param(Say(("Under ",), finish=None, done=False), id="no end"),
    pytest.param(Raw((event("Under "), b'data: {"error": {"message": "CUDA out of memory"}}\n\n')), id="error inside"),
]


@pytest.mark.parametrize("act", BROKEN)
def test_half_an_answer_is_not_said_twice(act: Act) -> None:
    with talking([act, FINE]) as talk:
        with pytest.raises(BackendUnavailable):
            talk.ask()
        assert talk.said == ["Under "]
        assert len(talk.server.chats) == 1


@pytest.mark.parametrize(
    "act",
    [
        Raw((b'data: {"choi',)),
        Raw((), length=5000),
        Raw(()),
        Raw((b'data: {"error": {"message": "overloaded"}}\n\n',)),
        Hang(0.0),
    ],
)
def test_what_broke_before_the_first_token_is_tried_again(act: Act) -> None:
    with talking([act, FINE]) as talk:
        assert talk.ask() == "Under the mat."
        assert talk.said == ["Under ", "the mat."]


def test_an_endless_answer_is_cut() -> None:
    endless = Raw(tuple(event("word " * 50) for _ in range(400)))
    with talking([endless]) as talk:
        text = talk.ask(sampling=Sampling(max_new_tokens=10))
        assert 300 < len(text) <= 10 * 32 + 256
        assert "".join(talk.said).strip() == text


def test_a_cut_answer_is_still_an_answer() -> None:
    with talking([Say(("Under the",), finish="length")]) as talk:
        assert talk.ask() == "Under the"


def test_compression_that_nobody_asked_for_is_refused() -> None:
    packed = Status(200, "x", {"Content-Encoding": "gzip"})
    with talking([packed]) as talk, pytest.raises(BackendUnavailable, match="compresses"):
        talk.ask()


def test_a_server_that_does_not_stream() -> None:
    whole = {"choices": [{"message": {"content": " Under the mat. "}, "finish_reason": "stop"}], "usage": None}
    with talking([Status(200, whole)]) as talk:
        assert talk.ask() == "Under the mat."
        assert talk.chat.sent()[0].estimated == 1


def test_many_models_and_none() -> None:
    for cards, words in (((), "serves no model"), (({"id": "a"}, {"id": "b"}), "served_model to one of a, b")):
        with talking([FINE], cards=cards) as talk, pytest.raises(BackendUnavailable, match=words):
            talk.ask()
    with talking([FINE], cards=({"id": "a"}, {"id": "b"}), environ={"OPENAI_MODEL": "b"}) as talk:
        talk.ask()
        assert talk.server.chats[0]["model"] == "b"
        assert talk.chat.models() == ("a", "b")


@pytest.mark.parametrize("answer", [Status(200, ["a"]), Status(200, {"data": [{"id": 5}]}), Status(200, "<html>")])
def test_a_list_of_models_that_is_none(answer: Act) -> None:
    with talking([FINE], extra={"/v1/models": answer}) as talk, pytest.raises(BadOutput, match="list of models"):
        talk.chat.models()
