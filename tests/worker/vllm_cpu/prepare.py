"""Makes an environment with vLLM for processors usable: run by its own Python, once."""

from __future__ import annotations

import shutil
import sysconfig
from pathlib import Path


def main() -> None:
    """Raises OSError where the environment cannot be written."""
    packages = Path(sysconfig.get_paths()["purelib"])
    shutil.copy(Path(__file__).with_name("torchvision_ops.py"), packages / "bocr_torchvision_ops.py")
    (packages / "bocr_torchvision_ops.pth").write_text("import bocr_torchvision_ops\n")


if __name__ == "__main__":
    main()
