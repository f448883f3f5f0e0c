"""Uploaded documents on a site: whether they are still there."""

import os
import re
import stat
from typing import Dict, List

_NAME = re.compile(r"documents/[0-9a-f]{2}/[0-9a-f]{64}(\.[a-z0-9]{1,8})?\Z")


def is_document_name(name: str) -> bool:
    """`documents/<aa>/<sha256>.<ext>`, the two letters being the first of the hash."""
    return bool(_NAME.match(name)) and name[10:12] == name[13:15]


def have_documents(root: str, sizes: Dict[str, int]) -> List[str]:
    """Which of these documents (name: bytes) are there whole. They got their names after they were
    verified, so a regular file of the right size is one; scratch file systems purge files, they do not
    change them."""
    return [name for name, size in sizes.items() if is_document_name(name) and _is_there(root, name, size)]


def _is_there(root: str, name: str, size: int) -> bool:
    try:
        info = os.lstat(os.path.join(root, name))
    except OSError:
        return False
    return stat.S_ISREG(info.st_mode) and info.st_size == size
