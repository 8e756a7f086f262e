"""In: nothing. Out: all that a training imports, so that one forked from here waits for none of it.

Importing starts no thread: a thread would be missing in what is forked.
"""

import accelerate.state
import torch.utils.deterministic
import transformers.modeling_utils
import transformers.models.auto.modeling_auto

import components.training

__all__ = ["accelerate", "components", "torch", "transformers"]
