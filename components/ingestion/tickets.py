"""In: a number of rows and a seed. Out: made-up support requests of 14 easily confused intents.

The intent lies in who wants what, not in which words occur: half of the requests also name another
intent that is denied or settled ("I got my money back already, where is the kettle?").
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from components.seeding import generator

COLUMNS: Final = ("body", "intent", "channel", "segment", "customer_id")
CHANNELS: Final = ("email", "chat", "phone", "web")
SEGMENTS: Final = ("consumer", "consumer", "consumer", "business", "premium")

UNUSABLE_SHARE: Final = 0.012
DUPLICATE_SHARE: Final = 0.015
LABEL_NOISE_SHARE: Final = 0.03
ASIDE_SHARE: Final = 0.6
SETTLED_SHARE: Final = 0.35
NEAR_SHARE: Final = 0.6
EVEN: Final = 0.5
WISH_SHARE: Final = 0.5
OPENING_SHARE: Final = 0.2
CLOSING_SHARE: Final = 0.15
TYPO_SHARE: Final = {"email": 0.08, "chat": 0.25, "phone": 0.0, "web": 0.12}
GUEST_SHARE: Final = 0.03
ROWS_PER_CUSTOMER: Final = 2.5

_CHOICE: Final = re.compile(r"\[([^\]]+)\]")
_SLOT: Final = re.compile(r"\{(\w+)\}")

Row = dict[str, str]


@functools.cache
def corpus() -> Mapping[str, Any]:
    """Return the templates: slots, intents, frames, openings and closings."""
    text = (Path(__file__).parent / "tickets.json").read_text(encoding="utf-8")
    parsed: Mapping[str, Any] = json.loads(text)
    return parsed


def tickets(rows: int, seed: int) -> Iterator[Row]:
    """Yield `rows` requests; each is a pure function of the seed and its index.

    About 1 in 80 cannot be used (empty, far too long, without intent, mangled), about 1 in 70
    repeats an earlier one, and 1 in 33 carries the label of a neighbouring intent.
    """
    for index in range(rows):
        rng = generator(seed, "tickets", index)
        kind = rng.random()
        if kind < UNUSABLE_SHARE:
            yield _unusable(_request(seed, index, rows), rng)
        elif kind < UNUSABLE_SHARE + DUPLICATE_SHARE and index:
            yield _repeat(_request(seed, int(rng.integers(index)), rows), rng)
        else:
            yield _request(seed, index, rows)


def _request(seed: int, index: int, rows: int) -> Row:
    rng = generator(seed, "tickets", index, "request")
    intents = corpus()["intents"]
    intent = _pick(rng, list(intents))
    channel = _pick(rng, CHANNELS)
    customer, segment = _customer(rng, seed, rows)
    label = intent
    if rng.random() < LABEL_NOISE_SHARE:
        label = _pick(rng, intents[intent]["near"])
    body = _style(_text(rng, intent, channel), channel, rng)
    return dict(zip(COLUMNS, (body, label, channel, segment, customer), strict=True))


def _customer(rng: np.random.Generator, seed: int, rows: int) -> tuple[str, str]:
    """Draw a customer, some of whom write much more often than others, and their segment."""
    if rng.random() < GUEST_SHARE:
        return "", "consumer"
    number = int(max(1, rows / ROWS_PER_CUSTOMER) * rng.random() ** 1.3)
    own = generator(seed, "customer", number)
    return f"C{10000 + number}", _pick(own, SEGMENTS)


def _text(rng: np.random.Generator, intent: str, channel: str) -> str:
    """Compose one request: main clause, often an aside, sometimes an opening and a closing."""
    templates = corpus()
    text = _main(rng, intent)
    if rng.random() < ASIDE_SHARE:
        frames = templates["before" if rng.random() < EVEN else "after"]
        frame = _pick(rng, frames)
        text = frame.replace("{main}", text).replace("{aside}", _aside(rng, intent))
    text = _fill(rng, text)
    mail = 2.0 if channel == "email" else 1.0
    if rng.random() < OPENING_SHARE * mail:
        text = f"{_fill(rng, _pick(rng, templates['openings']))}, {text}"
    text += _pick(rng, (".", ".", "!", "", "?" if _asks(text) else "."))
    if rng.random() < CLOSING_SHARE * mail:
        text = f"{text} {_fill(rng, _pick(rng, templates['closings']))}"
    return _sentences(text)


def _main(rng: np.random.Generator, intent: str) -> str:
    own = corpus()["intents"][intent]
    if rng.random() < WISH_SHARE:
        return _pick(rng, corpus()["assert"]).replace("{wish}", _pick(rng, own["wishes"]))
    return _pick(rng, own["asks"])


def _aside(rng: np.random.Generator, intent: str) -> str:
    """Name another intent, mostly a neighbouring one, as denied or settled."""
    intents = corpus()["intents"]
    others = [name for name in intents if name != intent]
    other = _pick(rng, intents[intent]["near"] if rng.random() < NEAR_SHARE else others)
    if rng.random() < SETTLED_SHARE:
        return _pick(rng, intents[other]["settled"])
    return _pick(rng, corpus()["deny"]).replace("{wish}", _pick(rng, intents[other]["wishes"]))


def _fill(rng: np.random.Generator, template: str) -> str:
    """Choose one of each [a|b], and fill every {slot}; no value stands twice in one text."""
    text = _CHOICE.sub(lambda match: _pick(rng, match[1].split("|")), template)
    used: set[str] = set()
    while match := _SLOT.search(text):
        values = [v for v in corpus()["slots"][match[1]] if v not in used]
        value = _pick(rng, values)
        used.add(value)
        text = text[: match.start()] + value + text[match.end() :]
    return text


def _asks(text: str) -> bool:
    words = ("where", "when", "how", "can", "is", "has", "what", "which", "did", "do", "why", "who")
    return text.startswith(words)


def _sentences(text: str) -> str:
    """Start every sentence with a capital letter."""
    return re.sub(r"(^|[.!?] )([a-z])", lambda match: match[1] + match[2].upper(), text)


def _style(text: str, channel: str, rng: np.random.Generator) -> str:
    """Write as the channel does: phone transcripts lack punctuation, chat is hasty."""
    if channel == "phone":
        text = re.sub(r"[.,;!?]+(?= |$)| -(?= )", "", text).lower()
    elif channel == "chat" and rng.random() < EVEN:
        text = text.lower().rstrip(".")
    return _typo(text, rng) if rng.random() < TYPO_SHARE[channel] else text


def _typo(text: str, rng: np.random.Generator) -> str:
    """Drop, double or swap one letter inside a word of four letters or more."""
    places = [match.start() + 1 for match in re.finditer(r"(?<=[a-z])[a-z]{3}", text)]
    if not places:
        return text
    at = places[int(rng.integers(len(places)))]
    pair = text[at : at + 2]
    altered = (pair[1], pair[0] + pair, pair[::-1])[int(rng.integers(3))]
    return text[:at] + altered + text[at + 2 :]


def _repeat(row: Row, rng: np.random.Generator) -> Row:
    """Send a request again: by the same customer, or copied by another in other case."""
    if rng.random() < EVEN:
        return row
    return row | {"body": row["body"].upper(), "customer_id": ""}


def _unusable(row: Row, rng: np.random.Generator) -> Row:
    """Break a request in one of the ways in which exports break."""
    body = row["body"]
    mangled: tuple[Row, ...] = (
        {"body": ""},
        {"body": "  \t "},
        {"body": "\n> ".join([body] * (1 + 2400 // len(body)))},
        {"intent": ""},
        {"body": body.replace("e", "�", 1) + "�"},
    )
    return row | mangled[int(rng.integers(len(mangled)))]


def _pick(rng: np.random.Generator, values: Sequence[str]) -> str:
    return values[int(rng.integers(len(values)))]
