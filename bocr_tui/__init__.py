"""bocr: a keyboard-driven control panel for OCR at archive scale, and its headless core."""

__version__ = "0.1.0"
