"""In: tags of words, or JSON of character spans. Out: labelled spans, and how two sets differ.

The one place where tagging schemes are read.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any, Final, Literal, NamedTuple

Scheme = Literal["iob1", "iob2", "bioes"]

OUTSIDE: Final = "O"
PREFIXES: Final[dict[Scheme, str]] = {"iob1": "BI", "iob2": "BI", "bioes": "BIES"}
MISTAKES: Final = ("boundary", "type", "missed", "spurious")
KEYS: Final = ("start", "end", "label")


class Span(NamedTuple):
    """A labelled stretch of characters, or of words; `end` is exclusive."""

    start: int
    end: int
    label: str


class TagError(ValueError):
    """A tag that its scheme does not allow where it stands.

    Attributes:
        place: the number of the tag.
        rule: what it breaks.
    """

    def __init__(self, place: int, rule: str) -> None:
        super().__init__(f"tag {place}: {rule}")
        self.place = place
        self.rule = rule


class _Tag(NamedTuple):
    prefix: str
    label: str


def write_spans(spans: Iterable[Span]) -> str:
    """Return the canonical JSON: no spaces, keys in one order."""
    rows = [span._asdict() for span in spans]
    return json.dumps(rows, ensure_ascii=False, separators=(",", ":"))


def read_spans(text: str) -> list[Span]:
    """Return the spans of a JSON list.

    Raises:
        ValueError: it is no list of start, end and label, or spans are empty, overlap, or do not
            stand in their order.
    """
    rows = json.loads(text)
    if not isinstance(rows, list):
        raise ValueError("expected a list")
    spans = [_span(row) for row in rows]
    end = 0
    for span in spans:
        if not end <= span.start < span.end:
            raise ValueError(f"{span} is empty, overlaps the one before, or stands out of order")
        end = span.end
    return spans


def _span(row: Any) -> Span:  # noqa: ANN401 - what JSON holds
    if not isinstance(row, dict) or sorted(row) != sorted(KEYS):
        raise ValueError(f"expected start, end and label, found {row!r}")
    if type(row["start"]) is not int or type(row["end"]) is not int:
        raise ValueError(f"start and end must be whole numbers, found {row!r}")
    if not isinstance(row["label"], str):
        raise ValueError(f"the label must be text, found {row!r}")
    return Span(row["start"], row["end"], row["label"])


def tagged_spans(tags: Sequence[str], scheme: Scheme) -> list[Span]:
    """Return the spans over words that tags name.

    A legal sequence means what it means to seqeval 1.2.2 in its strict mode, which passes over an
    illegal one (https://github.com/chakki-works/seqeval); this raises.

    Args:
        tags: one per word of a sentence, such as O, B-person, I-person.
        scheme: iob1 (B only between neighbours of one type), iob2 (B begins every span), or bioes
            (E ends it, S is alone).

    Raises:
        TagError: a tag is none of the scheme, or must not stand where it does.
    """
    before, spans = _Tag(OUTSIDE, ""), list[Span]()
    for place, text in enumerate(tags):
        tag = _tag(place, text, scheme)
        if rule := _fault(scheme, before, tag):
            raise TagError(place, f"{text!r} must not stand after {_name(before)!r}: {rule}")
        if tag.prefix in "BS" or (scheme == "iob1" and tag.prefix == "I" and not _on(before, tag)):
            spans.append(Span(place, place + 1, tag.label))
        elif tag.prefix != OUTSIDE:
            spans[-1] = spans[-1]._replace(end=place + 1)
        before = tag
    if rule := _fault(scheme, before, _Tag(OUTSIDE, "")):
        raise TagError(len(tags) - 1, f"{_name(before)!r} must not stand last: {rule}")
    return spans


def _tag(place: int, text: str, scheme: Scheme) -> _Tag:
    prefix, dash, label = text.partition("-")
    if text == OUTSIDE:
        return _Tag(OUTSIDE, "")
    if not dash or not label or len(prefix) != 1 or prefix not in PREFIXES[scheme]:
        known = ", ".join(f"{letter}-<type>" for letter in PREFIXES[scheme])
        raise TagError(place, f"{text!r} is no tag of {scheme}, which has O, {known}")
    return _Tag(prefix, label)


def _fault(scheme: Scheme, before: _Tag, tag: _Tag) -> str | None:
    """Return which rule of the scheme a step from one tag to the next breaks."""
    if scheme == "iob1":
        wrong = tag.prefix == "B" and not _on(before, tag)
        return "B only parts it from a neighbour of the same type" if wrong else None
    if tag.prefix in "IE" and not _on(before, tag):
        return "a span of this type must have begun"
    if scheme == "bioes" and before.prefix in "BI" and tag.prefix not in "IE":
        return "the span before has no end"
    return None


def _on(before: _Tag, tag: _Tag) -> bool:
    """Return whether a span of the tag's type is open."""
    return before.prefix in "BI" and before.label == tag.label


def _name(tag: _Tag) -> str:
    return f"{tag.prefix}-{tag.label}" if tag.label else tag.prefix


def span_mistakes(true: Sequence[Span], answered: Sequence[Span]) -> dict[str, int]:
    """Count what is wrong in one answer, each span once.

    Returns:
        boundary: answers that share characters with a true span, but not both ends; type: those
        with both ends, of another type; missed: true spans that no answer touches; spurious:
        answers that touch no true span.
    """
    found = dict.fromkeys(MISTAKES, 0)
    right = set(true) & set(answered)
    for span in answered:
        met = [other for other in true if _touch(span, other)]
        if span in right:
            continue
        same = any(other[:2] == span[:2] for other in met)
        found["type" if same else "boundary" if met else "spurious"] += 1
    found["missed"] = sum(not any(_touch(other, span) for span in answered) for other in true)
    return found


def _touch(one: Span, other: Span) -> bool:
    return one.start < other.end and other.start < one.end
