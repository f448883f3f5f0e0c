"""The transport over SSH: one connection, few commands, framed answers, bytes everywhere."""
