"""Transcripts: what real files contain, who speaks, and files that are broken or hostile."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perstream.sources.cue_text import MAX_TEXT, of_ass, said
from perstream.sources.transcript import MAX_CUES, cues_of, decode_text, parse_transcript, read_sidecar

VTT = """WEBVTT - Some title
X-TIMESTAMP-MAP=LOCAL:00:00:00.000,MPEGTS:900000

STYLE
::cue { color: red }

NOTE
00:00.000 is not a cue

intro
00:01.000 --> 00:02.500 align:start position:10%
<v.loud Mary Jane>Where is <i>my</i> <c.big>key</c>?</v>

01:00:03.000 --> 01:00:04.000
<v Tom>Here.
<v Mary Jane>Thanks &amp; bye
"""

SRT = """\ufeff1
00:00:01,000 --> 00:00:02,500
{\\an8}<font color="#fff">ANNA: Take the pills</font>
before breakfast.

2
00:00:02,600 --> 00:00:03,000
- Anna: Ready?
- Bob: Not yet.
3
00:00:04,000 --> 00:00:05,000
no blank line before me
"""


def plain(text: str) -> list[tuple[float, float, str | None, str]]:
    return [(cue.start_s, cue.end_s, cue.speaker, cue.text) for cue in parse_transcript(text, "s")]


def test_web_vtt() -> None:
    assert plain(VTT) == [
        (1.0, 2.5, "Mary Jane", "Where is my key?"),
        (3603.0, 3604.0, "Tom", "Here."),
        (3603.0, 3604.0, "Mary Jane", "Thanks & bye"),
    ]


def test_sub_rip() -> None:
    assert plain(SRT.replace("\n", "\r\n")) == [
        (1.0, 2.5, "ANNA", "Take the pills before breakfast."),
        (2.6, 3.0, "Anna", "Ready?"),
        (2.6, 3.0, "Bob", "Not yet."),
        (4.0, 5.0, None, "no blank line before me"),
    ]


@pytest.mark.parametrize(
    ("payload", "parts"),
    [
        ("Dr. Lee: take two", [("Dr. Lee", "take two")]),
        ("Jean-Luc Picard: engage", [("Jean-Luc Picard", "engage")]),
        ("Zoë: hi", [("Zoë", "hi")]),
        ("Note: buy milk", [(None, "Note: buy milk")]),
        ("Reminder: the dentist", [(None, "Reminder: the dentist")]),
        ("see you at 10:30", [(None, "see you at 10:30")]),
        ("we need: bread", [(None, "we need: bread")]),
        ("Anna:", [(None, "Anna:")]),
        ("https://example.org", [(None, "https://example.org")]),
        ("One two three four: no", [(None, "One two three four: no")]),
        ("- Hello\n- Hi", [(None, "Hello"), (None, "Hi")]),
        ("3 < 4 and 5 > 4", [(None, "3 < 4 and 5 > 4")]),
        ("<v Anna></v>", []),
        ("a\x00b\u200f\tc", [(None, "a b c")]),
        ("&lt;b&gt; stays text", [(None, "<b> stays text")]),
    ],
)
def test_who_says_what(payload: str, parts: list[tuple[str | None, str]]) -> None:
    assert said(payload) == parts


def test_ass_events() -> None:
    assert said(of_ass(r"0,0,Default,,0,0,0,,{\i1}Anna: one, two\Nthree")) == [("Anna", "one, two three")]


def test_rolling_captions_say_each_line_once() -> None:
    text = (
        "WEBVTT\n\n00:00.000 --> 00:02.000\nhello<00:00.500><c> there</c>\n\n"
        "00:02.000 --> 00:02.010\nhello there\n\n"
        "00:02.010 --> 00:04.000\nhello there\nnext<00:02.500><c> line</c>\n"
    )
    assert [cue[3] for cue in plain(text)] == ["hello there", "next line"]


def test_repeated_words_of_a_plain_file_stay() -> None:
    assert len(plain("1\n00:00:01,000 --> 00:00:02,000\nNo.\n\n2\n00:00:02,000 --> 00:00:03,000\nNo.\n")) == 2


def test_order_and_impossible_ends() -> None:
    cues = plain("00:05.000 --> 00:04.000\nlate\n\n00:01.000 --> 00:02.000\nearly\n")
    assert [cue[3] for cue in cues] == ["early", "late"]
    assert cues[1][:2] == (5.0, 5.5)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_encodings(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "v.srt").write_bytes("1\n00:00:01,000 --> 00:00:02,000\nZoë: café für 5 €\n".encode(encoding))
    assert [(cue.speaker, cue.text) for cue in read_sidecar(tmp_path / "v.mp4", "s")] == [("Zoë", "café für 5 €")]


def test_a_character_cut_at_the_limit_spoils_nothing() -> None:
    assert decode_text("früh".encode()[:3]) == "fr"


def test_which_file_is_taken(tmp_path: Path) -> None:
    def write(name: str, words: str = "") -> None:
        (tmp_path / name).write_text(f"00:01.000 --> 00:02.000\n{words or name}\n")

    video = tmp_path / "Day [1].mp4"
    assert read_sidecar(video, "s") == []
    (tmp_path / "Day [1].de.vtt").mkdir()
    for name in ("Day [1].fr.vtt", "Day [1].en-GB.srt", "Day [1].srt", "Day [1].vtt"):
        write(name)
        assert [cue.text for cue in read_sidecar(video, "s")] == [name]
    write("Day [1] other.vtt")
    write("Day [1].final cut.vtt")
    assert [cue.text for cue in read_sidecar(video, "s")] == ["Day [1].vtt"]
    (tmp_path / "Day [1].vtt").write_text("WEBVTT\n\nnothing in here\n")
    assert [cue.text for cue in read_sidecar(video, "s")] == ["Day [1].srt"]


def test_sizes_are_bounded(tmp_path: Path) -> None:
    long = "x" * 100_000
    assert sum(len(text) for _, text in said(long)) == MAX_TEXT
    assert sum(len(cue.text) for cue in cues_of("<v A>y" * 10_000, 0, 1, "s")) <= MAX_TEXT
    many = "".join(f"00:{i // 60 % 60:02d}:{i % 60:02d}.000 --> 00:59:59.000\nline\n\n" for i in range(MAX_CUES + 50))
    assert len(parse_transcript(many, "s")) == MAX_CUES
    (tmp_path / "v.vtt").write_bytes(b"\xff" * 6_000_000)
    assert read_sidecar(tmp_path / "v.mp4", "s") == []


@given(st.text(alphabet=st.sampled_from("<v >-:&;{}\\/A b\n0123.,\x00é"), max_size=200))
def test_any_text_gives_clean_cues(text: str) -> None:
    for cue in parse_transcript(f"00:01.000 --> 00:02.000\n{text}\n", "s"):
        assert cue.text
        assert cue.text.isprintable()
        assert cue.end_s > cue.start_s
