"""What the panel and the worker say to each other: files on the site, each validated on both ends.

`lines` frames a journal line, `manifest` is the order, `events` and `results` are the answer, `exit_report`
is the last word. Standard library only, Python 3.10 and later; the panel imports this package too.
"""

PROTOCOL_VERSION = 1
"""Raised when a reader of the older version would misunderstand a file. Unknown event kinds and unknown
keys do not raise it: readers keep or ignore what they do not know."""
