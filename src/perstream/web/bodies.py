"""What the API takes: one model per request body. Unknown keys and wrong types are refused."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StrictBool, StrictInt, StrictStr

from perstream.speech import Verdict
from perstream.types import Selector

MAX_ID = 2**63 - 1
"""The largest number the store can hold."""


def _unicode(text: str) -> str:
    if "\x00" in text or any("\ud800" <= letter <= "\udfff" for letter in text):
        raise ValueError("must be Unicode text without the character NUL")
    return text


def _clean(text: str) -> str:
    _unicode(text)
    if not text.strip():
        raise ValueError("must not be empty")
    return text


def _iso(value: object) -> object:
    """Only text is a time: a bare number could be seconds or milliseconds."""
    if isinstance(value, (str, datetime)):
        return value
    raise ValueError("must be an ISO time such as 2026-05-12T08:30:00Z")


def _utc(value: datetime) -> datetime:
    if value.tzinfo is None:
        raise ValueError("must say its time zone, for example 2026-05-12T08:30:00Z")
    try:
        return value.astimezone(timezone.utc)
    except OverflowError as error:
        raise ValueError("is out of range") from error


Text = Annotated[StrictStr, AfterValidator(_clean)]
Short = Annotated[StrictStr, Field(max_length=500), AfterValidator(_clean)]
Moment = Annotated[datetime, BeforeValidator(_iso), AfterValidator(_utc)]
MemoryId = Annotated[StrictInt, Field(ge=1, le=MAX_ID)]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Ask(_Body):
    """A question."""

    question: Text
    now: Moment | None = None
    """What "yesterday" is relative to."""
    stream: StrictBool = False
    """Answer with server-sent events: ``token`` for each piece, ``reply`` at the end."""


class Remember(_Body):
    """A sentence to remember, in the owner's words."""

    text: Text
    at: Moment | None = None


class Retain(_Body):
    """Give up what the retention rules name."""

    dry_run: StrictBool = True


class Recall(_Body):
    """A search by words, by a picture on the daemon's machine, or both."""

    text: Annotated[StrictStr, AfterValidator(_unicode)] = ""
    image: Short | None = None
    since: Moment | None = None
    until: Moment | None = None
    k: Annotated[StrictInt, Field(ge=1, le=100)] | None = None
    now: Moment | None = None
    as_of: Moment | None = None
    history: StrictBool = False


class Selection(_Body):
    """Which memories: every condition that is given must hold."""

    ids: Annotated[tuple[MemoryId, ...], Field(max_length=10_000)] = ()
    text: Short | None = None
    entity: Short | None = None
    source: Short | None = None
    since: Moment | None = None
    until: Moment | None = None

    def selector(self) -> Selector:
        """As the memory takes it."""
        return Selector(self.ids, self.text, self.entity, self.source, self.since, self.until)


class Forget(_Body):
    """What to forget, or to show what would go."""

    selector: Selection
    dry_run: StrictBool = False


class Pin(_Body):
    """Keep a memory whole when space gets short."""

    pinned: StrictBool = True


class Correct(_Body):
    """The words that a memory should have."""

    text: Annotated[StrictStr, Field(max_length=4000), AfterValidator(_clean)]


class Watch(_Body):
    """A source to watch."""

    uri: Annotated[StrictStr, Field(max_length=4096), AfterValidator(_clean)]
    start_time: Moment | None = None
    realtime: StrictBool = False
    name: Annotated[StrictStr, Field(max_length=200), AfterValidator(_clean)] | None = None
    masks: Annotated[list[Annotated[StrictStr, Field(max_length=200)]], Field(max_length=64)] = []
    """Regions of its pictures that nobody is to see, each X Y W H in shares of the picture from its top left."""


AdapterName = Annotated[StrictStr, Field(max_length=64), AfterValidator(_clean)]


class LoadAdapter(_Body):
    """A LoRA adapter to load."""

    name: AdapterName
    path: Annotated[StrictStr, Field(max_length=4096), AfterValidator(_clean)]


class UseAdapter(_Body):
    """The LoRA adapter to answer with; null is the model as it came."""

    name: AdapterName | None


class Rate(_Body):
    """What the owner thought of a word said unasked."""

    verdict: Verdict


class Snooze(_Body):
    """What to hold back until when: "" is everything, null wakes it."""

    topic: Annotated[StrictStr, Field(max_length=500), AfterValidator(_unicode)] = ""
    until: Moment | None


class DoNotDisturb(_Body):
    """Whether only health and safety is said."""

    on: StrictBool


class Pair(_Body):
    """A code for a token."""

    code: Annotated[StrictStr, Field(max_length=100), AfterValidator(_clean)]
    name: Annotated[StrictStr, Field(max_length=200), AfterValidator(_unicode)] = ""
