"""Numbers for people: what `run`, `status`, `watch` and `demo` end with."""
