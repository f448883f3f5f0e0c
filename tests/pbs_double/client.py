"""What every command of the double runs: it hands its call to the server and shows the answer.

Started with -I -S and importing next to nothing, because the tests start it thousands of times. What it
answers without a server is in offline.py.
"""

import _socket
import marshal
import os
import sys

DOWN, STDIN, ANSWER = 0, 1, 2
CUT = 15031 % 256
"""The server died in the middle of the answer."""
WHATEVER = object


def _send(door: _socket.socket, value: WHATEVER) -> None:
    raw = marshal.dumps(value)  # type: ignore[arg-type]
    door.sendall(len(raw).to_bytes(4, "big") + raw)


def _exactly(door: _socket.socket, size: int) -> bytes:
    parts = []
    while size:
        part = door.recv(min(size, 1 << 20))
        if not part:
            raise OSError("cut")
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def _receive(door: _socket.socket) -> list:  # type: ignore[type-arg]
    return list(marshal.loads(_exactly(door, int.from_bytes(_exactly(door, 4), "big"))))


def _connected(folder: bytes) -> _socket.socket | None:
    """None when no server is there."""
    door = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
    try:
        number = os.open(folder, os.O_RDONLY)
        door.connect(b"/proc/self/fd/%d/server" % number)
        os.close(number)
    except OSError:
        return None
    return door


def _ask(folder: bytes, call: tuple) -> list | None:  # type: ignore[type-arg]
    """Status, output, errors and a signal to die of; None when no server answers."""
    door = _connected(folder)
    if door is None:
        return None
    try:
        _send(door, call)
        while True:
            kind, *words = _receive(door)
            if kind != STDIN:
                return words if kind == ANSWER else None
            with open(0, "rb", closefd=False) as stream:
                _send(door, stream.read())
    except OSError:
        return [CUT, b"", b"%s: Communication failure.\n" % os.fsencode(call[0]), 0]


def _show(number: int, raw: bytes) -> None:
    rest = raw
    while rest:
        rest = rest[os.write(number, rest) :]


def main() -> None:
    folder, command = os.fsencode(sys.argv[1]), sys.argv[2]
    try:
        cwd = os.getcwdb()  # noqa: PTH109 - pathlib costs as much as all the rest
    except OSError:
        cwd = b"/"
    call = (command, [os.fsencode(word) for word in sys.argv[3:]], cwd, dict(os.environb), os.getuid())
    conf = call[3].get(b"PBS_CONF_FILE")
    answer = _ask(folder, call) if conf in (None, folder + b"/pbs.conf") else None
    if answer is None:
        sys.path.insert(0, __file__.rsplit("/", 3)[0])
        from tests.pbs_double import offline

        answer = list(offline.answer(os.fsdecode(folder), call))
    status, out, err, die = answer
    _show(1, out)
    _show(2, err)
    if die:
        os.kill(os.getpid(), die)
    os._exit(status)


main()
