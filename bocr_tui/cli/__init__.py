"""The headless face: `bocr COMMAND`, a twin of everything the screens can do.

`main` is the entry point, `app` the commands' tree, `commands` one file each. Nothing heavy is imported
before a command runs.
"""
