"""Keys to log in with: the agent's, those in files, and encrypted ones that are opened when needed."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import asyncssh

from bocr_tui.sites.asking import Prompt, QuestionKind
from bocr_tui.sites.transport.ssh.questions import Questions
from bocr_tui.sites.transport.ssh.settings import HostSettings

TRIES = 3
"""Passphrases that are asked for one key, as ssh does it."""


@dataclass
class Opened:
    """Encrypted keys that a person opened, kept in memory as long as the site is open."""

    keys: dict[Path, asyncssh.SSHKey] = field(default_factory=dict)


class EncryptedKey(asyncssh.SSHKeyPair):
    """A key whose passphrase is asked for only once the host has said that it would take the key."""

    def __init__(
        self,
        path: Path,
        public: asyncssh.SSHKey,
        certificate: asyncssh.SSHCertificate | None,
        opened: Opened,
        questions: Questions,
    ) -> None:
        super().__init__(
            public.algorithm,
            public.algorithm,
            public.sig_algorithms,
            public.sig_algorithms,
            public.public_data,
            None,
            certificate,
        )
        self._path, self._opened, self._questions = path, opened, questions

    async def sign_async(self, data: bytes) -> bytes:
        """Raises ValueError when nobody gives the passphrase; the next key is tried then."""
        key = await open_key(self._path, self._opened, self._questions)
        if key is None:
            raise ValueError("no passphrase")
        return await asyncio.to_thread(key.sign, data, self.sig_algorithm)


async def open_key(path: Path, opened: Opened, questions: Questions) -> asyncssh.SSHKey | None:
    """The private key in an encrypted file; None when nobody knows its passphrase."""
    if path in opened.keys:
        return opened.keys[path]
    text = ""
    for _ in range(TRIES):
        prompt = Prompt(f"Passphrase for {path}")
        answers = await questions.ask(QuestionKind.PASSPHRASE, "An encrypted key", text, (prompt,))
        if answers is None:
            return None
        try:
            opened.keys[path] = await asyncio.to_thread(asyncssh.read_private_key, path, answers[0])
        except (ValueError, OSError):
            text = "That passphrase does not open it."
        else:
            return opened.keys[path]
    return None


class Identities:
    """The keys for one host, in the order in which they are offered."""

    def __init__(self, settings: HostSettings, opened: Opened, questions: Questions) -> None:
        self._settings, self._opened, self._questions = settings, opened, questions
        self._agent: asyncssh.SSHAgentClient | None = None

    async def pairs(self) -> list[asyncssh.SSHKeyPair]:
        """Those of the agent first, files that ask for a passphrase last."""
        plain, encrypted = await asyncio.to_thread(self._read_files)
        agent = await self._agent_pairs()
        held = {pair.public_data for pair in agent}
        return agent + [pair for pair in (*plain, *encrypted) if pair.public_data not in held]

    def close(self) -> None:
        """The connection is made: the agent is needed no more."""
        if self._agent is not None:
            self._agent.close()
            self._agent = None

    async def _agent_pairs(self) -> list[asyncssh.SSHKeyPair]:
        if not self._settings.agent:
            return []
        try:
            self._agent = await asyncssh.connect_agent(self._settings.agent)
            pairs = list(await self._agent.get_keys())
        except (OSError, ValueError, asyncssh.Error):
            return []
        wanted = await asyncio.to_thread(self._public_data)
        if self._settings.identities_only:
            return [pair for pair in pairs if pair.public_data in wanted]
        return sorted(pairs, key=lambda pair: pair.public_data not in wanted)

    def _public_data(self) -> set[bytes]:
        """What the identity files say of their public halves. Blocks."""
        found: set[bytes] = set()
        for path in self._settings.identities:
            public = read_public(path)
            if public is not None:
                found.add(public.public_data)
            found.update(one.public_data for one in _certificates(path, self._settings.certificates))
        return found

    def _read_files(self) -> tuple[list[asyncssh.SSHKeyPair], list[asyncssh.SSHKeyPair]]:
        plain: list[asyncssh.SSHKeyPair] = []
        encrypted: list[asyncssh.SSHKeyPair] = []
        for path in _readable(self._settings.identities):
            pairs = _load(path, _readable(self._settings.certificates))
            if pairs is None:
                encrypted += self._encrypted(path)
            else:
                plain += pairs
        return plain, encrypted

    def _encrypted(self, path: Path) -> list[asyncssh.SSHKeyPair]:
        public = read_public(path)
        if public is None or not _is_private(path):
            return []
        certificates = [
            one
            for one in _certificates(path, self._settings.certificates)
            if one.key.public_data == public.public_data
        ]
        return [
            EncryptedKey(path, public, certificate, self._opened, self._questions)
            for certificate in (*certificates, None)
        ]


def read_public(path: Path) -> asyncssh.SSHKey | None:
    """The public half of a key file, which even an encrypted one shows in OpenSSH's format. Blocks."""
    for candidate in _readable((path.with_name(path.name + ".pub"), path)):
        with contextlib.suppress(OSError, ValueError):
            return asyncssh.read_public_key(candidate)
    return None


def _load(path: Path, certificates: list[Path]) -> Sequence[asyncssh.SSHKeyPair] | None:
    """None for a file that is encrypted, or no private key at all."""
    try:
        return asyncssh.load_keypairs([path], certlist=certificates)
    except ValueError:
        return None
    except OSError:
        return []


def _is_private(path: Path) -> bool:
    try:
        return b"PRIVATE KEY-----" in path.read_bytes()[:4096]
    except OSError:
        return False


def _certificates(path: Path, more: Sequence[Path]) -> list[asyncssh.SSHCertificate]:
    found = []
    for candidate in _readable([path.with_name(path.name + "-cert.pub"), *more]):
        with contextlib.suppress(OSError, ValueError):
            found.append(asyncssh.read_certificate(candidate))
    return found


def _readable(paths: Sequence[Path]) -> list[Path]:
    return [path for path in paths if path.is_file()]
