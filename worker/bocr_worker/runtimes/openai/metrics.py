"""How busy a server says it is."""

from __future__ import annotations

from dataclasses import dataclass

_NAMES = {
    "running": ("vllm:num_requests_running", "sglang:num_running_reqs", "llamacpp:requests_processing"),
    "waiting": ("vllm:num_requests_waiting", "sglang:num_queue_reqs", "llamacpp:requests_deferred"),
    "tokens": (
        "vllm:generation_tokens_total",
        "sglang:generation_tokens_total",
        "llamacpp:tokens_predicted_total",
    ),
    "preemptions": ("vllm:num_preemptions_total",),
}
_WANTED = {name: figure for figure, names in _NAMES.items() for name in names}


@dataclass(frozen=True)
class Load:
    """Requests being served and in line; tokens written and requests put back for want of memory, since the
    server began."""

    running: int
    waiting: int
    tokens: float | None = None
    preemptions: float = 0.0


def read_load(page: str) -> Load | None:
    """From a /metrics page in Prometheus's text form; figures of several engines are added up. None where it
    says nothing of what is running and waiting."""
    sums: dict[str, float] = {}
    for line in page.splitlines():
        figure = _WANTED.get(line.partition("{")[0].partition(" ")[0])
        if figure is None:
            continue
        try:
            value = float(line.rpartition(" ")[2])
        except ValueError:
            continue
        if 0 <= value < 1e15:
            sums[figure] = sums.get(figure, 0.0) + value
    if "running" not in sums or "waiting" not in sums:
        return None
    return Load(int(sums["running"]), int(sums["waiting"]), sums.get("tokens"), sums.get("preemptions", 0.0))
