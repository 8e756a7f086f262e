"""In: a bundle folder and examples. Out: answers, the same from torch and from an ONNX graph."""

from components.inference.bundle import Bundle, BundleCard, load_bundle, seal
from components.inference.predictor import Predictor, load_predictor

__all__ = ["Bundle", "BundleCard", "Predictor", "load_bundle", "load_predictor", "seal"]
