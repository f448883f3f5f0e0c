"""What PBS's exit statuses mean: the client's own for the small ones, else its error number modulo 256.

Which number is which is in OpenPBS's pbs_error.h; that they arrive as they stand here was recorded.
"""

OK, REFUSED, LATER, UNCLEAR, UNKNOWN, FINISHED, NOT_NOW = (
    "ok",
    "refused",
    "later",
    "unclear",
    "unknown",
    "finished",
    "not_now",
)
"""ok: done. refused: certainly not done, and never will be as asked. later: certainly not done, and may be
asked again. unclear: nothing is known. unknown, finished: the job is. not_now: the job's state does not allow
it."""

NO_HISTORY = b"not configured to maintain job history"
"""A server that keeps no history answers a question about it so, with status 0."""

_QSUB = {
    0: OK,
    # The client's own: script, options, or an answer it understood.
    1: REFUSED,
    2: REFUSED,
    127: REFUSED,
    # The server's, while it looked at what was asked for.
    3: REFUSED,  # an array too large
    4: REFUSED,  # a resource that cannot be in a select
    5: REFUSED,  # a resource that cannot be a job's
    6: REFUSED,  # select and nodes together
    7: REFUSED,  # place without select
    32: REFUSED,  # a submission hook of the site said no
    69: REFUSED,  # name too long
    71: REFUSED,  # script too large
    159: REFUSED,  # not permitted
    165: REFUSED,
    166: REFUSED,  # a bad value
    170: REFUSED,  # no such queue
    173: REFUSED,  # queue disabled
    174: REFUSED,  # no access to the queue
    175: REFUSED,  # no such user there
    187: REFUSED,  # no such resource
    188: REFUSED,  # over the queue's limits
    189: REFUSED,  # no queue named and no default
    191: REFUSED,  # no destination of a routing queue takes it
    197: REFUSED,  # bad group
    201: REFUSED,  # bad account
    206: REFUSED,  # bad dependency
    38: LATER,  # a limit on the number of jobs
    39: LATER,  # a limit on what they take together
    198: LATER,  # the queue is full
}

_JOB = {
    0: OK,
    35: FINISHED,
    153: UNKNOWN,
    159: REFUSED,
    166: REFUSED,
    167: NOT_NOW,
    168: NOT_NOW,
    1: REFUSED,
    2: REFUSED,
}

_QSTAT = {0: OK, 35: FINISHED, 153: UNKNOWN, 159: REFUSED, 1: REFUSED, 2: REFUSED, 170: REFUSED}

_TABLES = {"qsub": _QSUB, "qstat": _QSTAT}


def meaning(command: str, status: object) -> str:
    """Of an exit status of `command`; None is one that never came. What is in no table is unclear."""
    if not isinstance(status, int):
        return UNCLEAR
    return _TABLES.get(command, _JOB).get(status, UNCLEAR)
