"""Lines of one sign are read together, signs apart stay apart."""

from __future__ import annotations

from perstream.textblocks import possible_lines, text_blocks
from perstream.types import Observation, ObservationKind


def line(text, box, at=0.0, votes=1, score=0.95):
    return Observation(ObservationKind.TEXT, text, score, at, at, votes, box)


def twice(*lines):
    """The same look again a second later, with the camera a little further right."""
    return [
        *lines,
        *(
            line(
                one.text,
                (one.box[0] - 0.05, one.box[1], one.box[2] - 0.05, one.box[3]),
                one.end_s + 1.0,
                one.votes,
                one.score,
            )
            for one in lines
        ),
    ]


JAR = (line("PEANUT", (0.4, 0.40, 0.6, 0.48)), line("BUTTER", (0.4, 0.50, 0.6, 0.58)))


def test_stacked_lines_are_one_block_in_reading_order():
    (block,) = text_blocks(twice(JAR[1], JAR[0]))
    assert (block.text, block.votes, block.start_s, block.end_s) == ("PEANUT BUTTER", 2, 0.0, 1.0)
    assert [one.text for one in block.lines] == ["PEANUT", "BUTTER"]


def test_two_signs_stay_two():
    apart = line("EXIT", (0.8, 0.05, 0.9, 0.12))
    assert [block.text for block in text_blocks(twice(*JAR, apart))] == ["EXIT", "PEANUT BUTTER"]


def test_pieces_of_one_row_join_from_left_to_right():
    row = twice(line("Boarding", (0.2, 0.5, 0.4, 0.58)), line("10:45", (0.42, 0.5, 0.52, 0.58)))
    assert [block.text for block in text_blocks(row)] == ["Boarding 10:45"]


def test_a_short_line_counts_beside_a_believed_one_only():
    sign = (line("PLATFORM", (0.4, 0.40, 0.6, 0.48)), line("4", (0.45, 0.5, 0.55, 0.6)))
    assert [block.text for block in text_blocks(twice(*sign))] == ["PLATFORM 4"]
    assert text_blocks(twice(sign[1])) == ()
    assert [one.text for one in possible_lines(twice(sign[1]))] == ["4"]


def test_a_single_look_is_possible_only():
    assert text_blocks(list(JAR)) == ()
    assert [one.text for one in possible_lines(list(JAR))] == ["PEANUT", "BUTTER"]


def test_a_small_note_below_a_headline_far_away_is_apart():
    lines = twice(line("SALE TODAY", (0.1, 0.1, 0.9, 0.3)), line("cash only", (0.4, 0.6, 0.5, 0.63)))
    assert [block.text for block in text_blocks(lines)] == ["SALE TODAY", "cash only"]


def test_lines_without_boxes_stand_alone():
    lines = [line("PEANUT", None, votes=2), line("BUTTER", None, votes=2)]
    assert sorted(block.text for block in text_blocks(lines)) == ["BUTTER", "PEANUT"]
