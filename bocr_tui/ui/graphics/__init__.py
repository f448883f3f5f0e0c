"""Images as pixels, for terminals that draw them: encoded in threads, written with their frame."""
