"""What a GPU is to do many times: recorded once, as a CUDA graph, and then replayed.

A step of the decoder is some two hundred kernels, most of which are done sooner than Python launches the next.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

Tensors = tuple[Tensor, ...]


class Recorded:
    """A function of tensors, which on a GPU is recorded at its second call with the same shapes; the first warms up.

    It must work on the same memory at every call, and decide nothing by what a tensor holds. What it returns is
    written over by the next call. Where it cannot be recorded, it is launched each time.
    """

    def __init__(self, work: Callable[..., Tensors]) -> None:
        self._work = work
        self._shapes: list[torch.Size] = []
        self._graph: torch.cuda.CUDAGraph | None = None
        self._is_refused = False
        self._given: Tensors = ()
        self._result: Tensors = ()

    def __call__(self, *given: Tensor) -> Tensors:
        shapes = [tensor.shape for tensor in given]
        if self._is_refused or not given[0].is_cuda:
            return self._work(*given)
        if shapes != self._shapes:
            self._shapes, self._graph = shapes, None
            return self._work(*given)
        if self._graph is None:
            self._graph = self._record(given)
        if self._graph is None:
            self._is_refused = True
            return self._work(*given)
        for held, tensor in zip(self._given, given, strict=True):
            held.copy_(tensor)
        self._graph.replay()
        return self._result

    def _record(self, given: Tensors) -> torch.cuda.CUDAGraph | None:
        """Return the work recorded; None: it cannot be, for want of memory or else. Nothing of it was done then."""
        graph, stream = torch.cuda.CUDAGraph(), torch.cuda.current_stream()
        self._given = tuple(tensor.clone() for tensor in given)
        try:
            with torch.cuda.graph(graph, capture_error_mode="thread_local"):  # others decode audio meanwhile
                self._result = self._work(*self._given)
        except RuntimeError:  # if the GPU itself is out of order, the work says so when it is launched
            torch.cuda.set_stream(stream)  # a recording that breaks off leaves its own
            return None
        return graph


def renewed(held: Tensor, new: Tensor) -> Tensor:
    """Return `new`, in the memory of what was held if it fits: a recording knows no other."""
    return held.copy_(new) if held.shape == new.shape else new
