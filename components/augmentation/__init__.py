"""In: valid examples. Out: training rows plus altered copies, and untouched held-out rows."""

from components.augmentation.augment import augment
from components.augmentation.ways import Models

__all__ = ["Models", "augment"]
