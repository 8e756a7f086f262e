"""In: figures. Out: tables and links on the run's page in Prefect, and short words for the line."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping

from components.errors import Away
from components.schema import SPLITS


def counts(rows: Mapping[str, int]) -> str:
    """Return the rows of each split as words."""
    return ", ".join(f"{rows[split]} {split}" for split in SPLITS)


def table(left: str, right: str, rows: Mapping[str, object]) -> str:
    """Return a two-column Markdown table; figures are rounded for reading."""
    lines = [f"| {left} | {right} |", "| --- | ---: |"]
    lines += [f"| {name} | {_shown(value)} |" for name, value in rows.items()]
    return "\n".join(lines)


def _shown(value: object) -> str:
    return f"{value:.4f}" if isinstance(value, float) else str(value)


def publish(key: str, markdown: str, description: str = "") -> None:
    """Attach Markdown to the current flow run, under a key that later runs add versions to.

    What is shown there stands in files too: a server that stays away stops no stage.
    """
    from prefect.artifacts import create_markdown_artifact

    with contextlib.suppress(Away):
        create_markdown_artifact(
            key=re.sub(r"[^a-z0-9-]", "-", key.lower()), markdown=markdown, description=description
        )


def publish_link(key: str, address: str, text: str) -> None:
    """Attach a link to the current flow run, under a key that later runs add versions to."""
    from prefect.artifacts import create_link_artifact

    with contextlib.suppress(Away):
        create_link_artifact(key=key, link=address, link_text=text)
