"""One moment's part of a dataset: memories, then a question and a judged word or silence about them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from perstream.errors import BackendError, BadOutput, ConfigError
from perstream.lab.drivenact import RESPONSE, SILENCE
from perstream.lab.kit.calls import CachedChat
from perstream.lab.kit.generate.asker import asked
from perstream.lab.kit.generate.asks import MEMORIES, PASSIVE, PROACTIVE, Lists, ask
from perstream.lab.kit.generate.picks import Moment
from perstream.lab.kit.generate.plan import Plan
from perstream.lab.kit.generate.replies import Verdict, memories_in, question_in, verdict_in
from perstream.lab.kit.generate.stills import Stills
from perstream.lab.kit.journal import fingerprint
from perstream.lab.kit.records import check_record
from perstream.types import ByteArray

MOST_USUAL, MOST_EVENTS = 40, 20
"""Memories of a record; the oldest go first."""

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Job:
    """A record to make: a moment and the memories up to it."""

    kind: Literal["passive", "proactive"]
    moment: Moment
    lists: Lists
    split: str

    @property
    def key(self) -> str:
        """With a digest of the memories: other memories, another record."""
        return f"{self.kind} {self.moment.key} {fingerprint(self.lists.usual, self.lists.events)[:12]}"


class Maker:
    """Asks the model. Thread-safe as far as the model is."""

    def __init__(self, chat: CachedChat, stills: Stills | None, plan: Plan) -> None:
        """Without ``stills`` the model is shown no pictures."""
        self._chat = chat
        self._stills = stills
        self._plan = plan

    def memories(self, moment: Moment) -> Json:
        """New memories of a moment, ``{"type_1", "type_2"}``."""
        prompt = ask(MEMORIES, moment, self._pictures(moment))
        found = asked(self._chat, MEMORIES, prompt, memories_in, self._plan.temperature, _lot(moment))
        return {"type_1": list(found.usual), "type_2": list(found.events)}

    def record(self, job: Job) -> Json:
        """A whole record, checked. BadOutput when the model gave nothing usable."""
        pictures = self._pictures(job.moment)
        record = self._base(job, len(pictures))
        record |= self._question(job, pictures) if job.kind == "passive" else self._word(job, pictures)
        problems = check_record(record)
        if problems:
            raise BadOutput(f"{job.kind}: {problems[0][0]} {problems[0][1]}")
        return record

    def _base(self, job: Job, looked: int) -> Json:
        moment = job.moment
        return {
            "participant_id": moment.footage.participant,
            "video_id": moment.footage.video,
            "timestamp": f"{moment.time_s:.3f}",
            "caption": moment.label,
            "split": job.split,
            "type_1_memories": list(job.lists.usual),
            "type_2_memories": list(job.lists.events),
            "type": job.kind,
            "generated_by": {"model": self._chat.name, "pictures": looked},
        }

    def _question(self, job: Job, pictures: Sequence[ByteArray]) -> Json:
        prompt = ask(PASSIVE, job.moment, pictures, job.lists)
        found = asked(self._chat, PASSIVE, prompt, question_in(job.lists), self._plan.temperature, _lot(job.moment))
        return {**asdict(found), "reference": list(found.reference)}

    def _word(self, job: Job, pictures: Sequence[ByteArray]) -> Json:
        """The majority of the judged runs; of those that speak the most urgent one's words."""
        prompt = ask(PROACTIVE, job.moment, pictures, job.lists)
        read = verdict_in(job.lists)
        runs: list[Verdict] = []
        failed: list[BackendError] = []
        for number in range(self._plan.runs):
            try:
                lot = _lot(job.moment) + number
                runs.append(asked(self._chat, PROACTIVE, prompt, read, self._plan.temperature, lot))
            except BadOutput as error:
                failed.append(error)
        needed = self._plan.runs // 2 + 1
        if len(runs) < needed:
            raise BadOutput(
                f"{len(runs)} of {self._plan.runs} judged runs worked out, {needed} are needed: {failed[0]}"
            )
        speaking = [run for run in runs if run.speak]
        speaks = len(speaking) >= needed
        chosen = max(
            speaking if speaks else [run for run in runs if not run.speak] or runs, key=lambda run: run.urgency
        )
        scores = [run.urgency for run in runs]
        return {
            "answer": f"{RESPONSE} {chosen.words}" if speaks else SILENCE,
            "reference": list(chosen.reference) if speaks else [],
            "justification": chosen.justification,
            "response_score": round(sum(scores) / len(scores), 4),
            "response_scores_all": scores,
            "num_successful_runs": len(runs),
            "runs": [{**asdict(run), "reference": list(run.reference)} for run in runs],
        }

    def _pictures(self, moment: Moment) -> list[ByteArray]:
        if self._stills is None:
            return []
        found = self._stills.of(moment.footage.path, self._plan.times(moment))
        if not found:
            raise ConfigError(f"the stills of {moment.footage.video} are gone: run it again")
        return found


def jobs_of(moments: Sequence[Moment], known: Mapping[str, Any], splits: Mapping[int, str]) -> list[Job]:
    """Two records for each moment whose memories worked out: its own and the earlier ones of its video, each once."""
    held: dict[str, Lists] = defaultdict(Lists)
    jobs: list[Job] = []
    for moment in moments:
        new = known.get(f"memories {moment.key}")
        if new is None:
            continue
        before = held[moment.footage.video]
        lists = Lists(_joined(before.usual, new["type_1"])[-MOST_USUAL:], _joined(before.events, new["type_2"])[-MOST_EVENTS:])  # fmt: skip
        held[moment.footage.video] = lists
        passive = Job("passive", moment, lists, splits[moment.footage.participant])
        jobs += [passive, replace(passive, kind="proactive")]
    return jobs


def _lot(moment: Moment) -> int:
    """Tells moments apart that look alike to the model: two people may do the same."""
    return int(fingerprint(moment.key)[:12], 16)


def _joined(old: Sequence[str], new: Sequence[str]) -> tuple[str, ...]:
    """Without what is there already but for case and marks."""
    by_words: dict[str, str] = {}
    for text in (*old, *new):
        by_words.setdefault("".join(char for char in text.lower() if char.isalnum()), text)
    return tuple(by_words.values())
