"""What the first frame needs, and what it must not wait for."""

from __future__ import annotations

import subprocess
import sys

HEAVY = (
    "sqlmodel", "sqlalchemy", "pydantic", "alembic", "numpy", "PIL", "asyncssh", "rapidocr", "onnxruntime",
    "pypdfium2", "typer", "jinja2",
)  # fmt: skip


def test_the_panel_is_imported_without_anything_heavy() -> None:
    program = (
        f"import sys; import bocr_tui.ui.app; print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
