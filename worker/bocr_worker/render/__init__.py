"""Pages become images here, in child processes that can be killed."""
