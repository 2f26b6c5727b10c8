"""What a GPU has recorded, it says as a CPU does, which launches step by step. Without one, nothing is recorded."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not here: make test-openai")

from container.engines.openai import OpenAIEngine  # noqa: E402
from container.engines.recorded import Recorded, renewed  # noqa: E402
from tests.container.engines.tiny import loaded, tiny  # noqa: E402
from tiro.ports import SAMPLE_RATE, DecodeOptions  # noqa: E402

if TYPE_CHECKING:
    from torch import Tensor

on_a_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="There is no GPU here.")


def test_without_a_gpu_it_is_the_function_itself() -> None:
    recorded = Recorded(lambda tensor: (tensor + 1,))
    assert [recorded(torch.tensor(number))[0].item() for number in range(3)] == [1, 2, 3]


def test_what_fits_stays_in_its_memory() -> None:
    held = torch.zeros(3)
    assert renewed(held, torch.ones(3)) is held
    assert held.tolist() == [1, 1, 1]
    assert renewed(held, torch.ones(2)) is not held


@on_a_gpu
def test_on_a_gpu_it_works_once_for_each_shape_and_once_to_warm_up() -> None:
    calls = []
    total = torch.zeros(1, device="cuda")

    def add(tensor: Tensor) -> tuple[Tensor]:
        calls.append(len(tensor))
        return (total.add_(tensor.sum()) + 0,)

    recorded = Recorded(add)
    totals = [recorded(torch.full((size,), 2.0, device="cuda"))[0].item() for size in (1, 1, 1, 1, 3, 3, 3)]
    assert totals == [2, 4, 6, 8, 14, 20, 26]
    assert calls == [1, 1, 3, 3]


@on_a_gpu
def test_what_cannot_be_recorded_is_launched() -> None:
    total = torch.zeros(1, device="cuda")

    def add(tensor: Tensor) -> tuple[Tensor]:
        total.add_(tensor.sum())
        return (torch.full((1,), total.item(), device="cuda"),)  # a recording may not wait for a number

    recorded = Recorded(add)
    assert [recorded(torch.ones(2, device="cuda"))[0].item() for _ in range(4)] == [2, 4, 6, 8]
    assert torch.cuda.current_stream() == torch.cuda.default_stream()


@on_a_gpu
@pytest.mark.parametrize(("beams", "temperature"), [(1, 0.0), (5, 0.0), (1, 0.7)])
@pytest.mark.parametrize("prompt", ["", "Katharine said so."])
def test_on_a_gpu_a_batch_says_what_it_says_on_a_cpu(
    beams: int, temperature: float, prompt: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", False)  # else its convolutions round to 10 bits
    lots = np.random.default_rng(7)
    windows = [lots.normal(0, 0.1, seconds * SAMPLE_RATE).astype(np.float32) for seconds in (3, 30, 11, 7, 9, 20)]
    how = DecodeOptions(language="en", prompt=prompt, beam_size=beams, temperature=temperature)
    said = []
    for device in ("cpu", "cuda"):
        model = tiny(seed=2)
        model.decoder.token_embedding.weight[50257] *= 4  # inclines it to come to an end: one before the other
        engine = OpenAIEngine.load(loaded(model), device=device, compute_type="float32")
        heard = engine.decode(engine.encode(windows), how)
        said.append([[segment.tokens for segment in window.segments] for window in heard])
    assert said[0] == said[1]
    assert len({sum(map(len, window)) for window in said[0]}) > 1
