"""In: verdicts of each kind. Out: pages that stand alone, verdict first, texts escaped."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any

import pytest

from components.gate.report import markdown, render, write_report
from tests.components.gate import samples_against
from tests.components.pages.outline import Outline, assert_readable_by_all

SAMPLES = {**samples_against.EACH, "big": samples_against.big}
STYLE = Path("components/pages/templates/page.css")


def page(verdict: dict[str, Any], out: Path) -> str:
    render(verdict, out / "gate.html")
    return (out / "gate.html").read_text(encoding="utf-8")


@pytest.fixture(params=SAMPLES)
def verdict(request: pytest.FixtureRequest) -> dict[str, Any]:
    return json.loads(json.dumps(SAMPLES[request.param]()))  # type: ignore[no-any-return]


def test_page_says_the_verdict_first_then_what_would_change_it_then_every_rule(
    verdict: dict[str, Any], tmp_path: Path
) -> None:
    outline = Outline(page(verdict, tmp_path))
    assert outline.open == []
    assert len(outline.all("h1")) == 1
    places = [outline.text.index(text) for text in (verdict["sentence"], "Every rule enforces")]
    states = [rule["state"] for rule in verdict["rules"]]
    if {"broken", "open"} & set(states):
        places.insert(1, outline.text.index("What would change it"))
    else:
        assert "What would change it" not in outline.text
    assert places == sorted(places)
    for rule in verdict["rules"]:
        if rule["state"] not in {"holds", "informs"}:
            assert rule["title"][1:] in outline.text
            assert rule["cure"][1:] in outline.text


def test_page_needs_nothing_from_outside_and_stays_under_two_megabytes(
    verdict: dict[str, Any], tmp_path: Path
) -> None:
    html = page(verdict, tmp_path)
    outline = Outline(html)
    assert not outline.all("script")
    for _, attributes in outline.tags:
        for name in ("src", "href", "action", "data"):
            assert (attributes.get(name) or "#").startswith("#")
        assert not [name for name in attributes if name.startswith("on")]
    assert not re.search(r"url\(|@import", STYLE.read_text(encoding="utf-8"))
    assert len(html.encode()) < 2_000_000


def test_headings_descend_by_one_and_tables_name_their_cells(
    verdict: dict[str, Any], tmp_path: Path
) -> None:
    assert_readable_by_all(Outline(page(verdict, tmp_path)))


def test_texts_of_users_are_read_and_never_run(tmp_path: Path) -> None:
    hostile = "</q><script>alert(1)</script>\x00\ud800 \u202egnp.exe"
    verdict = samples_against.hold()
    for row in [*verdict["disagreements"], *verdict["parity"]["flips"]]:
        row |= {"text": hostile, "label": hostile}
    for rule in verdict["rules"]:
        rule |= {"title": hostile, "reason": hostile, "cure": hostile}
    verdict["slices"][0]["value"] = hostile
    verdict["robustness"][0]["examples"][0] |= {"text": hostile, "edited": hostile + " x"}
    verdict["difference"]["vocabulary"]["examples"] = [hostile]
    verdict["leakage"]["examples"][0] |= {"test": hostile, "train": hostile}
    verdict["confusion"]["labels"][0] = hostile
    verdict["sentence"] = hostile
    html = page(verdict, tmp_path)
    assert "<script" not in html
    assert "</q>&lt;" not in html
    assert not set("\x00\u202e") & set(html)
    assert "&lt;script&gt;alert(1)" in html
    assert Outline(html).open == []


def test_waivers_are_printed_with_reason_person_and_day_expired_or_not(tmp_path: Path) -> None:
    text = " ".join(Outline(page(samples_against.hold(), tmp_path)).text.split())
    assert "Waived until 2027-01-31 by R. Okafor: the larger graph is needed" in text
    assert "Waiver expired on 2026-09-30 by M. Lindqvist: typing was noisy" in text


def test_pictures_of_both_models_stand_side_by_side(tmp_path: Path) -> None:
    html = page(samples_against.promote(), tmp_path)
    pairs = [part.split("</div>")[0] for part in html.split('<div class="pair">')[1:]]
    drawn = [re.findall(r'<svg class="chart[^>]* aria-labelledby="([\w-]+)"', p) for p in pairs]
    assert drawn == [
        ["matrix-candidate", "matrix-champion"],
        ["reliable-candidate", "reliable-champion"],
    ]
    assert re.search(r"\.pair \{[^}]*display: grid", STYLE.read_text(encoding="utf-8"))


def test_uses_of_the_test_split_stand_on_the_page(tmp_path: Path) -> None:
    verdict = samples_against.promote()
    for uses, told in ((1, "judge for the first time"), (7, "have judged 7 candidates")):
        text = Outline(page(verdict | {"test_uses": uses}, tmp_path)).text
        assert f"These test examples {told}." in text
        assert f"has judged {uses} candidate" in markdown(verdict | {"test_uses": uses})


def test_page_is_made_for_phones_print_and_the_dark(tmp_path: Path) -> None:
    html = page(samples_against.hold(), tmp_path)
    names = {tag.get("name"): tag.get("content") for tag in Outline(html).all("meta")}
    assert "width=device-width" in (names["viewport"] or "")
    assert names["color-scheme"] == "light dark"
    for asked in ("(max-width: 44rem)", "print", "(prefers-color-scheme: dark)"):
        rules = re.search(rf"@media [\w ]*{re.escape(asked)} \{{\s*[.:\w]", html)
        assert rules, asked


def test_state_is_told_by_word_and_shape_not_by_colour_alone(tmp_path: Path) -> None:
    html = page(samples_against.hold(), tmp_path)
    shapes = {}
    for word in ("holds", "broken", "open", "waived", "informs"):
        found = re.search(rf'<span class="state {word}">(<svg.*?</svg>)\s*{word}</span>', html)
        assert found is not None, word
        shapes[word] = found.group(1)
    assert len(set(shapes.values())) == 5


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_colours_of_texts_reach_contrast_aa_on_every_ground(scheme: str) -> None:
    css = STYLE.read_text(encoding="utf-8")
    light, dark = (dict(re.findall(r"--([\w-]+): (#\w+);", part)) for part in _palettes(css))
    colours = light if scheme == "light" else light | dark
    grounds = {
        **dict.fromkeys(("ink", "soft", "gold", "good", "bad", "open"), ("paper", "card")),
        "their": ("paper", "card"),
    }
    pairs = [(text, ground) for text, under in grounds.items() for ground in under]
    pairs += [("good", "good-soft"), ("bad", "bad-soft"), ("open", "open-soft"), ("ink", "mark")]
    pairs += [("ink", "gold-soft")]
    for text, ground in pairs:
        assert _contrast(colours[text], colours[ground]) >= 4.5, (text, ground)


def test_verdicts_of_the_gate_itself_are_rendered_whole(
    verdicts: dict[str, dict[str, Any]], tmp_path: Path
) -> None:
    for word, verdict in verdicts.items():
        outline = Outline(page(verdict, tmp_path))
        assert outline.open == []
        assert verdict["sentence"] in outline.text
        text = markdown(verdict)
        assert word.capitalize() in text.splitlines()[0]
        for rule in verdict["rules"]:
            assert rule["title"][1:] in outline.text
        for part in ("Slices", "Robustness", "Confusion", "Calibration", "Scores", "From torch"):
            assert part in outline.text


@pytest.mark.parametrize("gone", ["parity", "calibration", "confusion", "latency", "difference"])
def test_page_without_a_part_leaves_it_out(gone: str, tmp_path: Path) -> None:
    verdict = samples_against.promote()
    whole = page(verdict, tmp_path)
    del verdict[gone]
    assert len(page(verdict, tmp_path)) < len(whole)


def test_figures_that_are_not_known_leave_a_dash_not_a_failure(tmp_path: Path) -> None:
    verdict = samples_against.hold()
    verdict["scores"]["candidate"]["accuracy"] = {"estimate": None, "low": None, "high": None}
    verdict["slices"][0] |= {"candidate": None, "estimate": None, "low": None, "high": None}
    verdict["rules"][2] |= {"figure": None, "interval": None}
    verdict["robustness"][0] |= {"survived": None, "low": None, "high": None}
    verdict["power"][0]["held"] = None
    verdict["calibration"]["candidate"] |= {"error": None, "low": None, "high": None}
    assert Outline(page(verdict, tmp_path)).open == []


def test_report_is_written_twice_the_same_and_its_digests_are_the_files(tmp_path: Path) -> None:
    paths = tmp_path / "gate.html", tmp_path / "gate.md"
    first = write_report(samples_against.promote(), *paths)
    assert first == write_report(samples_against.promote(), *paths)
    assert first == {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in paths}


def _palettes(css: str) -> tuple[str, str]:
    start = css.index("prefers-color-scheme: dark")
    return css[:start], css[start : css.index("* { box-sizing")]


def _contrast(one: str, other: str) -> float:
    """Return the ratio of WCAG 2, 1.4.3."""
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: str) -> float:
    short = colour[1:]
    pairs = [c * 2 for c in short] if len(short) == 3 else re.findall("..", short)
    parts = [int(pair, 16) / 255 for pair in pairs]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return sum(weight * p for weight, p in zip((0.2126, 0.7152, 0.0722), linear, strict=True))
