"""Models of the real architectures, a million times too small, with random weights: made in a moment.

They show that a runtime's path works, from an image to tokens with probabilities; what they write is noise
and says nothing of any model's quality. Needs torch and transformers.
"""

from tests.worker.tiny_models.making import ARCHITECTURES, is_known, make_tiny

__all__ = ["ARCHITECTURES", "is_known", "make_tiny"]
