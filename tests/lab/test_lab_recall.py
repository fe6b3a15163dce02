"""The evaluation of recall, on small data of either format made here."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from perstream.errors import ConfigError, NotFound
from perstream.lab.bench_memory import bench_memory
from perstream.lab.embed_cache import CachedEmbedder
from perstream.lab.eval_recall import evaluate_recall
from perstream.lab.locomo import read_locomo
from perstream.lab.metrics import Ranking, auc, interval, ranks_of

sys.path.insert(0, str(Path(__file__).parents[1] / "memory"))
from recall_world import WordEmbedder

KEYS = {"recall@5", "recall@10", "mrr", "ndcg@10", "n", "by_category", "ci95", "latency_p50_ms", "latency_p95_ms"}


def conversation(name: str, one: str, two: str, pet: str) -> dict[str, Any]:
    return {
        "sample_id": name,
        "conversation": {
            "speaker_a": one,
            "speaker_b": two,
            "session_1_date_time": "1:56 pm on 8 May, 2023",
            "session_1": [
                {"speaker": one, "dia_id": "D1:1", "text": "Hello, how are you?"},
                {
                    "speaker": two,
                    "dia_id": "D1:2",
                    "text": f"Great, I adopted a {pet} yesterday!",
                    "blip_caption": "a basket",
                },
                {"speaker": one, "dia_id": "D1:3", "text": "I painted the fence green."},
            ],
            "session_2_date_time": "9:00 am on 20 June, 2023",
            "session_2": [{"speaker": one, "dia_id": "D2:1", "text": "My violin teacher moved away."}],
        },
        "qa": [
            {"question": f"Which pet did {two} adopt?", "answer": pet, "evidence": ["D1:2"], "category": 4},
            {
                "question": f"When did {two} adopt a {pet}?",
                "answer": "7 May",
                "evidence": ["D1:2; D1:1"],
                "category": 2,
            },
            {"question": f"What did {one} paint?", "answer": "fence", "evidence": ["D1:3"], "category": 4},
            {"question": f"What did {two} paint?", "evidence": ["D1:3"], "category": 5},
            {"question": "Nothing points anywhere?", "answer": "", "evidence": ["D9:9"], "category": 1},
        ],
    }


def record(participant: int, events: list[str], **more: Any) -> dict[str, Any]:
    return {
        "participant_id": participant,
        "video_id": "v",
        "timestamp": "1.5",
        "caption": "sitting",
        "split": "train",
        "type_1_memories": ["I wear red socks.", "I drink tea."],
        "type_2_memories": events,
        "type": "proactive",
        "answer": "</silence>",
        **more,
    }


RECORDS = [
    record(
        1,
        ["I bought a kayak last week."],
        type="passive",
        question="When did I buy the kayak?",
        reference=["(M2.1)", "(V)"],
    ),
    record(1, ["I sold my tent."]),
    record(2, ["I broke a kayak paddle."], type="passive", question="What do I drink?", reference=["(M1.2)"]),
    record(2, ["I saw an owl."], type="passive", question="What is in the picture?", reference=["(V)"]),
]


def saved(folder: Path, data: Any) -> Path:
    path = folder / "data.json"
    path.write_text(json.dumps(data), encoding="utf-8")
    return path


def test_locomo(tmp_path: Path) -> None:
    path = saved(tmp_path, [conversation("a", "Ann", "Bob", "ferret"), conversation("b", "Cat", "Dan", "parrot")])
    result = evaluate_recall(path, embedder=WordEmbedder(), cache=tmp_path / "cache").to_json()
    assert result.keys() >= KEYS
    assert result["n"] == 6
    assert result["memories"] == 8
    assert result["recall@5"] == 1.0
    assert result["mrr"] == 1.0
    assert result["session_hit@10"] == 1.0
    assert result["wrong_person_auc"] > 0.5
    assert set(result["by_category"]) == {"single-hop", "temporal", "adversarial"}
    assert set(result["baselines"]) == {"cosine", "bm25", "last_n"}
    assert result["baselines"]["last_n"]["mrr"] < 1.0
    for baseline in result["baselines"].values():
        assert baseline.keys() >= KEYS


@pytest.mark.parametrize(("pool", "memories"), [("sample", 6), ("participant", 8), ("all", 6)])
def test_records(tmp_path: Path, pool: Any, memories: int) -> None:
    path = saved(tmp_path, RECORDS)
    result = evaluate_recall(path, pool, (1, 5), WordEmbedder(), cache=tmp_path / "cache").to_json()
    assert result["n"] == 2
    assert result["memories"] == memories
    assert result["recall@1"] == 1.0
    assert result["pool"] == pool


def test_the_order_in_the_file_does_not_matter(tmp_path: Path) -> None:
    turned = [{**r, "type_1_memories": r["type_1_memories"][::-1]} for r in RECORDS]
    turned[2]["reference"] = ["(M1.1)"]
    results = []
    for name, data in (("one", RECORDS), ("two", turned)):
        (tmp_path / name).mkdir()
        result = evaluate_recall(saved(tmp_path / name, data), "all", embedder=WordEmbedder(), cache=tmp_path / "cache")
        results.append((result.scores.recall, result.scores.mrr, {n: b.mrr for n, b in result.baselines.items()}))
    assert results[0] == results[1]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "JSON"),
        ("[]", "neither"),
        ('{"a": 1}', "neither"),
        ("[1, 2]", "neither"),
        ('[{"type": "passive", "type_1_memories": "text"}]', "record 0"),
        ('[{"type": "passive", "type_1_memories": []}]', "no passive sample"),
        ('[{"qa": [], "conversation": {}}]', "no question"),
        ('[{"qa": [], "conversation": {"session_1": []}}]', "session 1"),
        ('[{"qa": [{}], "conversation": {}}]', "conversation 0"),
        ('[{"qa": 5, "conversation": []}]', "conversation 0"),
    ],
)
def test_bad_data_is_one_clear_line(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "bad.json"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(ConfigError, match=message):
        evaluate_recall(path, embedder=WordEmbedder(), cache=tmp_path / "cache")


def test_missing_files_and_bad_arguments(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        evaluate_recall(tmp_path / "none.json", embedder=WordEmbedder())
    with pytest.raises(ConfigError, match="pool"):
        evaluate_recall(saved(tmp_path, RECORDS), "world", embedder=WordEmbedder())
    with pytest.raises(ConfigError, match="k must"):
        evaluate_recall(saved(tmp_path, RECORDS), ks=(0,), embedder=WordEmbedder())
    (tmp_path / "bytes.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="JSON"):
        evaluate_recall(tmp_path / "bytes.json", embedder=WordEmbedder())


def test_locomo_turns_carry_captions_and_dates() -> None:
    (read,) = read_locomo([conversation("a", "Ann", "Bob", "ferret")])
    assert read.turns[1].text == "Great, I adopted a ferret yesterday! [a basket]"
    assert read.turns[0].at.isoformat() == "2023-05-08T13:56:00+00:00"
    assert read.turns[2].at > read.turns[1].at
    assert read.now.isoformat() == "2023-06-21T09:00:00+00:00"
    assert read.questions[1].evidence == {"D1:1", "D1:2"}


def test_the_cache_gives_back_what_was_embedded(tmp_path: Path) -> None:
    class Counting(WordEmbedder):
        asked = 0

        def embed_tokens(self, text: str) -> Any:
            self.asked += 1
            return super().embed_tokens(text)

    first = Counting()
    with CachedEmbedder(first, tmp_path) as cached:
        before = [cached.embed_tokens(text) for text in ("a red kayak", "", "a red kayak")]
    second = Counting()
    with CachedEmbedder(second, tmp_path) as cached:
        after = [cached.embed_tokens(text) for text in ("a red kayak", "")]
    assert second.asked < first.asked
    assert after[0].words == ("a", "red", "kayak")
    assert np.array_equal(before[0].tokens, after[0].tokens)
    assert np.array_equal(before[0].pooled, after[0].pooled)
    for file in tmp_path.rglob("*.npz"):
        file.write_bytes(b"damaged")
    assert CachedEmbedder(Counting(), tmp_path).embed_tokens("a red kayak").words == ("a", "red", "kayak")


def test_measures() -> None:
    ranking = Ranking(ranks_of([7, 3, 9, 4], {3, 4, 8}), 3)
    assert ranking.ranks == (1, 3)
    assert ranking.recall(2) == pytest.approx(1 / 3)
    assert ranking.recall(4) == pytest.approx(2 / 3)
    assert ranking.reciprocal_rank() == 0.5
    ideal = 1 + 1 / np.log2(3) + 0.5
    assert ranking.ndcg() == pytest.approx((1 / np.log2(3) + 1 / np.log2(5)) / ideal)
    assert Ranking((), 1).reciprocal_rank() == 0.0
    assert auc([3, 2], [1, 2]) == pytest.approx(0.875)
    assert auc([], [1]) is None
    low, high = interval([0.0, 1.0] * 50)
    assert 0.35 < low < 0.5 < high < 0.65


def test_the_benchmark_measures_what_it_says() -> None:
    result = bench_memory(300, WordEmbedder()).to_json()
    assert result["nodes"] == 300
    assert result["exact_agreement"] == 1.0
    assert result["top10_agreement"] >= 0.999
    assert 0 < result["bytes_per_memory"] < 20_000
    for key in (
        "insert_us",
        "store_us",
        "vector_p50_ms",
        "vector_p95_ms",
        "recall_p50_ms",
        "recall_p95_ms",
        "open_s",
        "embed_ms",
        "embed_exact_ms",
    ):
        assert result[key] > 0
