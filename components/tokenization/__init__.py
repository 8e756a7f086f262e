"""In: examples and the encoder's tokenizer. Out: flat token arrays that every trial maps."""

from components.tokenization.tokenize import tokenize

__all__ = ["tokenize"]
