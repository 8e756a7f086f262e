"""In: a recipe's name. Out: params.yaml with the recipe laid over it, and what that changed.

python -m infra.recipe NAME
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from components.errors import ParamsError, TouchstoneError
from components.params import apply_recipe

RECIPES: Final = Path("recipes")
PARAMS: Final = Path("params.yaml")


def main(argv: Sequence[str]) -> int:
    """Lay a recipe over params.yaml; nothing is written when the result would be wrong."""
    known = ", ".join(sorted(path.stem for path in RECIPES.glob("*.yaml")))
    try:
        if len(argv) != 1 or not argv[0]:
            raise ParamsError("no recipe is named", f"make use RECIPE=name, of: {known}")
        changed = apply_recipe(RECIPES / f"{argv[0]}.yaml", PARAMS)
    except TouchstoneError as error:
        print(f"\n{error}\n", file=sys.stderr)
        return error.exit_code
    print("\n".join(changed) or f"params.yaml already says what {argv[0]} says")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
