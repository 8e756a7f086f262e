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
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Final

from components.spans import Span

KINDS: Final = ("email", "iban", "card", "social_security", "phone", "ip")

_HINT: Final = re.compile(r"[@\d]")
# Seven digits, and little else between them: to look for a phone takes a third of a millisecond.
_DIGITS: Final = re.compile(r"(?:\d[\s()./-]{0,3}){7}")


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
        for match in form.finditer(text):
            if real(match[0]):
                yield Span(*match.span(), kind)


def _phones(text: str, phone_region: str | None) -> Iterator[Span]:
    import phonenumbers

    for match in phonenumbers.PhoneNumberMatcher(text, phone_region):
        yield Span(match.start, match.end, "phone")


def _public(address: str) -> bool:
    """Return whether it is an address of the internet; versions of software often look like one."""
    try:
        return ipaddress.IPv4Address(address).is_global
    except ValueError:
        return False


def _unmasked(address: str) -> bool:
    return bool(set(address.casefold()) - set("x0@.+%-_"))


def _checked(kind: str, number: str) -> bool:
    """Return whether a number keeps the rules of its kind, its check digit among them."""
    return bool(_rules_of(kind).is_valid(re.sub(r"[ -]", "", number)))


@functools.cache
def _rules_of(kind: str) -> ModuleType:
    return importlib.import_module(f"stdnum.{kind}")


# Kind, form, and what tells the real ones; phones stand before the last, and have no one form.
FORMS: Final[tuple[tuple[str, re.Pattern[str], Callable[[str], bool]], ...]] = (
    ("email", re.compile(r"[\w.+%-]+@[\w-]+(?:\.[\w-]+)*\.[^\W\d_]{2,}"), _unmasked),
    (
        "iban",
        re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]){11,30}\b"),
        functools.partial(_checked, "iban"),
    ),
    (
        "card",
        re.compile(r"(?<![\d-])[2-6](?:[ -]?\d){12,18}(?![\d-])"),
        functools.partial(_checked, "luhn"),
    ),
    (
        "social_security",
        re.compile(r"(?<![\d-])\d{3}-\d{2}-\d{4}(?![\d-])"),
        functools.partial(_checked, "us.ssn"),
    ),
    ("ip", re.compile(r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?![\w.]*\d)"), _public),
)
