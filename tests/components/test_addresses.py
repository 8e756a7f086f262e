"""In: sources as params.yaml names them. Out: their parts, what they break, and no secret told."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from components.addresses import (
    Dataset,
    address_mistakes,
    dataset_of,
    filled,
    hidden,
    identity,
    is_remote,
    kind_of,
    sql_parts,
)
from components.errors import ParamsError
from components.params import load_params

PIN = "#sha256=" + "0" * 64


@pytest.mark.parametrize(
    ("name", "kind", "remote"),
    [
        ("a.csv", None, False),
        ("folder/sqlite.csv", None, False),
        ("sample:tickets?rows=9&seed=1", "sample", False),
        ("sql:sqlite:///a.db SELECT 1", "sql", True),
        ("sql:${DATABASE}\n  WITH a AS (SELECT 1 AS b) SELECT b FROM a;", "sql", True),
        ("sql:postgresql+psycopg://u:${PASSWORD}@h:5432/d SELECT 1", "sql", True),
        ("sql:postgresql+psycopg://u@h/d?passfile=/etc/pass SELECT 1", "sql", True),
        ("http://h/a.csv" + PIN, "http", True),
        ("https://u:${KEY}@h/a.csv?token=${TOKEN}" + PIN, "https", True),
        ("https://h:8080/a@b.csv" + PIN, "https", True),
        ("s3://bucket/a/b.csv", "s3", True),
        ("hf:owner/name@main", "hf", True),
        ("hf:name@refs/convert/parquet?config=a&split=train", "hf", True),
        ("hf:./folder?split=test", "hf", False),
    ],
)
def test_well_formed_sources_are_told_apart(name: str, kind: str | None, remote: bool) -> None:
    assert (kind_of(name), is_remote(name)) == (kind, remote)
    assert address_mistakes(name) == []


@pytest.mark.parametrize(
    ("name", "rule"),
    [
        ("ftp://h/a.csv", "no sources of the kind ftp: write sample, sql, http"),
        ("gs://bucket/a.csv", "no sources of the kind gs"),
        ("sql:postgresql+psycopg://u@h/d", "needs a query that only reads"),
        ("sql:sqlite:///a.db DELETE FROM a", "needs a query that only reads"),
        ("sql:SELECT 1", "needs a URL"),
        ("sql:postgresql+psycopg://u:s3cret@h/d SELECT 1", "holds a secret"),
        ("sql:postgresql+psycopg://u:a${B}@h/d SELECT 1", "holds a secret"),
        ("sql:postgresql+psycopg://u:s3c/ret@h/d SELECT 1", "holds a secret"),
        ("sql:postgresql+psycopg://h/d?user=u&password=s3cret SELECT 1", "holds a secret"),
        ("https://h/a.csv", "must end with the checksum"),
        ("https://h/a.csv#sha256=abc", "must end with the checksum"),
        ("https:///a.csv" + PIN, "names no host"),
        ("https://[::1/a.csv" + PIN, "is no address"),
        ("https://u:s3c@ret@h/a.csv" + PIN, "holds a secret"),
        ("https://u:s3cret@h/a.csv" + PIN, "holds a secret"),
        ("https://h/a.csv?X-Amz-Signature=s3cret" + PIN, "holds a secret"),
        ("s3://bucket", "must be s3://BUCKET/KEY"),
        ("s3:bucket/key", "must be s3://BUCKET/KEY"),
        ("s3://key:s3cret@bucket/key", "must be s3://BUCKET/KEY; keys of access"),
        ("hf:owner/name", "must be hf:NAME@REVISION"),
        ("hf:../folder", "must be hf:NAME@REVISION"),
        ("hf:a/b@main?subset=x", "has no 'subset': config and split"),
    ],
)
def test_mistakes_name_the_rule_and_quote_no_secret(name: str, rule: str) -> None:
    found = address_mistakes(name)
    assert [one for one in found if rule in one]
    assert "s3cret" not in str(found)


def test_a_secret_in_params_yaml_is_refused_without_being_shown(
    tmp_path: Path, params_tree: dict[str, Any]
) -> None:
    tree = copy.deepcopy(params_tree)
    tree["ingestion"]["source"] = "sql:postgresql+psycopg://u:s3cret@h/d SELECT 1"
    tree["ingestion"]["changed"] = None
    with (tmp_path / "params.yaml").open("w") as file:
        YAML(typ="safe", pure=True).dump(tree, file)
    with pytest.raises(ParamsError, match=r"ingestion\.source: holds a secret: write it") as caught:
        load_params(tmp_path / "params.yaml")
    assert "s3cret" not in str(caught.value)


def test_a_query_may_stand_on_lines_of_its_own() -> None:
    name = "sql:sqlite:///a.db\n  SELECT a,\n  b FROM c ;\n"
    assert sql_parts(name) == ("sqlite:///a.db", "SELECT a,\n  b FROM c")


def test_parts_of_a_data_set() -> None:
    assert dataset_of("hf:a/b@c?config=d&split=e") == Dataset(None, "a/b", "c", "d", "e")
    assert dataset_of("hf:./a b/c") == Dataset("./a b/c", "", "", None, None)


def test_what_grows_keeps_its_identity() -> None:
    assert identity("sample:tickets?rows=9&seed=1") == "sample:tickets"
    assert identity("https://h/a.csv?b=c" + PIN) == "https://h/a.csv?b=c"
    assert identity("hf:a/b@c?split=test") == "hf:a/b?split=test"
    assert identity("a@b#c?d.csv") == "a@b#c?d.csv"


def test_variables_are_filled_in_and_hidden_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OWN_URL", "postgresql://u:p@ss@h/d")
    monkeypatch.setenv("OWN_KEY", "k y")
    assert filled("a${OWN_KEY}b") == "ak yb"
    assert filled("${OWN_KEY}", str.upper) == "K Y"
    message = "no 'k y' nor k%20y at postgresql://u:p@ss@h/d, but p@ss"
    told = hidden(message, "sql:${OWN_URL} ${OWN_KEY}")
    assert told == "no '${OWN_KEY}' nor ${OWN_KEY} at ${OWN_URL}, but ${OWN_URL}"
    monkeypatch.setenv("OWN_KEY", "")
    with pytest.raises(ParamsError, match="the environment has no OWN_KEY") as caught:
        filled("${OWN_KEY}")
    assert "OWN_KEY" in caught.value.cure
