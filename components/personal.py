"""In: a text. Out: where personal data stand in it, and the text with them masked.

Found is what has a form of its own, and a check digit or a numbering plan where there is one:
addresses of mail and of machines, numbers of phones, cards, accounts and US social security. Names
and streets have none, and are not found.
"""

from __future__ import annotations

import functools
import importlib
import ipaddress
import re
from collections.abc import Callable, Iterator, Mapping
from types import ModuleType
from typing import Final

from components.spans import Span

KINDS: Final = ("email", "iban", "card", "social_security", "phone", "ip")

_HINT: Final = re.compile(r"[@\d]")
# Seven digits, and little else between them: to look for a phone takes a third of a millisecond.
_DIGITS: Final = re.compile(r"(?:\d[\s()./-]{0,3}){7}")
_GAP: Final = re.compile("[ -]")


def personal(text: str, phone_region: str | None) -> list[Span]:
    """Return where personal data stand, each with its kind, in order; none overlaps another.

    Args:
        text: of any length.
        phone_region: the country, as ISO 3166 names it, whose phone numbers are written without
            +; None: only those with it are found.
    """
    if not _HINT.search(text):
        return []
    taken: list[Span] = []
    for span in _all(text, phone_region):
        if all(span.end <= other.start or other.end <= span.start for other in taken):
            taken.append(span)
    return sorted(taken)


def masked(text: str, phone_region: str | None) -> str:
    """Return the text with x for every letter of personal data, and 0 for every digit.

    It stays as long as it was, so that labels which point into it still do; what was masked is
    found no more.
    """
    letters = list(text)
    for span in personal(text, phone_region):
        for at in range(span.start, span.end):
            if text[at].isalpha():
                letters[at] = "x"
            elif text[at].isdigit():
                letters[at] = "0"
    return "".join(letters)


def known_region(name: str) -> bool:
    """Return whether a country has a numbering plan."""
    import phonenumbers

    return name in phonenumbers.SUPPORTED_REGIONS


def _all(text: str, phone_region: str | None) -> Iterator[Span]:
    """Yield what has the form of each kind, kind by kind: the more certain first."""
    for kind, form, real in FORMS:
        if kind == "ip" and _DIGITS.search(text):
            yield from _phones(text, phone_region)
        at = 0
        while match := form.search(text, at):
            length = real(match[0])
            if length:
                yield Span(match.start(), match.start() + length, kind)
            at = match.start() + (length or 1)  # what begins within it may be real


def _phones(text: str, phone_region: str | None) -> Iterator[Span]:
    import phonenumbers

    for match in phonenumbers.PhoneNumberMatcher(text, phone_region):
        yield Span(match.start, match.end, "phone")


def _public(address: str) -> int:
    """Return its length if it is of the internet; versions of software often look like one."""
    try:
        return len(address) if ipaddress.IPv4Address(address).is_global else 0
    except ValueError:
        return 0


def _unmasked(address: str) -> int:
    return len(address) if set(address.casefold()) - set("x0@.+%-_") else 0


def _checked(kind: str, number: str) -> int:
    """Return how many characters keep the rules of a kind, its check digit among them.

    What follows a number may look like more of it: "4111 1111 1111 1111 123", "... 00 PLEASE".
    """
    form, valid = NUMBERS[kind], _rules_of(kind).is_valid
    ends = [len(number), *(gap.start() for gap in reversed(list(_GAP.finditer(number))))]
    whole = (end for end in ends if form.fullmatch(number, 0, end))
    return next((end for end in whole if valid(_GAP.sub("", number[:end]))), 0)


@functools.cache
def _rules_of(kind: str) -> ModuleType:
    return importlib.import_module(f"stdnum.{kind}")


# No form looks at a letter more often than a match is long: texts may be long, and hostile.
NUMBERS: Final[Mapping[str, re.Pattern[str]]] = {
    "iban": re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]){11,30}\b", re.IGNORECASE),
    "luhn": re.compile(
        r"(?<![\d-])[2-6](?:\d{12,18}"
        r"|\d{3}([ -])(?:\d{6}\1\d{4,5}|\d{4}\1\d{4}\1\d{4}(?:\1\d{3})?))(?!-?\d)"
    ),
    "us.ssn": re.compile(r"(?<![\d-])\d{3}-\d{2}-\d{4}(?!-?\d)"),
}
_EMAIL: Final = re.compile(
    r"(?<![\w.+%-])[\w.+%-]++@[\w-]{1,63}(?:\.[\w-]{1,63}){0,8}\.[^\W\d_]{2,63}"
)
_IP: Final = re.compile(r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?![\w.]*\d)")

# Kind, form, and how many characters of a match are real; phones, which have no one form, stand
# before the last.
FORMS: Final[tuple[tuple[str, re.Pattern[str], Callable[[str], int]], ...]] = (
    ("email", _EMAIL, _unmasked),
    ("iban", NUMBERS["iban"], functools.partial(_checked, "iban")),
    ("card", NUMBERS["luhn"], functools.partial(_checked, "luhn")),
    ("social_security", NUMBERS["us.ssn"], functools.partial(_checked, "us.ssn")),
    ("ip", _IP, _public),
)
