"""Invented gazette pages in French and Arabic, with the exact text that stands on them.

No page is copied from anywhere: the decrees are made from a seeded grammar (`french`, `arabic`), set in two
columns (`setting`), and, for scans, drawn and spoilt as a scanner would (`scanning`). The same seed, fonts
and library versions give the same pages. Needs the extra `samples`.
"""
