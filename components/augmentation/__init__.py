"""In: valid examples. Out: training rows plus altered copies, and untouched held-out rows."""

from components.augmentation.augment import augment

__all__ = ["augment"]
