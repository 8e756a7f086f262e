from __future__ import annotations

import pytest

from components.edits.sentences import sentences


def parts(text: str) -> list[str]:
    return [text[start:end] for start, end in sentences(text)]


@pytest.mark.parametrize(
    "listed",
    [
        ["It is here.", "It was there!", "Is it?", "Yes."],
        ["He said \"no.\"", "She left."],
        ["Dr. Smith met J. R. Tolkien of St. Louis, U.S. Army.", "Then he left."],
        ["It weighs 3.5 kg.", "In 1999 it was less."],
        ["See fig. 3 of it.", "Or not."],
        ["It took (about. About what? It is not said) a day.", "Well."],
        ['He said "It is. It was." and left.', "Well."],
        ["They came from Washington, D.C. The end was near.", "So it was."],
        ["An e.g. here and etc. There it ends.", "Yes."],
        ["no capitals. none at all. one sentence"],
        ["Être. ou non.", "Être?"],
        ["(Both.)", "“Quoted.”", "[3]"],
        ["No mark at the end", ],
        [],
    ],
)  # fmt: skip
def test_sentences_end_where_there_is_no_doubt(listed: list[str]) -> None:
    text = " ".join(listed)
    assert parts(text) == listed


def test_lines_and_marks_without_space_end_sentences() -> None:
    assert parts("One line\nanother. \n\n third\n") == ["One line", "another.", "third"]
    assert parts("你好。再见。") == ["你好。", "再见。"]


@pytest.mark.parametrize("text", ["", " ", "\n", ".", "...", "a", ". A", "A.  B. ", "。", "(", '"'])
def test_all_but_space_lies_in_some_sentence_in_order(text: str) -> None:
    found = sentences(text)
    assert "".join("".join(parts(text)).split()) == "".join(text.split())
    flat = [place for pair in found for place in pair]
    assert flat == sorted(flat)
    assert all(text[start:end] == text[start:end].strip() != "" for start, end in found)
