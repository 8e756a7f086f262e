"""In: rows of data/valid. Out: the same with faults among them, and which rows have them."""

from __future__ import annotations

import ipaddress
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from components.edits.text import typo
from components.personal import personal
from components.schema import ID, PARENT_ID, SPLIT
from components.spans import write_spans
from components.survey.survey import SINGLE
from components.tasks.base import Example, Task

WRONG: Final = "wrong labels"
LEAKS: Final = ("exact", "variants", "near", "children")
# Rows with each kind of leak, of personal data, and of what looks like it.
EACH: Final = 50


@dataclass(frozen=True)
class Planted:
    """Rows with faults among them.

    Attributes:
        rows: of all splits.
        faults: by kind, ids of the rows that have it, each with what stood or stands there.
    """

    rows: Sequence[Example]
    faults: Mapping[str, Mapping[str, str]]


def wrong_labels(task: Task, rows: Sequence[Example], share: float, seed: int) -> Planted:
    """Give so many rows another label; of their entities, one another type, or none.

    A fault's text is the label that the row had.
    """
    rng = random.Random(seed)
    made: list[Example] = []
    faults: dict[str, str] = {}
    for row in rows:
        wrong = _mislabelled(task, row, rng) if rng.random() < share else None
        made.append(row if wrong is None else {**row, **wrong[1]})
        if wrong is not None:
            faults[row[ID]] = wrong[0]
    return Planted(made, {WRONG: faults})


def personal_data(task: Task, rows: Sequence[Example], region: str | None, seed: int) -> Planted:
    """Put personal data, or what only looks like it, between the words of texts that have none.

    A fault's text is what was put there. What points into the text does not move.
    """
    rng = random.Random(seed)
    makers = {**PERSONAL, **ALIKE}
    free = [place for place, row in enumerate(rows) if not personal(task.content(row), region)]
    made = list(rows)
    faults: dict[str, dict[str, str]] = {kind: {} for kind in makers}
    chosen = rng.sample(free, min(len(free), EACH * len(makers)))
    for number, place in enumerate(chosen):
        kind = list(makers)[number % len(makers)]
        said, field, row = makers[kind](rng), task.inputs[0], rows[place]
        words = str(row[field]).split(" ")
        words.insert(rng.randint(0, len(words)), said)
        made[place] = {**row, field: " ".join(words)}
        faults[kind][row[ID]] = said
    return Planted(made, faults)


def leaks(task: Task, rows: Sequence[Example], seed: int) -> Planted:
    """Add test rows to the training rows: as they are, as variants, a word apart, as copies.

    A fault's text is the id of the test row.
    """
    rng = random.Random(seed)
    field = task.inputs[0]
    words = [word for row in rows for word in str(row[field]).split()]
    made: list[Example] = [{**row, PARENT_ID: None} for row in rows]
    faults: dict[str, dict[str, str]] = {kind: {} for kind in LEAKS}
    test = [row for row in rows if row[SPLIT] == "test"]
    for number, row in enumerate(rng.sample(test, min(len(test), EACH * len(LEAKS)))):
        kind = LEAKS[number % len(LEAKS)]
        text = _leaked(kind, str(row[field]), words, rng)
        name, parent = f"{kind} {row[ID]}", row[ID] if kind == "children" else None
        made.append({**row, ID: name, SPLIT: "train", PARENT_ID: parent, field: text})
        faults[kind][name] = row[ID]
    return Planted(made, faults)


def _mislabelled(task: Task, row: Example, rng: random.Random) -> tuple[str, dict[str, str]] | None:
    """Return the label that a row loses, and its columns with another; None where it has none."""
    column = next(name for name in task.columns if name not in task.inputs)
    if task.points:
        marks = list(task.marked(row))
        if not marks:
            return None
        place = rng.randrange(len(marks))
        had = marks[place].label
        other = _other(task.labels, {had}, rng)
        changed = [] if rng.random() < 0.5 else [marks[place]._replace(label=other)]  # noqa: PLR2004
        return had, {column: write_spans([*marks[:place], *changed, *marks[place + 1 :]])}
    tags = list(task.tags(row))
    if not tags:
        return None
    place = rng.randrange(len(tags))
    had = tags[place]
    tags[place] = _other(task.labels, set(tags), rng)
    if task.loss in SINGLE:
        return had, {column: tags[0]}
    return had, {column: str(task.options.model_dump()["separator"]).join(tags)}


def _other(labels: Sequence[str], taken: set[str], rng: random.Random) -> str:
    return rng.choice([label for label in labels if label not in taken])


def _leaked(kind: str, text: str, words: Sequence[str], rng: random.Random) -> str:
    if kind == "variants":
        return rng.choice((text.upper(), f"  {text} !", text.replace(" ", "  ").capitalize()))
    if kind == "near":
        said = text.split()
        place = rng.randrange(len(said))
        said[place] = rng.choice([word for word in rng.choices(words, k=9) if word != said[place]])
        return " ".join(said)
    return typo(text, np.random.default_rng(rng.randrange(2**32))) if kind == "children" else text


def _digits(rng: random.Random, count: int) -> str:
    return "".join(rng.choices("0123456789", k=count))


def _email(rng: random.Random) -> str:
    first, last, host = (
        "".join(rng.choices("abcdefghiklmnoprstuw", k=rng.randint(3, 8))) for _ in range(3)
    )
    return f"{first}.{last}{rng.choice(['', '+shop', '7'])}@{host}.{rng.choice(['com', 'co.uk'])}"


def _iban(rng: random.Random, *, wrong: bool = False) -> str:
    from stdnum import iban

    account = _digits(rng, 18)
    check = (int(iban.calc_check_digits(f"DE00{account}")) + wrong) % 100
    number = f"DE{check:02d}{account}"
    return number if rng.random() < 0.5 else " ".join(_fours(number))  # noqa: PLR2004


def _card(rng: random.Random, *, wrong: bool = False) -> str:
    from stdnum import luhn

    digits = rng.choice("45") + _digits(rng, 14)
    check = (int(luhn.calc_check_digit(digits)) + wrong) % 10
    return rng.choice(["", " ", "-"]).join(_fours(f"{digits}{check}"))


def _fours(number: str) -> list[str]:
    return [number[at : at + 4] for at in range(0, len(number), 4)]


def _social_security(rng: random.Random) -> str:
    return f"{rng.randint(1, 665):03d}-{rng.randint(1, 99):02d}-{rng.randint(1, 9999):04d}"


def _phone(rng: random.Random) -> str:
    """Return a number of Berlin, of London or of Manhattan, as it is written abroad."""
    forms = (
        f"+49 30 {rng.randint(2, 9)}{_digits(rng, 7)}",
        f"+44 20 7{_digits(rng, 3)} {_digits(rng, 4)}",
        f"+1 (212) {rng.randint(2, 9)}{rng.randint(2, 9)}{rng.randint(2, 9)}-{_digits(rng, 4)}",
    )
    return rng.choice(forms)


def _ip(rng: random.Random) -> str:
    while True:
        address = ipaddress.IPv4Address(rng.getrandbits(32))
        if address.is_global and not address.is_multicast:
            return str(address)


def _date(rng: random.Random) -> str:
    return f"{rng.randint(2001, 2026)}-{rng.randint(1, 12):02d}-{rng.randint(1, 28):02d}"


PERSONAL: Final[Mapping[str, Callable[[random.Random], str]]] = {
    "email": _email,
    "iban": _iban,
    "card": _card,
    "social_security": _social_security,
    "phone": _phone,
    "ip": _ip,
}
ALIKE: Final[Mapping[str, Callable[[random.Random], str]]] = {
    "an account with a wrong check digit": lambda rng: _iban(rng, wrong=True),
    "a card with a wrong check digit": lambda rng: _card(rng, wrong=True),
    "a private address": lambda rng: f"192.168.{rng.randint(0, 255)}.{rng.randint(0, 255)}",
    "an order": lambda rng: f"order {_digits(rng, 4)} {_digits(rng, 4)}",
    "a price": lambda rng: f"${rng.randint(1, 99)},{_digits(rng, 3)}.{_digits(rng, 2)}",
    "a date and time": lambda rng: f"{_date(rng)} {rng.randint(10, 23)}:{rng.randint(10, 59)}:00",
}
