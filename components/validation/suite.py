"""In: frames and rules. Out: what Great Expectations found of each rule, and its Data Docs."""

from __future__ import annotations

import contextlib
import json
import math
import os
import shutil
import tempfile
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pandas as pd

from components.validation.rules import COLUMNS, Rule


@dataclass(frozen=True)
class Table:
    """A table of a SQLite database: a frame of any size.

    Attributes:
        path: the database.
        name: the table.
    """

    path: Path
    name: str


Frame = pd.DataFrame | Table

# What is asked of columns as a whole; a table has other types than the frame of its columns.
OF_COLUMNS: Final = (
    "ExpectColumnToExist",
    "ExpectColumnValuesToBeInTypeList",
    "ExpectColumnValuesToBeOfType",
    "ExpectTableColumnCountToBeBetween",
    "ExpectTableColumnCountToEqual",
    "ExpectTableColumnsToMatchOrderedList",
    "ExpectTableColumnsToMatchSet",
)
RULE: Final = "rule"
SHOWN: Final = 20


@dataclass(frozen=True)
class Outcome:
    """What became of one rule.

    Attributes:
        rule: the rule.
        success: it could be computed, and holds.
        observed: the figure found; the unexpected values for a rule about each value.
        error: why it could not be computed, if so.
    """

    rule: Rule
    success: bool
    observed: object
    error: str | None

    def as_json(self) -> dict[str, Any]:
        """Return the outcome as JSON values."""
        return {
            "rule": self.rule.name,
            "frame": self.rule.frame,
            "expectation": self.rule.expectation,
            "column": self.rule.options.get("column"),
            "threshold": {k: v for k, v in self.rule.options.items() if k != "column"},
            "observed": self.observed,
            "success": self.success,
            "error": self.error,
        }


def check(rules: Sequence[Rule], frames: Mapping[str, Frame], docs: Path) -> list[Outcome]:
    """Check every rule with Great Expectations, and copy the Data Docs it builds to `docs`.

    A table is asked in SQL, so that memory does not grow with its rows.

    Importing the library takes seconds, hence only here.
    """
    os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the library's own deprecations are no concern of users
        import great_expectations as gx
        from great_expectations.data_context.types.base import ProgressBarsConfig

        context = gx.get_context(mode="file", project_root_dir=folder)
        context.variables.progress_bars = ProgressBarsConfig(globally=False)
        found: dict[str, Any] = {}
        for name, frame in frames.items():
            own = [rule for rule in rules if _asked_of(rule, frames) == name]
            found |= _run(context, (name, frame), own)
        context.build_data_docs()
        site = Path(context.root_directory) / "uncommitted" / "data_docs" / "local_site"
        shutil.copytree(site, docs, dirs_exist_ok=True)
    return [_outcome(rule, found.get(rule.name)) for rule in rules]


def _asked_of(rule: Rule, frames: Mapping[str, Frame]) -> str:
    """Return the name of the frame that the library gets to see."""
    split = isinstance(frames.get(rule.frame), Table) and rule.expectation in OF_COLUMNS
    return COLUMNS if split else rule.frame


def _run(
    context: Any,  # noqa: ANN401 - the library's types would have to be imported
    named: tuple[str, Frame],
    rules: Sequence[Rule],
) -> dict[str, Any]:
    """Run the suite of one frame; return the results by the rule's name."""
    import great_expectations as gx
    import great_expectations.expectations as library

    name, frame = named
    expectations = [
        getattr(library, rule.expectation)(
            **rule.options, severity="critical", meta={RULE: rule.name}
        )
        for rule in rules
    ]
    suite = context.suites.add(gx.ExpectationSuite(name=name, expectations=expectations))
    with _batch(context, name, frame) as (batch, parameters):
        definition = gx.ValidationDefinition(name=name, data=batch, suite=suite)
        result = context.validation_definitions.add(definition).run(batch_parameters=parameters)
    return {one.expectation_config.meta[RULE]: one for one in result.results}


@contextlib.contextmanager
def _batch(context: Any, name: str, frame: Frame) -> Iterator[tuple[Any, dict[str, Any] | None]]:  # noqa: ANN401
    """Give what a suite is run on, and what it is to be told for that."""
    if isinstance(frame, pd.DataFrame):
        asset = context.data_sources.add_pandas(name).add_dataframe_asset(name)
        yield asset.add_batch_definition_whole_dataframe("whole"), {"dataframe": frame}
        return
    # The library reads an address with `$` in it in its own way; this one has none.
    link = Path(context.root_directory) / f"{name}.sqlite"
    link.symlink_to(frame.path.resolve())
    source = context.data_sources.add_sqlite(name, connection_string=f"sqlite:///{link}")
    asset = source.add_table_asset(name, table_name=frame.name)
    try:
        yield asset.add_batch_definition_whole_table("whole"), None
    finally:
        source.get_engine().dispose()


def _outcome(rule: Rule, result: Any) -> Outcome:  # noqa: ANN401
    """Read one result; what is absent or could not be computed did not succeed."""
    if result is None:
        return Outcome(rule, success=False, observed=None, error="was not evaluated")
    error = _exception(result.exception_info)
    observed = _observed(result.result)
    return Outcome(rule, bool(result.success) and error is None, observed, error)


def _exception(info: Mapping[str, Any] | None) -> str | None:
    """Return the message of what was raised; the library nests it by metric or does not."""
    for part in [info, *(info or {}).values()]:
        if isinstance(part, dict) and part.get("raised_exception"):
            return str(part.get("exception_message") or "failed")
    return None


def _observed(result: Mapping[str, Any]) -> object:
    if "observed_value" in result:
        return plain(result["observed_value"])
    found = {"unexpected": plain(result.get("unexpected_count", 0))}
    listed = [v for v in result.get("partial_unexpected_list", []) if not pd.isna(v)]
    values = list(dict.fromkeys(map(str, listed)))
    return found | ({"examples": values[:SHOWN]} if values else {})


def plain(value: object) -> object:
    """Return numpy's and pandas' scalars as JSON values; NaN becomes null."""
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return json.loads(json.dumps(value, default=str))
