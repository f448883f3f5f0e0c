"""vLLM in a process of our own, for models that its server of that version cannot load."""
