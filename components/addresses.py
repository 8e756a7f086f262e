"""In: a source as params.yaml names it. Out: of what kind it is, what it breaks, its parts.

Secrets stand in the environment: `${NAME}` is filled in where an address is used, and only there.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from components.errors import ParamsError

SAMPLE: Final = "sample"
SQL: Final = "sql"
WEB: Final = ("http", "https")
BUCKET: Final = "s3"
HUB: Final = "hf"
KINDS: Final = (SAMPLE, SQL, *WEB, BUCKET, HUB)
_KIND: Final = re.compile(rf"({'|'.join(KINDS)}):")
_SCHEME: Final = re.compile(r"([A-Za-z][\w+.-]*)://")
_VARIABLE: Final = re.compile(r"\$\{(\w+)\}")
_PASSWORD: Final = re.compile(r"://[^/?#@:]*:(?P<password>.*)@")
_SECRET: Final = re.compile(
    r"pass(?!file)|pwd|secret|token|^sig|signature|credential|api_?key", re.IGNORECASE
)
_PIN: Final = re.compile(r"sha256=[0-9a-f]{64}")
_HUB: Final = re.compile(
    r"hf:(?:(?P<folder>\./[^?]+)|(?P<name>[\w.-]+(?:/[\w.-]+)?)@(?P<revision>[\w./-]+))"
    r"(?:\?(?P<asked>[^?]*))?"
)


class Dataset(NamedTuple):
    """A data set in the hub's layout: either a folder, or a name and a revision."""

    folder: str | None
    name: str
    revision: str
    config: str | None
    split: str | None


def kind_of(name: str) -> str | None:
    """Return the kind of a source; None for what lies in the folder."""
    found = _KIND.match(name)
    return found[1] if found else None


def is_remote(name: str) -> bool:
    """Tell whether DVC cannot see a source: it is probed before the line runs."""
    kind = kind_of(name)
    return kind not in (None, SAMPLE) and not (kind == HUB and name.startswith("hf:./"))


def identity(name: str) -> str:
    """Return what stays of a name when its content grows: rows keep the ids that they can keep."""
    match kind_of(name):
        case "sample":
            return name.partition("?")[0]
        case "http" | "https":
            return name.partition("#")[0]
        case "hf":
            return re.sub(r"@[^?]*", "", name)
    return name


def address_mistakes(name: str) -> list[str]:
    """Return what is wrong with a source's name; none of it quotes what may be secret."""
    kind = kind_of(name)
    try:
        urlsplit(name)
    except ValueError:
        # The error would quote what may hold a secret.
        return ["is no address"]
    checks: Mapping[str | None, Callable[[str], list[str]]] = {
        SQL: _sql_mistakes,
        **dict.fromkeys(WEB, _web_mistakes),
        BUCKET: _bucket_mistakes,
        HUB: _hub_mistakes,
    }
    if kind is None and (scheme := _SCHEME.match(name)):
        return [f"there are no sources of the kind {scheme[1]}: write {', '.join(KINDS)} or a file"]
    return checks[kind](name) if kind in checks else []


def sql_parts(name: str) -> tuple[str, str]:
    """Return the URL and the query of a `sql:` source."""
    url, query, *_ = [*name.removeprefix(f"{SQL}:").split(None, 1), "", ""]
    return url, query.strip().removesuffix(";").strip()


def dataset_of(name: str) -> Dataset:
    """Return the parts of a `hf:` source that has no mistakes."""
    found = _HUB.fullmatch(name)
    if found is None:
        raise ParamsError(f"{name!r} is no data set", "write hf:NAME@REVISION or hf:./FOLDER")
    asked = dict(parse_qsl(found["asked"] or ""))
    name, revision = found["name"] or "", found["revision"] or ""
    return Dataset(found["folder"], name, revision, asked.get("config"), asked.get("split"))


def filled(text: str, written: Callable[[str], str] = str) -> str:
    """Return a text with what the environment holds in place of each `${NAME}`.

    Args:
        text: as params.yaml has it.
        written: how a value is written there, such as quoted for a URL.

    Raises:
        ParamsError: a variable is not set, or empty.
    """

    def value(match: re.Match[str]) -> str:
        if not (found := os.environ.get(match[1])):
            raise ParamsError(
                f"the environment has no {match[1]}, which ingestion names as ${{{match[1]}}}",
                f"set {match[1]} where the line runs",
            )
        return written(found)

    return _VARIABLE.sub(value, text)


def hidden(message: str, name: str) -> str:
    """Return a message in which no value stands that a source takes from the environment."""
    for variable in _VARIABLE.findall(name):
        value = os.environ.get(variable, "")
        # A whole URL may be in the environment, and its password alone in a message.
        parts = [value, *_PASSWORD.findall(value)]
        for part in (*parts, *(quote(one, safe="") for one in parts), *map(unquote, parts)):
            if part:
                message = message.replace(part, f"${{{variable}}}")
    return message


def _sql_mistakes(name: str) -> list[str]:
    url, query = sql_parts(name)
    password = _PASSWORD.search(url)
    found = _secret_mistakes(url, password["password"] if password else None)
    if not (_SCHEME.match(url) or _VARIABLE.match(url)):
        found.append("sql: needs a URL such as postgresql+psycopg://USER:${PASSWORD}@HOST/DATABASE")
    if not re.match(r"(select|with|values|table)\b", query, re.IGNORECASE):
        found.append("sql: needs a query that only reads, such as SELECT, after the URL")
    return found


def _web_mistakes(name: str) -> list[str]:
    found = _secret_mistakes(name.partition("#")[0], urlsplit(name).password)
    if not urlsplit(name).hostname:
        found.append("names no host")
    if not _PIN.fullmatch(urlsplit(name).fragment):
        found.append("must end with the checksum of the file, #sha256= and 64 digits of 0-9a-f")
    return found


def _bucket_mistakes(name: str) -> list[str]:
    bucket, _, key = name.removeprefix("s3://").partition("/")
    if not name.startswith("s3://") or not bucket or not key or re.search(r"[@:]", bucket):
        return ["must be s3://BUCKET/KEY; keys of access stand in the environment"]
    return []


def _hub_mistakes(name: str) -> list[str]:
    found = _HUB.fullmatch(name)
    if found is None:
        return ["must be hf:NAME@REVISION or hf:./FOLDER, and may end with ?config=NAME&split=NAME"]
    asked = dict(parse_qsl(found["asked"] or "", keep_blank_values=True))
    return [f"has no {key!r}: config and split" for key in asked if key not in ("config", "split")]


def _secret_mistakes(url: str, password: str | None) -> list[str]:
    """Refuse secrets that stand in the file: it is committed, and its values are shown."""
    asked = parse_qsl(urlsplit(url).query)
    given = [password, *(value for key, value in asked if _SECRET.search(key))]
    if all(not value or _VARIABLE.fullmatch(value) for value in given):
        return []
    return ["holds a secret: write it as ${NAME}, and set NAME in the environment"]
