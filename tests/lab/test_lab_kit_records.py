"""`perstream dataset validate`: a bad file is described whole, a good one passes."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from perstream.cli.main import app
from perstream.errors import ConfigError, NotFound
from perstream.lab.kit.records import check_record
from perstream.lab.kit.validate import Validation, read_strictly, validate

sys.path.insert(0, str(Path(__file__).parent.parent / "sources"))
from video_maker import make_video


def good(**changes: Any) -> dict[str, Any]:
    record = {
        "participant_id": 1,
        "video_id": "vp1/run1",
        "timestamp": "1.5",
        "caption": "drinking tea",
        "split": "train",
        "type_1_memories": ["I like tea.", "My mug is green."],
        "type_2_memories": ["I broke the blue mug — it was my sister’s — last week."],
        "type": "passive",
        "question": "Whose mug did I break?",
        "answer": "Your sister's.",
        "reference": ["(M2.1)", "(V)"],
    }
    return {name: value for name, value in {**record, **changes}.items() if value is not ...}


def silent(**changes: Any) -> dict[str, Any]:
    return good(type="proactive", question=..., reference=..., answer="</silence>") | changes


def findings(path: Path, data: Any, videos: Path | None = None) -> list[tuple[int, str, str]]:
    """(record, field, message) of all that is found."""
    path.write_text(json.dumps(data, indent=1), encoding="utf-8")
    return [(f.record if f.record is not None else -1, f.field, f.message) for f in validate(path, videos).findings]


@pytest.mark.parametrize(
    "record",
    [
        good(),
        good(type_1_memories=[]),
        good(reference=[]),
        good(caption="", justification="anything", response_score=0.5),
        silent(),
        silent(answer="</response> Careful, it is hot."),
        silent(reference=["(M1.2)"], answer='</response> "Careful."'),
        good(answer="Café Ångström — naïve façade, Ünïcödé, Â and Ã alone, 東京"),
    ],
)
def test_good_records_pass(record: dict[str, Any]) -> None:
    assert check_record(record) == []


@pytest.mark.parametrize(
    ("record", "field", "words"),
    [
        ("text", "", "an object, not a text"),
        (good(participant_id=...), "participant_id", "missing"),
        (good(participant_id="1"), "participant_id", "not a text"),
        (good(participant_id=True), "participant_id", "not true"),
        (good(participant_id=1.0), "participant_id", "not a number"),
        (good(video_id=...), "video_id", "missing"),
        (good(video_id=" "), "video_id", "empty"),
        (good(video_id="../secret"), "video_id", "no path inside"),
        (good(video_id="/etc/passwd"), "video_id", "no path inside"),
        (good(timestamp=1.5), "timestamp", "not a number"),
        (good(timestamp="soon"), "timestamp", "no number"),
        (good(timestamp="nan"), "timestamp", "no number"),
        (good(timestamp="1_0"), "timestamp", "no number"),
        (good(timestamp="-3"), "timestamp", "negative"),
        (good(caption=None), "caption", "not null"),
        (good(split="dev"), "split", "'dev' is none of"),
        (good(type="both"), "type", "'both' is none of"),
        (good(type_1_memories=...), "type_1_memories", "missing"),
        (good(type_2_memories="one"), "type_2_memories", "not a text"),
        (good(type_1_memories=["a", 3, "c"]), "type_1_memories[2]", "not a number"),
        (good(type_1_memories=["a", "  "]), "type_1_memories[2]", "empty"),
        (good(type_1_memories=[], type_2_memories=[], reference=[]), "type_1_memories", "both empty"),
        (good(question=...), "question", "missing"),
        (good(question=""), "question", "empty"),
        (good(answer=" "), "answer", "empty"),
        (good(answer="</silence>"), "answer", "belong to proactive"),
        (silent(answer="Careful."), "answer", "must be </silence> alone"),
        (silent(answer="</silence> Careful."), "answer", "must be </silence> alone"),
        (silent(answer="</response> "), "answer", "without words"),
        (silent(question="Why?"), "question", "belongs to a passive"),
        (good(reference=...), "reference", "missing"),
        (good(reference="(V)"), "reference", "not a text"),
        (good(reference=["(V)", 4]), "reference[2]", "not a number"),
        (good(reference=["M1.1"]), "reference[1]", "is none of"),
        (good(reference=["(M1.0)"]), "reference[1]", "is none of"),
        (good(reference=["(M3.1)"]), "reference[1]", "is none of"),
        (good(reference=["(M1.3)"]), "reference[1]", "out of range: type_1_memories has 2"),
        (good(question="Whose\x00mug?"), "question", "control characters"),
        (good(caption="caf\ufffd"), "caption", "U+FFFD"),
        (good(caption="half \ud83d"), "caption", "half a character"),
        (good(caption="cafÃ©"), "caption", "mixes encodings: 'Ã©'"),
        (good(type_2_memories=["it was my sisterâ€™s"]), "type_2_memories[1]", "mixes encodings"),
        (good(answer="x" * 5000), "answer", "5000 characters"),
    ],
)
def test_each_fault_is_named_once(record: Any, field: str, words: str) -> None:
    ((found, message),) = check_record(record)
    assert found == field
    assert words in message


def test_all_problems_are_listed_with_line_and_field(tmp_path: Path) -> None:
    path = tmp_path / "bad.json"
    rows = [
        good(id="a"),
        good(participant_id="x", timestamp="late", reference=["(M1.9)", "?"], id="b"),
        good(id="a", question="Another one?"),
        good(split="test", question="Third?"),
        good(id="c", question="whose  mug did I break?"),
    ]
    path.write_text("[\n" + ",\n".join(json.dumps(row) for row in rows) + "\n]\n", encoding="utf-8")
    found = validate(path)
    assert [(f.line, f.field) for f in found.findings] == [
        (3, "participant_id"),
        (3, "timestamp"),
        (3, "reference[1]"),
        (3, "reference[2]"),
        (4, "id"),
        (5, "split"),
        (6, ""),
    ]
    assert "record 0 (line 2)" in found.findings[4].message
    assert "repeats record 0 (line 2)" in found.findings[6].message
    with pytest.raises(ConfigError, match=r"bad.json:3: record 1: participant_id .*6 more"):
        read_strictly(path)
    path.write_text(json.dumps([good(), silent()]), encoding="utf-8")
    assert [sample.passive for sample in read_strictly(path)] == [True, False]


def of_text(tmp_path: Path, data: bytes) -> Validation:
    path = tmp_path / "odd.json"
    path.write_bytes(data)
    return validate(path)


@pytest.mark.parametrize(
    ("data", "line", "words"),
    [
        (b"", 1, "is empty"),
        (b"\n {\n}", 2, "is an object, and a dataset is a JSON list"),
        (b"nothing", 1, "is no JSON"),
        (b"[]", 1, "holds no records"),
        (b"[" * 100_000, 1, "nested too deeply"),
    ],
)
def test_what_is_no_list_of_records_is_said(tmp_path: Path, data: bytes, line: int, words: str) -> None:
    (found,) = of_text(tmp_path, data).findings
    assert (found.line, words in found.message) == (line, True)


def test_records_before_a_cut_are_checked(tmp_path: Path) -> None:
    text = "[\n" + json.dumps(good(split="dev")) + ",\n" + json.dumps(silent())
    for cut, words in ((len(text), "cut off"), (len(text) - 9, "ends|broken"), (len(text) - 300, "ends|broken")):
        found = of_text(tmp_path, text[:cut].encode())
        assert [f.field for f in found.findings[:1]] == ["split"]
        assert any(word in found.findings[1].message for word in words.split("|"))
        assert found.findings[1].line == 3
    broken = of_text(tmp_path, f"[{json.dumps(good())}\n{json.dumps(silent())}]".encode())
    assert (broken.findings[0].line, "comma is missing" in broken.findings[0].message) == (2, True)
    more = of_text(tmp_path, f"[{json.dumps(good())}]\n[]".encode())
    assert (more.findings[0].line, "follows the end" in more.findings[0].message) == (2, True)


def test_keys_that_stand_twice_are_found(tmp_path: Path) -> None:
    text = "[" + json.dumps(good())[:-1] + ', "answer": "Mine."}]'
    (found,) = of_text(tmp_path, text.encode()).findings
    assert (found.field, found.record) == ("answer", 0)


def test_encodings_are_named_with_their_lines(tmp_path: Path) -> None:
    text = json.dumps([good(caption="café"), good(caption="naïve", question="Second?")], ensure_ascii=False, indent=1)
    assert not of_text(tmp_path, text.encode()).findings
    (bom,) = of_text(tmp_path, b"\xef\xbb\xbf" + text.encode()).findings
    assert "BOM" in bom.message
    (wide,) = of_text(tmp_path, text.encode("utf-16")).findings
    assert "UTF-16" in wide.message
    mixed = text.encode().replace("naïve".encode(), "naïve".encode("latin-1"))
    (found,) = of_text(tmp_path, mixed).findings
    line = next(n for n, row in enumerate(text.splitlines(), start=1) if "naïve" in row)
    assert (found.line, "'ï' in Windows-1252" in found.message) == (line, True)


def test_videos_are_looked_for_and_measured(tmp_path: Path) -> None:
    (tmp_path / "videos" / "vp1").mkdir(parents=True)
    make_video(tmp_path / "videos" / "vp1" / "run1.mp4", frames=20, rate=10)
    (tmp_path / "videos" / "broken.mp4").write_bytes(b"no video")
    rows = [
        good(timestamp="1.9"),
        good(timestamp="2.9", question="b?"),
        good(video_id="vp9/none", question="c?"),
        good(video_id="broken", question="d?"),
    ]
    found = findings(tmp_path / "d.json", rows, tmp_path / "videos")
    assert [(record, field) for record, field, _ in found] == [(1, "timestamp"), (2, "video_id"), (3, "video_id")]
    assert "beyond the end of vp1/run1 (2.000 s)" in found[0][2]
    assert "cannot be read" in found[2][2]
    with pytest.raises(NotFound, match="no folder"):
        validate(tmp_path / "d.json", tmp_path / "nowhere")


def test_the_command_lists_and_fails(tmp_path: Path) -> None:
    path = tmp_path / "d.json"
    path.write_text(json.dumps([good(split="dev"), good(answer="")]), encoding="utf-8")
    said = CliRunner().invoke(app, ["dataset", "validate", str(path)])
    assert said.exit_code == 1
    assert said.stdout.splitlines()[0].startswith(f"{path}:1: record 0: split 'dev'")
    assert said.stdout.splitlines()[-1].endswith("2 records, 4 problems")
    rows = [json.loads(line) for line in CliRunner().invoke(app, ["dataset", "validate", str(path), "--json"]).stdout.splitlines()]  # fmt: skip
    assert rows[0]["field"] == "split" and rows[-1] == {"file": str(path), "records": 2, "problems": 4}
    path.write_text(json.dumps([good()]), encoding="utf-8")
    assert CliRunner().invoke(app, ["dataset", "validate", str(path)]).exit_code == 0
