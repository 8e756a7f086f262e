"""In: published data of one text each. Out: a CSV of pairs of texts, half of them alike.

python -m infra.pairs banking77|squad FOLDER OUT.csv
"""

from __future__ import annotations

import csv
import io
import json
import re
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np

from components.errors import DataError, ParamsError, TouchstoneError
from components.files import write_text
from components.ingestion.tables import read_csv
from components.seeding import generator

SEED: Final = 7
ARGUMENTS: Final = 3
COLUMNS: Final = ("text", "other", "label", "group")
# A full stop ends a sentence where a capital, a digit or a quotation follows, and no initial,
# title or number stands before it.
END: Final = re.compile(r"(?<!\b[A-Z])(?<!\bDr)(?<!\bMr)(?<!\bSt)[.!?][\"')\]]*\s+(?=[A-Z0-9\"'(])")
WORD: Final = re.compile(r"\w+")


class Pair(NamedTuple):
    """Two texts, and what they are to one another."""

    text: str
    other: str
    label: str


def banking77(folder: Path, random: np.random.Generator) -> Iterator[Pair]:
    """Yield pairs of utterances, `same` where both have one intent, and else `different`.

    Two duos, each of one intent, make four pairs: each with itself, and across. So each utterance
    stands in one alike and in one unlike pair, and no group is larger than four utterances. The
    second duo is of an intent whose name shares as many words as can be had.
    """
    duos: dict[str, list[tuple[str, str]]] = {}
    for intent, texts in sorted(_utterances(folder / "train.csv").items()):
        drawn = [texts[at] for at in random.permutation(len(texts))]
        duos[intent] = list(zip(drawn[::2], drawn[1::2], strict=False))
    while len(left := [intent for intent in duos if duos[intent]]) > 1:
        one = max(left, key=lambda intent: len(duos[intent]))
        others = [intent for intent in left if intent != one]
        near = max(_shared(one, intent) for intent in others)
        nearest = [intent for intent in others if _shared(one, intent) == near]
        other = str(random.choice(nearest))
        (a, b), (c, d) = duos[one].pop(), duos[other].pop()
        yield from (Pair(a, b, "same"), Pair(c, d, "same"))
        yield from (Pair(a, c, "different"), Pair(d, b, "different"))


def squad(folder: Path, random: np.random.Generator) -> Iterator[Pair]:
    """Yield questions with a sentence of their paragraph that holds the answer, and one that not.

    The latter shares as many words with the question as can be had. A question whose answer spans
    two sentences, or whose paragraph has but one, is left out.
    """
    articles = json.loads((folder / "dev-v1.1.json").read_text(encoding="utf-8"))["data"]
    for article in articles:
        for paragraph in article["paragraphs"]:
            spans = sentences(paragraph["context"])
            for question in paragraph["qas"]:
                yield from _asked(paragraph["context"], spans, question, random)


def sentences(text: str) -> list[tuple[int, int]]:
    """Return from where to where each sentence of a text reaches."""
    starts = [0, *(found.end() for found in END.finditer(text))]
    spans = zip(starts, [*starts[1:], len(text)], strict=True)
    return [(low, low + len(text[low:high].rstrip())) for low, high in spans if text[low:high]]


def groups(pairs: Sequence[Pair]) -> list[str]:
    """Return, for each pair, what it is connected with by texts that pairs have in common."""
    above: dict[str, str] = {}

    def top(text: str) -> str:
        above.setdefault(text, text)
        while above[text] != text:
            above[text] = text = above[above[text]]
        return text

    for pair in pairs:
        above[top(_key(pair.text))] = top(_key(pair.other))
    numbers: dict[str, int] = {}
    return [f"g{numbers.setdefault(top(_key(pair.text)), len(numbers))}" for pair in pairs]


SOURCES: Final = {"banking77": banking77, "squad": squad}


def main(argv: Sequence[str]) -> int:
    """Write the pairs; the same file each time."""
    try:
        if len(argv) != ARGUMENTS or argv[0] not in SOURCES:
            known = "|".join(SOURCES)
            raise ParamsError("no source is named", f"python -m infra.pairs {known} FOLDER OUT.csv")
        rows = write_pairs(argv[0], Path(argv[1]), Path(argv[2]))
    except TouchstoneError as error:
        print(f"\n{error}\n", file=sys.stderr)
        return error.exit_code
    print(f"{argv[2]}: {rows} pairs")
    return 0


def write_pairs(source: str, folder: Path, out: Path) -> int:
    """Write a CSV of pairs with their groups; return how many there are.

    Raises:
        DataError: the published files are not in the folder.
    """
    try:
        pairs = list(SOURCES[source](folder, generator(SEED, "pairs", source)))
    except (OSError, KeyError, ValueError) as error:
        raise DataError(f"{folder}: {error}", "put the published files there") from error
    file = io.StringIO(newline="")
    table = csv.writer(file, lineterminator="\n")
    table.writerow(COLUMNS)
    table.writerows((*pair, group) for pair, group in zip(pairs, groups(pairs), strict=True))
    write_text(out, file.getvalue())
    return len(pairs)


def _utterances(path: Path) -> Mapping[str, list[str]]:
    """Return the different texts of each intent."""
    found: dict[str, list[str]] = defaultdict(list)
    seen: set[str] = set()
    for row in read_csv(path, ("text", "category")):
        text = str(row["text"])
        if _key(text) not in seen:
            seen.add(_key(text))
            found[str(row["category"])].append(text)
    return found


def _asked(
    context: str,
    spans: Sequence[tuple[int, int]],
    asked: Mapping[str, Any],
    random: np.random.Generator,
) -> Iterator[Pair]:
    answers = [(each["answer_start"], each["text"]) for each in asked["answers"]]
    start, text = answers[0]
    holding = [s for s in spans if s[0] <= start and start + len(text) <= s[1]]
    others = [
        context[low:high]
        for low, high in spans
        if not any(low < at + len(said) and at < high for at, said in answers)
    ]
    if not holding or not others:
        return
    question = asked["question"].strip()
    near = max(_shared(question, sentence) for sentence in others)
    nearest = [sentence for sentence in others if _shared(question, sentence) == near]
    low, high = holding[0]
    yield Pair(question, context[low:high], "yes")
    yield Pair(question, str(random.choice(nearest)), "no")


def _shared(one: str, other: str) -> int:
    """Count the words that two texts, or two names of intents, have in common."""
    words = [set(WORD.findall(text.casefold().replace("_", " "))) for text in (one, other)]
    return len(words[0] & words[1])


def _key(text: str) -> str:
    return " ".join(text.casefold().split())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
