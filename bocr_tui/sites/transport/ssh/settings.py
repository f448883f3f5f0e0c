"""What ~/.ssh/config says of a host, and what bocr.toml says over it."""

from __future__ import annotations

import getpass
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncssh

from bocr_tui.sites.transport.base import NeedsPerson
from bocr_tui.sites.transport.ssh.words import plain_words

FOLDER_VARIABLE = "BOCR_SSH_FOLDER"
"""Names another folder than ~/.ssh, for tests and for keeping identities apart."""

GLOBAL_KNOWN_HOSTS = ("/etc/ssh/ssh_known_hosts", "/etc/ssh/ssh_known_hosts2")
IDENTITY_NAMES = ("id_ed25519", "id_ecdsa", "id_rsa", "id_ed25519_sk", "id_ecdsa_sk")
MAX_JUMPS = 8


@dataclass(frozen=True)
class Target:
    """A host as it is named: `user` empty and `port` 0 where nothing is said."""

    host: str
    user: str = ""
    port: int = 0


@dataclass(frozen=True)
class HostSettings:
    """A host as it will be reached. `name` is what it is called by the person."""

    name: str
    host: str
    port: int
    user: str
    alias: str
    """HostKeyAlias: its name in known_hosts, empty where it has none."""
    config: tuple[str, ...]
    known_hosts: tuple[Path, ...]
    """The first one is written to."""
    jumps: tuple[Target, ...]
    proxy_command: str
    identities: tuple[Path, ...]
    certificates: tuple[Path, ...]
    identities_only: bool
    agent: str
    """The agent's socket; empty: none."""
    ciphers_chosen: bool
    host_key_kinds_chosen: bool


def ssh_folder() -> Path:
    """~/.ssh, or what BOCR_SSH_FOLDER names."""
    named = os.environ.get(FOLDER_VARIABLE)
    return Path(named) if named else Path("~/.ssh").expanduser()


def parse_target(text: str) -> Target:
    """`[user@]host[:port]`, with an IPv6 address in brackets where a port follows. Raises ValueError."""
    text = text.strip().removeprefix("ssh://").rstrip("/")
    user, _, host = text.rpartition("@")
    if host.startswith("["):
        host, _, rest = host[1:].partition("]")
        port = rest.removeprefix(":")
    elif host.count(":") == 1:
        host, _, port = host.partition(":")
    else:
        port = ""
    if not host:
        raise ValueError(f"{text!r} names no host")
    return Target(host, user, int(port or 0))


def read_settings(target: Target, folder: Path) -> HostSettings:
    """Blocks (Match exec runs commands). Raises NeedsPerson for a configuration that cannot be used."""
    config = folder / "config"
    files = (str(config),) if os.access(config, os.R_OK) else ()
    try:
        options = _load(target, files)
        return _settings(target, options, files, folder)
    except (asyncssh.Error, ValueError, OSError) as error:
        raise NeedsPerson(
            f"{config} cannot be used for {target.host}: {plain_words(str(error))}.",
            f"Mend it; `ssh -F {config} {target.host}` should work.",
        ) from error


def _load(target: Target, files: tuple[str, ...]) -> asyncssh.SSHClientConnectionOptions:
    # No keys here: they are found by identities.py.
    options = asyncssh.SSHClientConnectionOptions(
        host=target.host,
        username=target.user or (),
        port=target.port or (),
        config=list(files),
        client_keys=None,
        client_certs=[],
        agent_path=None,
        agent_identities=None,
        x509_trusted_certs=None,
        x509_trusted_cert_paths=[],
    )
    if options.config.has_match_final():
        options.update(host=options.host, reload=True, canonical=False, final=True)
    return options


def _settings(
    target: Target, options: asyncssh.SSHClientConnectionOptions, files: tuple[str, ...], folder: Path
) -> HostSettings:
    config = options.config
    tokens = {
        "%": "%",
        "d": os.path.expanduser("~"),  # noqa: PTH111 - a text among texts
        "h": options.host,
        "n": target.host,
        "p": str(options.port),
        "r": options.username,
        "u": getpass.getuser(),
    }
    return HostSettings(
        name=target.host,
        host=options.host,
        port=options.port,
        user=options.username,
        alias=_text(config.get("HostKeyAlias")),
        config=files,
        known_hosts=_known_hosts(config, tokens, folder),
        jumps=_jumps(config.get("ProxyJump")),
        proxy_command=_text(config.get("ProxyCommand")),
        identities=_identities(config, folder),
        certificates=_certificates(config),
        identities_only=bool(config.get("IdentitiesOnly")),
        agent=_agent(config.get("IdentityAgent", "SSH_AUTH_SOCK")),
        ciphers_chosen=config.get("Ciphers") is not None,
        host_key_kinds_chosen=config.get("HostKeyAlgorithms") is not None,
    )


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _known_hosts(config: Any, tokens: dict[str, str], folder: Path) -> tuple[Path, ...]:
    """The user's files, then the system's. Raises ValueError where the check is switched off."""
    named = config.get("UserKnownHostsFile")
    if named is None:
        named = [str(folder / "known_hosts"), str(folder / "known_hosts2")]
    paths = [Path(_expand(name, tokens)).expanduser() for name in named]
    if not paths or Path(os.devnull) in paths:
        raise ValueError("UserKnownHostsFile none means that any host is believed; bocr does not do that")
    everywhere = config.get("GlobalKnownHostsFile", GLOBAL_KNOWN_HOSTS)
    return (*paths, *(Path(_expand(name, tokens)) for name in everywhere))


def _expand(text: str, tokens: dict[str, str]) -> str:
    parts = text.split("%")
    done = parts[0]
    rest = iter(parts[1:])
    for part in rest:
        if not part:  # "%%"
            done += "%" + next(rest, "")
        elif part[0] in tokens:
            done += tokens[part[0]] + part[1:]
        else:
            raise ValueError(f"%{part[0]} in {text} is not known here")
    return done


def _jumps(value: object) -> tuple[Target, ...]:
    return tuple(parse_target(part) for part in _text(value).split(",") if part.strip())


def _identities(config: Any, folder: Path) -> tuple[Path, ...]:
    named = config.get("IdentityFile")
    if named is None:
        return tuple(folder / name for name in IDENTITY_NAMES)
    return tuple(Path(path).expanduser() for path in named)


def _certificates(config: Any) -> tuple[Path, ...]:
    return tuple(Path(path).expanduser() for path in config.get("CertificateFile", ()))


def _agent(value: object) -> str:
    """IdentityAgent: a path, the name of a variable, or none."""
    text = _text(value)
    if text.startswith("$"):
        return os.environ.get(text[1:].strip("{}"), "")
    if text == "SSH_AUTH_SOCK":
        return os.environ.get(text, "")
    return str(Path(text).expanduser()) if text else ""
