"""In: values of params.yaml. Out: the sections from the source to the tokens."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import Field, model_validator

from components.addresses import HUB, SAMPLE, SQL, address_mistakes, kind_of
from components.params.base import Count, Name, Positive, Section, Share, mistake, refuse
from components.personal import known_region

MIN_TRAINING_SHARE: Final = 0.2
ORIGINS: Final = ("source", "validation_source", "test_source")
SourceFormat = Literal[
    "csv", "tsv", "jsonl", "parquet", "arrow", "conll", "squad", "label_studio", "doccano",
    "lines", "parallel", "texts",
]  # fmt: skip


class ProjectParams(Section):
    """What all stages share."""

    name: Name
    """Name of the registered model and of the MLflow experiment."""
    seed: Count
    """The one seed; every random choice of every stage is derived from it by name."""


class ColumnsParams(Section):
    """Which columns of the source hold what; the task says which fields it needs."""

    fields: dict[str, str]
    """The task's field to the source's column, such as `text: body`.

    Files name their columns by themselves, but for folders: of `lines` the columns are `text` and
    `file`, the file's name; of `parallel` they are the files' names.
    """
    header: tuple[str, ...] | None
    """Names of the columns of a CSV or TSV file that has no header line; null: it has one."""
    values: dict[str, dict[str, str]]
    """Per field of the task, what written values stand for, such as `label: {"0": ham, "1": spam}`.

    Values that are not listed stay as they are. Of a field that holds several labels, each of them
    is looked up.
    """
    group: str | None
    """Column whose equal values never cross splits (a customer); null: the text itself."""
    slices: tuple[Name, ...]
    """Columns by which evaluation and the gate look at parts of the data."""

    @model_validator(mode="after")
    def _header_differs(self) -> ColumnsParams:
        names = self.header
        if names is not None and (not all(names) or len(set(names)) < len(names) or not names):
            raise ValueError(f"header must hold names that differ, found {list(names)}")
        return self

    @model_validator(mode="after")
    def _slices_differ(self) -> ColumnsParams:
        if len(set(self.slices)) < len(self.slices):
            raise ValueError(f"slices must differ, found {', '.join(self.slices)}")
        return self


class SplitsParams(Section):
    """Shares that are cut out of `source`, by a hash of the group."""

    validation: Share
    """Share for choosing; 0 when `validation_source` is given."""
    test: Share
    """Share for judging, never seen by search or training; 0 when `test_source` is given."""


class PersonalParams(Section):
    """Personal data in the texts; what counts as such: components/personal.py."""

    mask: bool
    """Whether letters and digits of it become x and 0 before any file is written; a group that is
    personal data becomes a hash. Slices stay as they are."""
    phone_region: str | None
    """Country, as ISO 3166 names it (US, GB), whose phone numbers are known without +; null:
    only those with it."""

    @model_validator(mode="after")
    def _region_is_known(self) -> PersonalParams:
        if self.phone_region is not None and not known_region(self.phone_region):
            raise ValueError(
                f"phone_region must be a country in two capitals such as GB, "
                f"found {self.phone_region}"
            )
        return self


class IngestionParams(Section):
    """Where the labelled text comes from."""

    folder: str
    """The folder that DVC watches for changes; files below are named relative to it."""
    source: str
    """A file in `folder`; or a folder there, or a pattern such as `rt-polarity.*`, where `format`
    is lines, parallel or texts; or `sample:tickets?rows=N&seed=N`. What lies elsewhere:
    `sql:URL QUERY`, `https://...#sha256=...`, `s3://BUCKET/KEY`, `hf:NAME@REVISION`; see
    docs/sources.md. `${NAME}` in an address is taken from the environment."""
    validation_source: str | None
    """Where the validation rows are, when they are given; else null."""
    test_source: str | None
    """Where the test rows are, when they are given; else null."""
    format: SourceFormat | None
    """How the sources are written; null: as each file's suffix says.

    csv: commas, quoted cells may hold line breaks. tsv: tabs, a row is a line, quotes are text.
    jsonl: one JSON object per line; a list or an object in a column becomes JSON text. parquet.
    arrow: an IPC file or stream, or Feather.
    conll: a word and its tag per line; columns text, entities and document. squad: questions on
    paragraphs; columns id, title, question, context and answers. label_studio, doccano: JSON and
    JSONL as these export it; columns are the fields of the data, and label, labels and entities.
    lines: a folder whose files hold one text per line. parallel: a folder of files with equally
    many lines. texts: a folder with one folder per label and one file per text; columns text,
    label and file.
    """
    changed: str | None
    """Column of a `sql:` query that grows with every change of a row, such as `updated_at`: new
    data are noticed by its highest value and the number of rows; null: by all that is read."""
    scheme: Literal["iob1", "iob2", "bioes"] | None
    """How the tags of a CoNLL file are written; null: there are none."""
    columns: ColumnsParams
    personal: PersonalParams
    splits: SplitsParams
    licence: str
    """Licence of the data, as it shall stand on the card and on the model's page."""

    @property
    def sources(self) -> dict[str, str]:
        """What is read, by field."""
        named = {name: getattr(self, name) for name in ORIGINS}
        return {name: source for name, source in named.items() if source is not None}

    @model_validator(mode="after")
    def _addresses_are_whole(self) -> IngestionParams:
        return refuse(
            self,
            [
                mistake((name,), rule)
                for name, source in self.sources.items()
                for rule in address_mistakes(source)
            ],
        )

    @model_validator(mode="after")
    def _formats_are_those_of_files(self) -> IngestionParams:
        kinds = {kind_of(source) for source in self.sources.values()}
        for kind in (SAMPLE, SQL, HUB):
            if kind in kinds and (self.format or self.scheme or self.columns.header):
                raise ValueError(
                    f"format, scheme and columns.header must be null for a {kind}: it is no file"
                )
        if self.changed is not None and SQL not in kinds:
            raise ValueError("changed must be null where no source is a sql:")
        return self

    @model_validator(mode="after")
    def _one_origin_per_split(self) -> IngestionParams:
        for split in ("validation", "test"):
            given = getattr(self, f"{split}_source") is not None
            cut = getattr(self.splits, split) > 0
            if given == cut:
                raise ValueError(
                    f"splits.{split} must be above 0 when {split}_source is null, and 0 when not"
                )
        if self.splits.validation + self.splits.test > 1 - MIN_TRAINING_SHARE:
            raise ValueError(
                "splits.validation and splits.test must leave "
                f"{MIN_TRAINING_SHARE} for training, found {self.splits.validation} and "
                f"{self.splits.test}"
            )
        return self


class RowsPerSplit(Section):
    """A count for each split."""

    train: Count
    validation: Count
    test: Count


class ValidationParams(Section):
    """Rules of the data; each one enforces."""

    min_characters: Positive
    """Shorter texts, after trimming, are rejected."""
    max_characters: Positive
    """Longer texts are rejected."""
    max_reject_share: Share
    """Above this share of rejected rows the run ends."""
    max_unknown_labels: Count
    """Above this number of rows whose label the task does not list, the run ends."""
    min_rows_per_label: RowsPerSplit
    """Below this number of accepted rows for any label, the run ends."""
    max_label_share: Share
    """Above this share of the training rows for any one label, the run ends."""
    suite: str
    """YAML file of rules of your own; DVC watches it. See docs/data.md."""


class TokenizationParams(Section):
    """Text to token ids, once for all trials."""

    max_length: Annotated[int, Field(ge=8, le=8192)]
    """Tokens per row, special ones included; longer texts are cut, or read in windows by tasks
    whose answers lie within the text."""
    max_truncated_share: Share
    """Above this share of tokens cut, the run ends."""
