"""The worker: runs on the site, one job at a time, with the standard library alone at import.

It reads a manifest, renders pages, asks an engine, judges what came back, and writes a journal and
results that the panel ingests. Anything heavy (pypdfium2, numpy, an engine's own library) is imported by
the child process that needs it, never here.
"""

__version__ = "0.1.0"
