"""From many looks at a scene to what was perceived in it: voting and merging of observations.

One look misreads; several looks seldom misread alike. A line of text is believed when at least two
keyframes read it with confidence, else it is only possible (shared rule of the caption, the gate
and proactive words, which is why it stands on the ground floor).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from perstream.spelling import cut_from, key_of, letters_in, same_line
from perstream.types import Observation, ObservationKind

MIN_SCORE = 0.75
"""A line below this confidence is not believed."""
MIN_VOTES = 2
"""Keyframes that must have read a line alike."""
MIN_LETTERS = 3
"""Letters and digits a line needs; shorter ones need three votes at ``SHORT_SCORE``."""
SHORT_SCORE = 0.95
EDGE = 0.01
"""A box this close to the picture's edge, as a share of it, may be cut there."""
SPACED_SUPPORT = 0.3
"""A spelling with more spaces wins from this share of the best one's support, when the letters are the same."""
JOIN_S = 0.6
"""Voices closer together than this are one stretch of speech."""


def believed(observation: Observation, min_score: float = MIN_SCORE) -> bool:
    """Whether an observation may be stated as a fact ("possibly" otherwise).

    Text needs votes, confidence and length, and must not run into the picture's left or right edge,
    where the rest of it may be cut off ("14:3"). Codes carry check digits, and the other kinds are
    reported by their observers only when their own test held: they are believed as they come.
    """
    if observation.kind is not ObservationKind.TEXT:
        return True
    if cut_off(observation):
        return False
    if letters_in(observation.text) < MIN_LETTERS:
        return observation.votes > MIN_VOTES and observation.score >= max(min_score, SHORT_SCORE)
    return observation.votes >= MIN_VOTES and observation.score >= min_score


def merge_observations(observations: Sequence[Observation]) -> tuple[Observation, ...]:
    """One observation per thing perceived, in order of first appearance, then reading order.

    Votes are summed over looks apart in time and never counted twice for overlapping spans, so that
    merging what was merged before changes nothing. Text: readings that differ by noise become one
    with the best spelling (votes times score) and the latest box; a piece cut off at the picture's
    edge joins the whole line. People: the largest count. Colour, light, motion: what dominates.
    Speech: spans joined. Transcript lines stay as they are, without repetitions.
    """
    by_kind: dict[ObservationKind, list[Observation]] = defaultdict(list)
    for observation in observations:
        by_kind[observation.kind].append(observation)
    merged: list[Observation] = []
    for kind, group in by_kind.items():
        merged += _MERGERS[kind](sorted(group, key=lambda o: (o.start_s, o.end_s)))
    return tuple(sorted(merged, key=_reading_order))


def seen_as(observation: Observation, merged: Iterable[Observation]) -> Observation | None:
    """The merged text line that a single reading went into, or None."""
    lines = [line for line in merged if line.kind is observation.kind]
    exact = [line for line in lines if key_of(line.text) == key_of(observation.text)]
    alike = exact or [line for line in lines if same_line(observation.text, line.text)]
    alike = alike or [line for line in lines if cut_from(observation.text, line.text)]
    return alike[0] if alike else None


def _reading_order(observation: Observation) -> tuple[float, float, float, float, str]:
    left, top = observation.box[:2] if observation.box else (0.0, 0.0)
    return observation.start_s, top, left, observation.end_s, observation.text


def cut_off(observation: Observation) -> bool:
    """Whether its box runs into the picture's left or right edge."""
    return observation.box is not None and (observation.box[0] <= EDGE or observation.box[2] >= 1 - EDGE)


def _votes(group: Sequence[Observation]) -> int:
    """Looks that agree, at least: those of spans that overlap are the same looks, so the most of them counts."""
    total, best, end = 0, 0, float("-inf")
    for one in sorted(group, key=lambda o: o.start_s):
        if one.start_s > end:
            total, best = total + best, 0
        best, end = max(best, one.votes), max(end, one.end_s)
    return total + best


def _as_one(group: Sequence[Observation], text: str | None = None) -> Observation:
    """The observations of one thing as one: span, votes, best score, latest box (a whole one if there is one)."""
    best = max(group, key=lambda o: (o.votes * o.score, o.text.count(" ")))
    boxed = [o for o in group if o.box is not None]
    return replace(
        best,
        text=best.text if text is None else text,
        score=max(o.score for o in group),
        start_s=min(o.start_s for o in group),
        end_s=max(o.end_s for o in group),
        votes=_votes(group),
        box=max(boxed, key=lambda o: (not cut_off(o), o.end_s)).box if boxed else None,
    )


# --- text -----------------------------------------------------------------------------------


def _merge_text(group: list[Observation]) -> list[Observation]:
    """Merged until nothing more is alike: the best spelling of one line can be nearer to another line than its first."""
    merged = _merge_lines(group)
    while len(again := _merge_lines(sorted(merged, key=lambda o: (o.start_s, o.end_s)))) < len(merged):
        merged = again
    return merged


def _merge_lines(group: list[Observation]) -> list[Observation]:
    spelled: dict[str, list[Observation]] = defaultdict(list)
    for one in group:
        spelled[key_of(one.text)].append(one)
    alike = [readings for key, readings in spelled.items() if key]
    alike.sort(key=lambda readings: _votes(readings) * max(o.score for o in readings), reverse=True)
    clusters: list[list[Observation]] = []
    for readings in alike:
        home = next(
            (c for c in clusters if same_line(readings[0].text, c[0].text) and not _side_by_side(readings, c)), None
        )
        if home is None:
            clusters.append(list(readings))
        else:
            home += readings
    return [_spelled(line, pieces) for line, pieces in _without_pieces(clusters)]


def _side_by_side(left: Sequence[Observation], right: Sequence[Observation]) -> bool:
    """Read in one picture at two places: two lines of a list, however alike."""
    return any(a.end_s == b.end_s and a.box and b.box and not _overlap(a.box, b.box) for a in left for b in right)


def _overlap(a: tuple[float, float, float, float], b: tuple[float, float, float, float]) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def _without_pieces(clusters: list[list[Observation]]) -> list[tuple[list[Observation], list[Observation]]]:
    """(readings of a whole line, pieces of it cut at the picture's edge at another time)."""
    whole = sorted(clusters, key=lambda c: len(key_of(c[0].text)), reverse=True)
    kept: list[tuple[list[Observation], list[Observation]]] = []
    for cluster in whole:
        home = next((pieces for line, pieces in kept if _is_piece(cluster, line)), None)
        if home is None:
            kept.append((cluster, []))
        else:
            home += cluster
    return kept


def _is_piece(piece: Sequence[Observation], whole: Sequence[Observation]) -> bool:
    end = cut_from(piece[0].text, whole[0].text)
    if end is None or _side_by_side(piece, whole):
        return False
    at_edge = [o.box is not None and (o.box[2] >= 1 - EDGE if end == "right" else o.box[0] <= EDGE) for o in piece]
    trusted = _votes(whole) >= MIN_VOTES or _votes(piece) < MIN_VOTES
    return all(at_edge) and trusted


def _spelled(line: Sequence[Observation], pieces: Sequence[Observation]) -> Observation:
    """One line with its best spelling: most votes times score among the readings of the whole."""
    support: dict[str, float] = defaultdict(float)
    for one in line:
        support[one.text] += one.votes * one.score
    best = max(support, key=lambda t: (support[t], t.count(" ")))
    # Readers lose spaces rather than invent them: "PLATFORM9" twice and "PLATFORM 9" once is the latter.
    near = [
        t
        for t, weight in support.items()
        if weight >= (SPACED_SUPPORT if key_of(t) == key_of(best) else 0.8) * support[best]
    ]
    text = max(near, key=lambda t: (t.count(" "), support[t]))
    return _as_one([*line, *pieces], text)


# --- the other kinds ------------------------------------------------------------------------


def _merge_equal(group: list[Observation]) -> list[Observation]:
    alike: dict[str, list[Observation]] = defaultdict(list)
    for one in group:
        alike[one.text].append(one)
    return [_as_one(readings) for readings in alike.values()]


def _merge_people(group: list[Observation]) -> list[Observation]:
    most = max((int(one.text) for one in group if one.text.isdecimal()), default=1)
    return [_as_one(group, str(most))]


def _merge_colors(group: list[Observation]) -> list[Observation]:
    weights: Counter[str] = Counter()
    for one in group:
        for rank, name in enumerate(part.strip() for part in one.text.split(",")):
            weights[name] += max(1, 6 - 2 * rank)
    return [_as_one(group, ", ".join(name for name, _ in weights.most_common(3)))]


def _merge_light(group: list[Observation]) -> list[Observation]:
    """Every change of light stays; of the levels, the one seen most."""
    changes = [one for one in _merge_equal(group) if one.text in ("brighter", "darker")]
    levels = [one for one in _merge_equal(group) if one.text not in ("brighter", "darker")]
    return changes + sorted(levels, key=lambda o: o.votes, reverse=True)[:1]


def _merge_motion(group: list[Observation]) -> list[Observation]:
    """The two camera motions seen most, and "something moves" where it was seen."""
    motions = sorted(_merge_equal(group), key=lambda o: o.votes, reverse=True)
    camera = [one for one in motions if one.text != "something moves"]
    return camera[:2] + [one for one in motions if one.text == "something moves"]


def _merge_speech(group: list[Observation]) -> list[Observation]:
    joined: list[list[Observation]] = []
    for one in group:
        if joined and one.start_s - max(o.end_s for o in joined[-1]) <= JOIN_S:
            joined[-1].append(one)
        else:
            joined.append([one])
    return [_as_one(stretch) for stretch in joined]


def _merge_transcript(group: list[Observation]) -> list[Observation]:
    """In time order; the same words of the same speaker again before they ended are the same line."""
    lines: list[Observation] = []
    for one in group:
        again = next(
            (
                i
                for i, o in enumerate(lines)
                if (o.text, o.speaker) == (one.text, one.speaker) and one.start_s <= o.end_s
            ),
            None,
        )
        if again is None:
            lines.append(one)
        else:
            lines[again] = replace(lines[again], end_s=max(lines[again].end_s, one.end_s))
    return lines


_MERGERS: dict[ObservationKind, Callable[[list[Observation]], list[Observation]]] = {
    ObservationKind.TEXT: _merge_text,
    ObservationKind.CODE: _merge_equal,
    ObservationKind.PEOPLE: _merge_people,
    ObservationKind.COLOR: _merge_colors,
    ObservationKind.LIGHT: _merge_light,
    ObservationKind.MOTION: _merge_motion,
    ObservationKind.PLACE: _merge_equal,
    ObservationKind.SPEECH: _merge_speech,
    ObservationKind.TRANSCRIPT: _merge_transcript,
    ObservationKind.SCENE: _merge_equal,
}
