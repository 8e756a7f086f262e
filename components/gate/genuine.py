"""In: bundles, cards and answers. Out: whether all of them are about one model and one data.

None of these rules can be waived: with one of them broken, no figure can be believed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from components.errors import TouchstoneError
from components.files import sha256_file
from components.gate.answers import Candidate, axis
from components.gate.evidence import RESULT, Evidence, read
from components.gate.rules import LISTED, Rule, agree, at, check, differ
from components.inference.bundle import TOKENIZER
from components.records import CARD, verify_card
from components.schema import SPLIT, SPLITS

# What export hands on untouched from the trained model's lineage.
INHERITED: Final = ("data", "code", "lock", "encoder")


def genuine(evidence: Evidence, found: Candidate) -> list[Rule]:
    """Return the rules that hold bundles, examples and the data's validation together.

    Args:
        evidence: what is judged.
        found: the candidate's answers, predicted by the gate itself.
    """
    registered = differ(
        "the receipt", found.int8.bundle.digest, evidence.reports.receipt.get("digest")
    )
    return [
        agree("registered", registered, "the receipt names these bytes"),
        *_same_model(found),
        *_same_data(evidence, found),
        _validation(evidence),
    ]


def _same_model(found: Candidate) -> Iterator[Rule]:
    """Yield whether all artifacts are one model, with one order of labels and one tokenizer."""
    cards = {name: who.bundle.card for name, who in found.each().items()}
    trained = cards["trained"]
    kinds = [
        f"{name} holds a {card.artifact} bundle"
        for name, card in cards.items()
        if card.artifact != name
    ]
    origins = [
        f"{name} has other {part} in its lineage than the trained model"
        for name, card in cards.items()
        for part in INHERITED
        if card.lineage.get(part) != trained.lineage.get(part)
    ]
    yield agree("same_model", [*kinds, *origins], "all artifacts have the trained model's lineage")
    orders = [
        f"{name} lists its labels otherwise than the trained model: "
        + _first_difference(axis(found.trained.task), axis(who.task))
        for name, who in found.each().items()
        if axis(who.task) != axis(found.trained.task)
    ]
    yield agree("label_order", orders, "all artifacts list the same labels in the same order")
    digests = {
        name: sha256_file(who.bundle.folder / TOKENIZER) for name, who in found.each().items()
    }
    swapped = [
        f"{name} has another tokenizer than the trained model"
        for name, digest in digests.items()
        if digest != digests["trained"]
        or (cards[name].max_length, cards[name].pad_id) != (trained.max_length, trained.pad_id)
    ]
    yield agree("tokenizer", swapped, "all artifacts have the same tokenizer")


def _same_data(evidence: Evidence, found: Candidate) -> Iterator[Rule]:
    """Yield whether the examples are those that were made, and the training rows go with them."""
    rows = [row for row in found.int8.examples if row.get(SPLIT) != "test"]
    wrong = [f"{len(rows)} examples are of another split than test"] if rows else []
    card, said = _card(evidence, "data")
    yield agree("data", [*said, *wrong], "the test examples are those that their card names")
    trained, said = _card(evidence, "augmented")
    if not said:
        said = differ("the card of the training rows", card.get("data"), trained.get("data"))
    yield agree("trained_data", said, "the training rows come from the same raw data")


def _card(evidence: Evidence, folder: str) -> tuple[Mapping[str, Any], list[str]]:
    path = getattr(evidence, folder)
    try:
        return verify_card(path), []
    except TouchstoneError as error:
        return read(path / CARD), [error.what]
    except (KeyError, TypeError):
        return {}, [f"{path / CARD} does not name its files"]


def _validation(evidence: Evidence) -> Rule:
    """Return whether the data passed its validation, and the result is about this data."""
    path = evidence.reports.validation / RESULT
    result, card = read(path), read(evidence.data / CARD)
    if not result:
        return check("validation", passed=False, reason=f"{path} is missing or unreadable")
    rules = result.get("rules")
    listed = rules if isinstance(rules, list) else []
    failed = [str(at(rule, "rule")) for rule in listed if at(rule, "success") is not True]
    off = [f"broken: {name}" for name in failed]
    if result.get("success") is not True or not listed:
        off.append("it does not say that every rule held")
    off += differ("the result of validation", card.get("data"), result.get("data"))
    for split in SPLITS:
        told = at(result, "splits", split)
        off += differ(f"validated {split} rows", at(card, "splits", split), told)
    return agree("validation", off, f"every rule of the data held, {len(listed)} in all")


def _first_difference(expected: tuple[str, ...], found: tuple[str, ...]) -> str:
    if sorted(expected) != sorted(found):
        other = sorted(set(expected) ^ set(found))
        return f"only one of them has {', '.join(other[:LISTED])}"
    index = next(
        i for i, pair in enumerate(zip(expected, found, strict=True)) if len(set(pair)) > 1
    )
    return f"at {index} {found[index]} in place of {expected[index]}"
