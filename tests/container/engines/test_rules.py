"""The rules for a whole batch are openai-whisper's rules, row by row."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not here: make test-openai")

from whisper.decoding import ApplyTimestampRules, SuppressTokens  # noqa: E402
from whisper.tokenizer import get_tokenizer  # noqa: E402

from container.engines.rules import FIRST_TIMESTAMP, NEVER, Rules, _unspoken  # noqa: E402

VOCABULARY = 51865
ROWS, STEPS = 16, 40


def test_they_are_those_of_openai_whisper_on_whatever_was_said() -> None:
    tokenizer = get_tokenizer(True, num_languages=99, language="en", task="transcribe")
    theirs = [
        SuppressTokens(_unspoken(tokenizer)),
        ApplyTimestampRules(tokenizer, sample_begin=3, max_initial_timestamp_index=FIRST_TIMESTAMP),
    ]
    lots = torch.Generator().manual_seed(5)
    rules = Rules(tokenizer, ROWS, VOCABULARY, "cpu")
    said = torch.tensor([list(tokenizer.sot_sequence)] * ROWS)
    for step in range(STEPS):
        logits = torch.randn(ROWS, VOCABULARY, generator=lots)
        logits[::2, tokenizer.timestamp_begin :] += 3 * (step % 3)  # rows that talk of little but time
        expected = logits.clone()
        for rule in theirs:
            rule.apply(expected, said)
        rules.apply(logits)
        assert torch.equal(logits == NEVER, expected == NEVER), f"step {step}"
        assert torch.equal(logits[logits > NEVER], expected[expected > NEVER])
        chosen = torch.multinomial(expected.softmax(dim=-1), 1, generator=lots)
        rules.follow(chosen[:, 0])
        said = torch.cat([said, chosen], dim=1)


def test_what_is_never_said_is_what_openai_whisper_suppresses() -> None:
    from whisper.decoding import DecodingOptions, DecodingTask

    from tests.container.engines.tiny import tiny

    task = DecodingTask(tiny(), DecodingOptions(language="en", fp16=False))
    tokenizer = get_tokenizer(True, num_languages=99, language="en", task="transcribe")
    assert set(_unspoken(tokenizer)) - {tokenizer.no_timestamps} == set(task._get_suppress_tokens())


@pytest.mark.parametrize("rows", [[0, 2], [1]])
def test_rows_that_are_done_are_forgotten(rows: list[int]) -> None:
    tokenizer = get_tokenizer(True, num_languages=99, language="en", task="transcribe")
    begin = tokenizer.timestamp_begin
    said = [torch.tensor([begin, begin + 5, begin + 9]), torch.tensor([400, begin + 30, begin + 9])]

    def follow(which: list[int], keep: bool) -> Rules:
        rules = Rules(tokenizer, 3 if keep else len(which), VOCABULARY, "cpu")
        for tokens in said:
            rules.follow(tokens if keep else tokens[which])
        if keep:
            rules.keep(torch.tensor(which))
        return rules

    logits = torch.zeros(len(rows), VOCABULARY)
    expected = logits.clone()
    follow(rows, keep=True).apply(logits)
    follow(rows, keep=False).apply(expected)
    assert torch.equal(logits, expected)
