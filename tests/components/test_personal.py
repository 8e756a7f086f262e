"""In: texts with planted personal data. Out: proof that these are found, and nothing beside."""

from __future__ import annotations

import pytest

from components.personal import KINDS, known_region, masked, personal

PLANTED = [
    ("email", "write to anna.k+shop@mail.example.co.uk please", "anna.k+shop@mail.example.co.uk"),
    ("iban", "my account DE89 3704 0044 0532 0130 00 is empty", "DE89 3704 0044 0532 0130 00"),
    ("card", "I paid with 4111 1111 1111 1111 twice", "4111 1111 1111 1111"),
    ("card", "card 5500-0000-0000-0004, expired", "5500-0000-0000-0004"),
    ("social_security", "SSN 536-90-4399.", "536-90-4399"),
    ("phone", "ring me at +44 7911 123456 tonight", "+44 7911 123456"),
    ("phone", "call (415) 555-2671 now", "(415) 555-2671"),
    ("ip", "blocked from 8.8.8.8, why?", "8.8.8.8"),
]
HARMLESS = [
    "order 4711 0815 of 20231123 has not arrived",
    "it costs $1,299.00 or 1.200,50 EUR",
    "card 4111 1111 1111 1112 is no card",  # the check digit is wrong
    "DE00 3704 0044 0532 0130 00",
    "version 1.2.3.4.5 and 192.168.0.1, build 300.1.2.3",
    "on 2024-05-17 at 12:30:45, see 123-45-67890",
    "me @ home, or @handle",
    "",
]


@pytest.mark.parametrize(("kind", "text", "found"), PLANTED)
def test_what_was_planted_is_found_where_it_stands(kind: str, text: str, found: str) -> None:
    spans = personal(text, "US")

    assert [(span.label, text[span.start : span.end]) for span in spans] == [(kind, found)]


def test_every_kind_is_planted() -> None:
    assert {kind for kind, _, _ in PLANTED} == set(KINDS)


@pytest.mark.parametrize("text", HARMLESS)
def test_what_only_looks_alike_is_left(text: str) -> None:
    assert personal(text, "US") == []
    assert masked(text, "US") == text


def test_national_numbers_need_a_region() -> None:
    text = "call 0871 872 6270 now"

    assert personal(text, None) == []
    assert [span.label for span in personal(text, "GB")] == ["phone"]
    assert known_region("GB")
    assert not known_region("UK")


@pytest.mark.parametrize(("kind", "text", "found"), PLANTED)
def test_masks_keep_every_place_and_leave_nothing_to_find(kind: str, text: str, found: str) -> None:
    hidden = masked(text, "US")

    assert found not in hidden, kind
    assert len(hidden) == len(text)
    start = text.index(found)
    assert hidden[:start] == text[:start]
    assert hidden[start + len(found) :] == text[start + len(found) :]
    assert personal(hidden, "US") == []
    assert masked(hidden, "US") == hidden


def test_several_stand_in_order_and_none_overlaps() -> None:
    text = "8.8.8.8 then a@b.org then 4111111111111111"

    assert [span.label for span in personal(text, "US")] == ["ip", "email", "card"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("card 4111 1111 1111 1111 12/25 123", "4111 1111 1111 1111"),
        ("in room 5 4111111111111111", "4111111111111111"),
        ("http://t.co/ab5 4111-1111-1111-1111 12", "4111-1111-1111-1111"),
        ("UnionPay 6227 0000 1234 5678 906 12", "6227 0000 1234 5678 906"),
        ("Amex 3782 822463 10005 it is", "3782 822463 10005"),
        ("MY ACCOUNT DE89 3704 0044 0532 0130 00 IS EMPTY", "DE89 3704 0044 0532 0130 00"),
        ("my account de89370400440532013000 12 days ago", "de89370400440532013000"),
        ("mail (a@b.example.co.uk), or not", "a@b.example.co.uk"),
    ],
)
def test_what_stands_around_a_number_does_not_hide_it(text: str, found: str) -> None:
    assert [text[span.start : span.end] for span in personal(text, None)] == [found]


@pytest.mark.parametrize("text", ["a1" * 200_000, "1." * 200_000, "x@" * 200_000, "a@b." * 100_000])
def test_a_long_text_is_read_once(text: str) -> None:
    """What looked at the rest of a text at each of its letters would take hours."""
    assert personal(text, None) == []
