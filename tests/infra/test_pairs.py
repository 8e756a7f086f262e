"""In: made-up data in the published forms. Out: pairs whose laws hold, the same each time."""

from __future__ import annotations

import csv
import json
from collections import Counter, defaultdict
from pathlib import Path

import pytest

from infra import pairs, unseen

INTENTS = {"card_lost": 9, "card_stolen": 8, "transfer_failed": 6, "transfer_late": 7, "age": 3}


@pytest.fixture
def bank(tmp_path: Path) -> Path:
    folder = tmp_path / "bank"
    folder.mkdir()
    for name in ("train", "test"):
        with (folder / f"{name}.csv").open("w", newline="") as file:
            table = csv.writer(file)
            table.writerow(("text", "category"))
            for intent, rows in INTENTS.items():
                table.writerows((f"{name} {intent} {row}", intent) for row in range(rows))
            table.writerow(("TRAIN card_lost  0", "card_lost"))
    return folder


@pytest.fixture
def wiki(tmp_path: Path) -> Path:
    folder = tmp_path / "wiki"
    folder.mkdir()
    context = "The sun is a star. Dr. Ray says it is hot! It lies 150 million km away. Birds sing."
    asked = [("What is the sun?", "a star"), ("How far is it?", "150 million km")]
    asked += [("What is all?", "a star. Dr. Ray")]
    questions = [
        {"question": text, "answers": [{"text": said, "answer_start": context.index(said)}]}
        for text, said in asked
    ]
    paragraphs = [{"context": context, "qas": questions}, {"context": "One.", "qas": []}]
    article = {"title": "Sun", "paragraphs": paragraphs}
    (folder / "dev-v1.1.json").write_text(json.dumps({"data": [article]}))
    return folder


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_utterances_stand_in_one_group_once_alike_and_once_not(bank: Path, tmp_path: Path) -> None:
    assert pairs.main(["banking77", str(bank), str(tmp_path / "out.csv")]) == 0
    found = rows(tmp_path / "out.csv")
    uses, homes = Counter[tuple[str, str]](), defaultdict[str, set[str]](set)
    for row in found:
        one, other = (row[name].split()[1] for name in ("text", "other"))
        assert (one == other) == (row["label"] == "same")
        for name in ("text", "other"):
            uses[row[name], row["label"]] += 1
            homes[row[name]].add(row["group"])
    assert set(uses.values()) == {1}
    assert {len(groups) for groups in homes.values()} == {1}
    assert max(Counter(row["group"] for row in found).values()) == 4
    assert Counter(row["label"] for row in found)["same"] * 2 == len(found)


def test_unlike_utterances_are_of_intents_that_share_words(bank: Path, tmp_path: Path) -> None:
    pairs.write_pairs("banking77", bank, tmp_path / "out.csv")
    unlike = [row for row in rows(tmp_path / "out.csv") if row["label"] == "different"]
    named = [{row[name].split()[1].split("_")[0] for name in ("text", "other")} for row in unlike]
    assert Counter(len(words) for words in named)[1] > len(unlike) / 2


def test_a_sentence_says_yes_where_it_holds_the_answer(wiki: Path, tmp_path: Path) -> None:
    assert pairs.main(["squad", str(wiki), str(tmp_path / "out.csv")]) == 0
    found = rows(tmp_path / "out.csv")
    yes = {row["text"]: row["other"] for row in found if row["label"] == "yes"}
    assert yes == {
        "What is the sun?": "The sun is a star.",
        "How far is it?": "It lies 150 million km away.",
    }, "an answer that spans two sentences is left out"
    no = {row["text"]: row["other"] for row in found if row["label"] == "no"}
    assert set(no) == set(yes)
    assert no["How far is it?"] == "Dr. Ray says it is hot!", "it shares the most words"
    assert len({row["group"] for row in found}) == 1


def test_sentences_cover_the_text_and_end_where_a_new_one_begins() -> None:
    text = 'It rose 2.5 %. "Good." Mr. A. Smith left. 20 came... then fell'
    found = [text[low:high] for low, high in pairs.sentences(text)]
    assert found == ["It rose 2.5 %.", '"Good."', "Mr. A. Smith left.", "20 came... then fell"]


def test_groups_are_what_texts_connect() -> None:
    made = [pairs.Pair(*texts, "x") for texts in ("ab", "cd", "BC", "ef")]
    one, two, three, four = pairs.groups(made)
    assert one == two == three != four


def test_pairs_are_the_same_each_time(bank: Path, tmp_path: Path) -> None:
    for name in ("one", "two"):
        pairs.write_pairs("banking77", bank, tmp_path / name)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_intents_of_one_split_are_in_no_other(bank: Path, tmp_path: Path) -> None:
    assert unseen.main([str(bank), str(tmp_path / "out")]) == 0
    found = {
        split: {row["category"] for row in rows(tmp_path / "out" / f"{split}.csv")}
        for split in ("train", "test")
    }
    assert found["test"] == {"transfer_late"}
    assert not found["train"] & found["test"]


def test_of_77_intents_50_are_trained_on() -> None:
    found = unseen.splits([f"{number:02}" for number in range(77)])
    assert {split: len(names) for split, names in found.items()} == {
        "train": 50, "validation": 12, "test": 15
    }  # fmt: skip
    assert len(set().union(*found.values())) == 77


@pytest.mark.parametrize("argv", [[], ["banking77"], ["poetry", "a", "b"], ["squad", "no", "x"]])
def test_what_is_missing_is_told(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert pairs.main(argv) == 1
    assert unseen.main(argv[:1]) == 1
    assert "cure" in capsys.readouterr().err
