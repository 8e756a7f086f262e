"""In: test examples, and the folder that a model learned from. Out: what stands in both.

The stages before keep the splits apart; this looks at what was used in the end, whoever made it.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from components.near import FirstNear, similarity, variant_key
from components.records import iter_examples
from components.schema import ID, PARENT_ID
from components.tasks.base import Example, Task

KINDS: Final = ("exact", "variants", "children", "near")
LISTED: Final = 20
TOGETHER: Final = 1000
NOBODY: Final = ""  # the parent of a row as it came

Found = dict[int, tuple[str, str]]  # place of a test example: id and text of the other


def leakage(task: Task, test: Sequence[Example], folder: Path) -> dict[str, Any]:
    """Count the test examples that training or validation rows give away.

    Each counts once, under the first kind that holds: `exact`, the same text; `variants`, the same
    but for case, spacing, punctuation or Unicode form; `children`, an altered copy names it as its
    parent; `near`, one word apart or nine tenths of the character 3-grams.

    Args:
        task: which text of an example is compared.
        test: what the model is judged on.
        folder: data/augmented; its training and validation splits are streamed.

    Returns:
        rows, a number for each kind, near_share, and at most 20 examples with their similarity.

    Raises:
        DataError: a split is absent or is no Parquet.
    """
    texts = [task.content(example) for example in test]
    seen = itertools.chain(*(iter_examples(folder, split) for split in ("train", "validation")))
    found = _find(task, [example[ID] for example in test], texts, seen)
    kinds: dict[int, str] = {}
    for kind in KINDS:
        for place in found[kind]:
            kinds.setdefault(place, kind)
    counts = {kind: sum(value == kind for value in kinds.values()) for kind in KINDS}
    examples = []
    for place in sorted(kinds, key=lambda place: (KINDS.index(kinds[place]), place))[:LISTED]:
        other, text = found[kinds[place]][place]
        examples.append(
            {
                "test": test[place][ID],
                "train": other,
                "kind": kinds[place],
                "similarity": round(similarity(texts[place], text), 3),
            }
        )
    share = counts["near"] / len(test) if test else 0.0
    return {"rows": len(test), **counts, "near_share": share, "examples": examples}


def _find(
    task: Task, ids: Sequence[str], texts: Sequence[str], seen: Iterable[Example]
) -> dict[str, Found]:
    """Return, per kind, the test examples that are met, each with the first row that meets it."""
    near = FirstNear(texts)
    by_text, by_key, by_id = (
        _places(values) for values in (texts, [variant_key(text) for text in texts], ids)
    )
    found: dict[str, Found] = {kind: {} for kind in KINDS}
    for rows in _together(seen):
        read = [task.content(row) for row in rows]
        keys = [variant_key(text) for text in read]
        for row, text, key, nearby in zip(rows, read, keys, near.of(keys), strict=True):
            met = {
                "exact": by_text.pop(text, ()),
                "variants": by_key.pop(key, ()),
                "children": by_id.pop(row.get(PARENT_ID) or NOBODY, ()),
                "near": nearby,
            }
            for kind, places in met.items():
                if places:
                    found[kind] |= dict.fromkeys(places, (row[ID], text))
    return found


def _together(rows: Iterable[Example]) -> Iterator[list[Example]]:
    """Yield the rows a thousand at a time."""
    remaining = iter(rows)
    while some := list(itertools.islice(remaining, TOGETHER)):
        yield some


def _places(values: Sequence[str]) -> dict[str, list[int]]:
    """Return where each value stands."""
    places: dict[str, list[int]] = defaultdict(list)
    for index, value in enumerate(values):
        places[value].append(index)
    return dict(places)
