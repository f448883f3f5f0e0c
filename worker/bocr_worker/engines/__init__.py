"""The engines: one file each. `registry` finds them."""
