"""Is this page read? Pure functions from a page's image facts and an engine's answer to a verdict."""
