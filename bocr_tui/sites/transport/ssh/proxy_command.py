"""A ProxyCommand of ~/.ssh/config: a program whose input and output are the way to the host."""

from __future__ import annotations

import os
import socket
import subprocess


class ProxyCommand:
    """Runs as long as its socket is open. What it says on stderr belongs on no screen and is dropped."""

    def __init__(self, command: str) -> None:
        """Blocks for the start of a shell. Raises OSError."""
        self.socket, theirs = socket.socketpair()
        shell = os.environ.get("SHELL") or "/bin/sh"
        try:
            # The command is the person's own, and written for a shell.
            self._process = subprocess.Popen(
                [shell, "-c", f"exec {command}"],
                stdin=theirs.fileno(),
                stdout=theirs.fileno(),
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        except OSError:
            self.socket.close()
            raise
        finally:
            theirs.close()

    def close(self) -> None:
        """End it, and wait for it in the background of the next call at most."""
        self.socket.close()
        if self._process.poll() is None:
            self._process.terminate()
        try:
            self._process.wait(0.2)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
