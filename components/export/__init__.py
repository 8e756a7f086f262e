"""In: a trained bundle and example texts. Out: the same model as ONNX bundles, fp32 and int8."""

from components.export.export import export

__all__ = ["export"]
