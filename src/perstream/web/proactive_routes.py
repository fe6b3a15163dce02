"""Routes to what was said unasked and what was held back, and to the owner's wishes about it."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from fastapi import Path as InPath

from perstream.jsonlines import Json, plain
from perstream.speech import Considered, Topic
from perstream.web.bodies import MAX_ID, DoNotDisturb, Rate, Snooze
from perstream.web.house import House

Id = Annotated[int, InPath(ge=1, le=MAX_ID)]
TopicName = Annotated[str | None, Query(min_length=1, max_length=500)]


def word_to_json(word: Considered) -> Json:
    """All fields, and whether it was said."""
    return {**plain(word), "said": word.said}


def weight_to_json(topic: Topic) -> Json:
    """{"topic", "useful", "dismissed", "weight", "rests_until"}."""
    return {
        "topic": topic.topic,
        "useful": topic.useful,
        "dismissed": topic.dismissed,
        "weight": plain(topic.weight),
        "rests_until": plain(topic.rests_until),
    }


def proactive_routes(house: House) -> APIRouter:
    """/v1/proactive…"""
    router = APIRouter(prefix="/v1/proactive", tags=["proactive"])

    @router.get("")
    def proactive(limit: Annotated[int, Query(ge=1, le=1000)] = 50, said: bool | None = None) -> Json:
        """The latest words and silences, newest first; ``said`` chooses one of the two kinds."""
        state = house.proactive(limit, said)
        return {
            "words": [word_to_json(word) for word in state.words],
            "silences": dict(state.silences),
            "do_not_disturb": state.do_not_disturb,
            "snoozed": [{"topic": one.topic, "until": plain(one.snoozed_until)} for one in state.snoozed],
        }

    @router.post("/{word_id}/feedback")
    def feedback(word_id: Id, body: Rate) -> Json:
        """It was useful, or it is dismissed and rests."""
        return word_to_json(house.rate_word(word_id, body.verdict))

    @router.post("/snooze", status_code=204)
    def snooze(body: Snooze) -> None:
        """Hold back a topic, or everything, until a time; without a time it is woken."""
        house.snooze(body.topic, body.until)

    @router.get("/dnd")
    def do_not_disturb() -> Json:
        """Whether only health and safety is said."""
        return {"on": house.do_not_disturb()}

    @router.put("/dnd")
    def set_do_not_disturb(body: DoNotDisturb) -> Json:
        """Set that."""
        return {"on": house.do_not_disturb(body.on)}

    @router.get("/weights")
    def weights() -> Json:
        """Votes on topics and kinds, and what weight they have."""
        return {"weights": [weight_to_json(topic) for topic in house.speech_weights()]}

    @router.delete("/weights")
    def reset(topic: TopicName = None) -> Json:
        """Take back the votes on a topic or a kind, or all."""
        return {"reset": house.reset_weights(topic)}

    return router
