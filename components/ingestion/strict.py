"""In: where JSON comes from. Out: what `json.loads` must refuse, though Python lets it pass."""

from __future__ import annotations

from collections import Counter
from typing import Any, NoReturn

from components.errors import DataError


def hooks(where: str) -> dict[str, Any]:
    """Return arguments of `json.loads` that refuse keys which stand twice, NaN and Infinity.

    Args:
        where: file and line, for errors.
    """

    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        made = dict(items)
        if len(made) < len(items):
            counts = Counter(name for name, _ in items)
            twice = min(name for name, count in counts.items() if count > 1)
            raise DataError(f"{where}: {twice!r} stands twice in an object", "keep one of them")
        return made

    def refuse(constant: str) -> NoReturn:
        raise DataError(f"{where}: {constant} is no JSON", 'write null, or text as "..."')

    return {"object_pairs_hook": pairs, "parse_constant": refuse}
