"""One file a command (a few small relatives share one). `bocr_tui.cli.app` registers them."""
