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
    written over by the next call.
    """

    def __init__(self, work: Callable[..., Tensors]) -> None:
        self._work = work
        self._shapes: list[torch.Size] = []
        self._graph: torch.cuda.CUDAGraph | None = None
        self._given: Tensors = ()
        self._result: Tensors = ()

    def __call__(self, *given: Tensor) -> Tensors:
        shapes = [tensor.shape for tensor in given]
        if not given[0].is_cuda:
            return self._work(*given)
        if shapes != self._shapes:
            self._shapes, self._graph = shapes, None
            return self._work(*given)
        if self._graph is None:
            self._given = tuple(tensor.clone() for tensor in given)
            self._graph, self._result = _record(self._work, self._given)
        for held, tensor in zip(self._given, given, strict=True):
            held.copy_(tensor)
        self._graph.replay()
        return self._result


def _record(work: Callable[..., Tensors], given: Tensors) -> tuple[torch.cuda.CUDAGraph, Tensors]:
    graph, stream = torch.cuda.CUDAGraph(), torch.cuda.current_stream()
    try:
        with torch.cuda.graph(graph, capture_error_mode="thread_local"):  # others decode audio meanwhile
            return graph, work(*given)
    except RuntimeError as error:
        torch.cuda.set_stream(stream)  # a recording that breaks off leaves its own
        if isinstance(error.__context__, torch.OutOfMemoryError):  # it then complains of the recording, too
            raise error.__context__ from None
        raise


def renewed(held: Tensor, new: Tensor) -> Tensor:
    """Return `new`, in the memory of what was held if it fits: a recording knows no other."""
    return held.copy_(new) if held.shape == new.shape else new
