"""The runtime for models behind an OpenAI-compatible server, spawned for the job or there already."""
