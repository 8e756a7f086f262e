"""In: the rows that passed. Out: what is suspicious about them, as a page, figures and rules."""

from components.survey.page import write_page
from components.survey.rules import broken
from components.survey.survey import survey

__all__ = ["broken", "survey", "write_page"]
