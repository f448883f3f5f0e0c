"""What a person can do: one registry that keys, footer, palette, help, CLI and docs are made from.

The screens' first frame imports it, so nothing here loads the catalog's libraries before an action runs.
"""
