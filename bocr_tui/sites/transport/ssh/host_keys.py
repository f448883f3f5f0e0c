"""Whether a host is the one it should be: its key against the known_hosts files."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import asyncssh

DEFAULT_PORT = 22


@dataclass(frozen=True)
class KnownKey:
    """A key that a line of a known_hosts file gives a host."""

    path: Path
    line_number: int
    key: asyncssh.SSHKey


class KnownHosts:
    """The known_hosts files that concern one host, read line by line, so that a line that does not read
    well hides no other. Blocks; `names` are those that the host may be known by, the exact one first."""

    def __init__(self, files: tuple[Path, ...], names: tuple[str, ...]) -> None:
        self.files, self.names = files, names
        self.keys: list[KnownKey] = []
        """For the exact name."""
        self.loosely: list[asyncssh.SSHKey] = []
        """For the host on any port: good enough to believe, not to call another key a changed one."""
        self.authorities: list[asyncssh.SSHKey] = []
        self.revoked: list[asyncssh.SSHKey] = []
        for path in files:
            self._read(path)

    def _read(self, path: Path) -> None:
        try:
            lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:
            return
        for number, line in enumerate(lines, 1):
            try:
                known = asyncssh.import_known_hosts(line)
                found = [known.match(name, "", None) for name in self.names]
            except ValueError:
                continue
            self.keys += [KnownKey(path, number, key) for key in found[0][0]]
            self.loosely += [key for one in found[1:] for key in one[0]]
            self.authorities += [key for one in found for key in one[1]]
            self.revoked += [key for one in found for key in one[2]]

    def match(
        self, host: str, address: str, port: int | None
    ) -> tuple[list[asyncssh.SSHKey], list[asyncssh.SSHKey], list[asyncssh.SSHKey]]:
        """As asyncssh asks for them: keys of the host, of authorities, revoked ones."""
        del host, address, port  # the names to look for are settled; an address proves nothing about a name
        return [known.key for known in self.keys], self.authorities, self.revoked


def known_names(host: str, port: int, alias: str) -> tuple[str, ...]:
    """The names a host is looked up by in known_hosts, the exact one first, as OpenSSH does it."""
    if alias:
        return (alias,)
    if port == DEFAULT_PORT:
        return (host,)
    return (f"[{host}]:{port}", host)


def fingerprint(key: asyncssh.SSHKey) -> str:
    """Such as `SHA256:…`, as ssh-keygen shows it."""
    return key.get_fingerprint("sha256")


def remember(path: Path, name: str, key: asyncssh.SSHKey) -> None:
    """Append a host's key to a known_hosts file that only its owner can write. Blocks. Raises OSError."""
    if not path.parent.exists():
        path.parent.mkdir(parents=True, mode=0o700)
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
    with os.fdopen(handle, "r+b") as stream:
        size = stream.seek(0, os.SEEK_END)
        last = b"\n"
        if size:
            stream.seek(size - 1)
            last = stream.read(1)
        words = key.export_public_key("openssh").split()[:2]
        line = b"%s %s\n" % (name.encode(), b" ".join(words))
        stream.write(line if last == b"\n" else b"\n" + line)
        stream.flush()
        os.fsync(stream.fileno())
