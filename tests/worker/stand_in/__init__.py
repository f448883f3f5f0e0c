"""A stand-in for a vision-language server: vLLM's doors, its queue and slots, and faults at will.

It reads nothing. What it answers is made from the hash of what it was asked, so that a test can tell pages
apart and a benchmark gets the same work twice. Standard library only.

In process: `async with StandIn(Settings(...)) as server: server.url`. As a process: `child.started(...)`, or
by hand `python -m tests.worker.stand_in --port 8000 --slots 64 --service 5-30`.
"""

from tests.worker.stand_in.faults import Fault, FaultPlan
from tests.worker.stand_in.server import Seen, StandIn
from tests.worker.stand_in.settings import Settings

__all__ = ["Fault", "FaultPlan", "Seen", "Settings", "StandIn"]
