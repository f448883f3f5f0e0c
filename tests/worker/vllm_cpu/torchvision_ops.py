"""Two operators that a torchvision built for a GPU misses beside a torch built without one.

Written into an environment's site-packages by `python -m tests.worker.vllm_cpu.prepare`, and imported by each
of its processes at their start: images are read with Pillow there, so that nobody ever calls the operators,
but torchvision does not load without them.
"""

import importlib.abc
import sys


class _BeforeTorchvision(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):  # type: ignore[no-untyped-def]
        if name == "torchvision":
            sys.meta_path.remove(self)
            import torch

            operators = torch.library.Library("torchvision", "DEF")
            for operator in ("nms", "qnms"):
                operators.define(f"{operator}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
            sys.bocr_torchvision_operators = operators


sys.meta_path.insert(0, _BeforeTorchvision())
