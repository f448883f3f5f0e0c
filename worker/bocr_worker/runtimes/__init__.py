"""How an engine runs. `local` asks a library in killable child processes."""
