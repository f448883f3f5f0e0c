"""Faults at random moments: the link, the panel, the wrapper and the server, one or several a trial.

`python -m tests.chaos --trials 1000` runs many; the suite runs a few with a fixed seed. A trial is one
small campaign over a real sshd (where there is one) and the PBS double, with real worker processes, and ends
with the verdict: nothing done twice, nothing lost, every event counted once.
"""
