"""Whether a site can do its work: small checks, each of which answers in words whatever it finds."""
