"""The budget of calls and tokens: a sliding hour, with a reserve for what the owner waits for."""

from __future__ import annotations

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st
from remote_kit import talking

from perstream.errors import BackendUnavailable
from perstream.lab.stand_in_acts import Say, Status
from perstream.models.chat.messages import Sampling
from perstream.models.remote.budget import HOUR_S, Budget

FINE = Say(("Yes.",), usage=(100, 20))


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def taken(budget: Budget, kind: str, most: int = 1000) -> int:
    """How many calls of a kind go through at once."""
    for count in range(most):
        try:
            budget.take(kind, 1)
        except BackendUnavailable:
            return count
    return most


def test_captions_leave_a_fifth_and_proactive_words_a_tenth() -> None:
    budget = Budget(100, 0, Clock())
    assert taken(budget, "caption") == 80
    assert taken(budget, "triplets") == 0
    assert taken(budget, "proactive") == 10
    assert taken(budget, "answer") == 10


def test_answers_may_take_it_all() -> None:
    assert taken(Budget(100, 0, Clock()), "answer") == 100
    assert taken(Budget(1, 0, Clock()), "caption") == 0, "the one call there is belongs to a question"
    assert taken(Budget(0, 0, Clock()), "caption") == 1000, "0 is no limit"


def test_the_hour_slides() -> None:
    clock = Clock()
    budget = Budget(10, 0, clock)
    for minute in range(8):
        clock.now = minute * 60.0
        budget.take("caption", 1)
    clock.now = 600.0
    with pytest.raises(BackendUnavailable, match=r"budget of 10 calls an hour .*is spent; next caption in 50 min"):
        budget.take("caption", 1)
    clock.now = HOUR_S
    assert taken(budget, "caption") == 1
    clock.now = HOUR_S + 120
    assert taken(budget, "caption") == 2


def test_tokens_are_reserved_and_then_settled() -> None:
    budget = Budget(0, 1000, Clock())
    ticket = budget.take("answer", 600)
    with pytest.raises(BackendUnavailable, match=r"1000 tokens an hour is spent; next answer in 60 min"):
        budget.take("answer", 600)
    budget.settle(ticket, 100)
    budget.take("answer", 600)


def test_a_budget_too_small_for_one_call_says_so() -> None:
    with pytest.raises(
        BackendUnavailable, match=r"too small for one caption of 900 tokens; raise backend.tokens_per_hour"
    ):
        Budget(0, 1000, Clock()).take("caption", 900)


def test_threads_do_not_overdraw() -> None:
    budget = Budget(50, 0, Clock())
    counts: list[int] = []
    threads = [threading.Thread(target=lambda: counts.append(taken(budget, "answer"))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(counts) == 50


@given(
    limit=st.integers(1, 30),
    calls=st.lists(st.tuples(st.floats(0, 900), st.sampled_from(["caption", "proactive", "answer"])), max_size=60),
)
def test_no_hour_ever_holds_more_than_the_budget(limit: int, calls: list[tuple[float, str]]) -> None:
    clock = Clock()
    budget = Budget(limit, 0, clock)
    through: list[tuple[float, str]] = []
    for wait, kind in calls:
        clock.now += wait
        try:
            budget.take(kind, 1)
        except BackendUnavailable:
            window = [at for at, _ in through if at > clock.now - HOUR_S]
            assert kind != "answer" or len(window) == limit, "a question is refused only when all is spent"
        else:
            through.append((clock.now, kind))
    for at, _ in through:
        assert sum(at <= other < at + HOUR_S for other, _ in through) <= limit


def test_nothing_is_called_when_it_is_spent() -> None:
    clock = Clock()
    with talking(lambda _: FINE, config={"calls_per_hour": 5}, clock=clock) as talk:
        for _ in range(4):
            talk.ask(sampling=Sampling(kind="caption"))
        with pytest.raises(BackendUnavailable, match="is spent; next caption in 60 min"):
            talk.ask(sampling=Sampling(kind="caption"))
        assert talk.ask(sampling=Sampling(kind="answer")) == "Yes."
        assert len(talk.server.chats) == 5
        rows = {row.kind: row for row in talk.chat.sent()}
        assert (rows["caption"].calls, rows["caption"].refused, rows["caption"].failed) == (4, 1, 0)
        assert (rows["answer"].calls, rows["answer"].refused) == (1, 0)
        clock.now = HOUR_S + 1
        assert talk.ask(sampling=Sampling(kind="caption")) == "Yes."


def test_repeats_count_too() -> None:
    with talking([Status(500, {})] * 9, config={"calls_per_hour": 2, "request_retries": 5}) as talk:
        with pytest.raises(BackendUnavailable, match="budget of 2 calls"):
            talk.ask()
        assert len(talk.server.chats) == 2


def test_tokens_of_the_server_count() -> None:
    with talking(lambda _: FINE, config={"tokens_per_hour": 600}) as talk:
        for _ in range(4):
            talk.ask(sampling=Sampling(max_new_tokens=50))
        with pytest.raises(BackendUnavailable, match="budget of 600 tokens"):
            talk.ask(sampling=Sampling(max_new_tokens=150))
        (row,) = talk.chat.sent()
        assert (row.tokens_in, row.tokens_out, row.refused) == (400, 80, 1)


def test_what_failed_cost_no_tokens() -> None:
    with talking([Status(400, {}), FINE], config={"tokens_per_hour": 300}) as talk:
        with pytest.raises(Exception, match="refused the request"):
            talk.ask()
        assert talk.ask() == "Yes."


def test_how_much_is_spent_counts_what_is_not_kept_for_questions() -> None:
    clock = Clock()
    budget = Budget(100, 0, clock)
    assert budget.share() == 0
    assert taken(budget, "caption") == 80
    assert budget.share() == 1  # captions get nothing any more, and that is when the owner should know
    clock.now = HOUR_S + 1
    assert budget.share() == 0
    tokens = Budget(0, 1000, clock)
    tokens.settle(tokens.take("caption", 100), 400)
    assert tokens.share() == 0.5
    assert Budget(0, 0, clock).share() == 0
