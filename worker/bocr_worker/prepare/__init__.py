"""Preparation steps: what may be done to a page's image before an engine sees it."""
