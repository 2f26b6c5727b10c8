"""Our way through the decoder comes to what openai-whisper's own comes to, whoever stands beside a row."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not here: make test-openai")

from container.engines.decoder import Batch, Decoder  # noqa: E402
from tests.container.engines.tiny import tiny  # noqa: E402

if TYPE_CHECKING:
    from torch import Tensor

PROMPTS = [[50258, 50259, 50359], [50361, 11, 12, 13, 14, 50258, 50259, 50359], [50258, 50262, 50358]]
SAID = [[50364, 400, 500], [50364, 600, 700], [50400, 800, 900]]


@pytest.fixture(scope="module")
def model() -> Any:
    return tiny()


@pytest.fixture(scope="module")
def features() -> Tensor:
    return torch.randn(3, 1500, 32, generator=torch.Generator().manual_seed(2))


@pytest.fixture(params=["growing", "fixed"])
def decoder(model: Any, request: pytest.FixtureRequest) -> Decoder:
    """One that reads the columns that there are, as on a CPU, and one that reads all, as a GPU's recording does."""
    decoder = Decoder(model)
    decoder.is_fixed = request.param == "fixed"
    return decoder


def run(decoder: Decoder, features: Tensor, rows: list[int]) -> list[Tensor]:
    """Return the logits of some rows that are decoded together: after the prompt, and after each token said."""
    batch = Batch(decoder, decoder.cross(features[rows]), [PROMPTS[row] for row in rows])
    logits = [batch.start(3)[0]]
    logits += [batch.step(torch.tensor([SAID[row][i] for row in rows])) for i in range(3)]
    return logits


def test_prompts_of_different_length_are_no_matter_to_each_other(
    decoder: Decoder, model: Any, features: Tensor
) -> None:
    together = run(decoder, features, [0, 1, 2])
    for row in range(3):
        for step, alone in enumerate(run(decoder, features, [row])):
            torch.testing.assert_close(together[step][row], alone[0], atol=1e-4, rtol=1e-4)


def test_it_is_the_decoder_of_openai_whisper(decoder: Decoder, model: Any, features: Tensor) -> None:
    ours = run(decoder, features, [0, 1, 2])
    for row in range(3):
        tokens = torch.tensor([PROMPTS[row] + SAID[row]])
        theirs = model.logits(tokens, features[row : row + 1])[0, len(PROMPTS[row]) - 1 :]
        for step, logits in enumerate(theirs):
            torch.testing.assert_close(ours[step][row], logits, atol=1e-4, rtol=1e-4)


def test_the_start_is_read_on_the_way(decoder: Decoder, model: Any, features: Tensor) -> None:
    _, at_start = Batch(decoder, decoder.cross(features), PROMPTS).start(3)
    for row, prompt in enumerate(PROMPTS):
        theirs = model.logits(torch.tensor([prompt[:-2]]), features[row : row + 1])[0, -1]
        torch.testing.assert_close(at_start[row], theirs, atol=1e-4, rtol=1e-4)


def test_rows_that_are_done_may_go(decoder: Decoder, model: Any, features: Tensor) -> None:
    batch = Batch(decoder, decoder.cross(features), PROMPTS)
    batch.start(3)
    batch.keep(torch.tensor([0, 2]))
    left = batch.step(torch.tensor([SAID[0][0], SAID[2][0]]))
    whole = run(decoder, features, [0, 1, 2])[1]
    torch.testing.assert_close(left, whole[[0, 2]], atol=1e-4, rtol=1e-4)


def test_a_window_may_have_several_beams_and_they_may_change_places(
    decoder: Decoder, model: Any, features: Tensor
) -> None:
    batch = Batch(decoder, decoder.cross(features[:2]), PROMPTS[:2], beams=2)
    batch.start(3)
    batch.branch(torch.tensor([[0, 0], [0, 0]]))
    batch.step(torch.tensor([SAID[0][0], SAID[1][0], SAID[1][0], SAID[0][0]]))
    batch.branch(torch.tensor([[1, 0], [0, 0]]))
    logits = batch.step(torch.tensor([500, 600, 700, 800]))
    went = [(0, SAID[1][0], 500), (0, SAID[0][0], 600), (1, SAID[1][0], 700), (1, SAID[1][0], 800)]
    for row, (window, *said) in enumerate(went):
        theirs = model.logits(torch.tensor([PROMPTS[window] + said]), features[window : window + 1])[0, -1]
        torch.testing.assert_close(logits[row], theirs, atol=1e-4, rtol=1e-4)
    batch.keep(torch.tensor([1]))
    batch.branch(torch.tensor([[1, 0]]))
    logits = batch.step(torch.tensor([900, 900]))
    for row, said in enumerate([[SAID[1][0], 800, 900], [SAID[1][0], 700, 900]]):
        theirs = model.logits(torch.tensor([PROMPTS[1] + said]), features[1:2])[0, -1]
        torch.testing.assert_close(logits[row], theirs, atol=1e-4, rtol=1e-4)
