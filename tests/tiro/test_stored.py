"""Whatever is stored is strict JSON that reads back as the same value; what would not is refused by name."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

import tiro.adapters
from tests.contract.batch_store import BATCH
from tests.contract.call_store import CALL
from tests.contract.delivery_store import make_delivery
from tests.contract.endpoint_store import ONE
from tests.contract.fetch_store import NEW
from tests.factories import (
    NOW,
    make_drop,
    make_engine,
    make_queued_job,
    make_ref,
    make_run,
    make_segment,
    make_transcript,
)
from tiro.call import Answer
from tiro.checkpoint import Stretch, Written
from tiro.delivery import event_of
from tiro.details import Lineage
from tiro.errors import FieldProblem, NotAudio, NotStorable
from tiro.job import JobStatus
from tiro.key import ApiKey
from tiro.listing import JobSummary
from tiro.message import DeliveryMessage, FetchMessage, JobMessage
from tiro.stored import encode
from tiro.transcript import DroppedSegment

DROPPED = DroppedSegment.model_validate(make_segment().model_dump())
TRANSCRIPT = make_transcript(make_segment(), dropped=(DROPPED,), warnings=("A warning.",), media_sha256="0" * 64)
LINEAGE = Lineage(
    engine="e",
    engine_version="1",
    model="base",
    model_sha256="0",
    compute_type="int8",
    media_etag="e",
    media_version="v",
)
JOB = make_queued_job(
    status=JobStatus.FAILED,
    drop=make_drop(),
    metadata={"order": "17"},
    transcript=make_ref(lineage=LINEAGE),
    problem=NotAudio("no", errors=(FieldProblem(pointer="/a", detail="b"),)).problem(),
    finished_at=NOW,
)
EVENT = event_of(None, JOB)
assert EVENT
STRETCH = Stretch(start=0, end=1, segments=(make_segment(),), dropped=(DROPPED,), engine=make_engine(), resume="{}")
KEY = ApiKey(id="key_1", owner="ada", created_at=NOW)

STORED: list[BaseModel] = [
    TRANSCRIPT,
    STRETCH,
    JOB,
    make_run(total=1.0, checkpoint=(Written(attempt="a", parts=1),)),
    EVENT,
    make_delivery(),
    ONE,
    CALL.answered(Answer(status=200, headers={"ETag": "1"}, body="{}")),
    BATCH,
    NEW,
    KEY,
    JobSummary.of(JOB),
    JobMessage.of(JOB),
    FetchMessage(job_id="01a", round=1),
    DeliveryMessage(job_id="01a", delivery_id="d", revision=1),
]
"""One of each kind that is stored, sent or queued, with what it may hold inside."""

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20) | st.sampled_from(
    ["", "\x00\x1f\x7f", "\u2028\u2029\ufeff", "\ufffe\uffff", "\U0001f3a4\U0010ffff", '"\\/\b', "NaN", "null"]
)
NUMBERS = st.floats(allow_nan=False, allow_infinity=False) | st.sampled_from([1e308, 5e-324, -0.0, 0.1 + 0.2, 1e22])

BAD: list[Any] = [math.nan, math.inf, -math.inf, "\ud800", "x\udfff", "\ude00\ud83d"]


def free(model: BaseModel, kind: Any) -> list[str]:
    """Return the fields that may hold any value of a kind: no id, enumeration or checked text."""
    kinds = (kind, kind | None)
    return [
        name for name, field in type(model).model_fields.items() if field.annotation in kinds and not field.metadata
    ]


def varied(value: Any, text: Callable[[], str], number: Callable[[], float]) -> Any:
    """Return a model in which every free text and number is another, at any depth."""
    if isinstance(value, BaseModel):
        changes: dict[str, Any] = {name: varied(each, text, number) for name, each in value}
        changes |= {name: text() for name in free(value, str)} | {name: number() for name in free(value, float)}
        return value.model_copy(update=changes)
    if isinstance(value, tuple):
        return tuple(varied(each, text, number) for each in value)
    return value


def spoiled(value: Any, bad: Any) -> list[tuple[str, Any]]:
    """Return, for each free text or number at any depth, where it is and a copy that has `bad` there."""
    if not isinstance(value, BaseModel):
        return []
    found = [(f"/{name}", value.model_copy(update={name: bad})) for name in free(value, type(bad))]
    for name, each in value:
        for path, copy in spoiled(each, bad):
            found.append((f"/{name}{path}", value.model_copy(update={name: copy})))
        if isinstance(each, tuple):
            for place, one in enumerate(each):
                for path, copy in spoiled(one, bad):
                    tuple_ = (*each[:place], copy, *each[place + 1 :])
                    found.append((f"/{name}/{place}{path}", value.model_copy(update={name: tuple_})))
    return found


@pytest.mark.parametrize("model", STORED, ids=lambda model: type(model).__name__)
@pytest.mark.parametrize("exclude_defaults", [False, True])
def test_what_is_stored_reads_back(model: BaseModel, exclude_defaults: bool) -> None:
    @settings(max_examples=20)
    @given(data=st.data())
    def hold(data: st.DataObject) -> None:
        one = varied(model, lambda: data.draw(TEXTS), lambda: data.draw(NUMBERS))
        text = encode(one, exclude_defaults=exclude_defaults)
        assert type(one).model_validate_json(text) == one
        json.loads(text, parse_constant=pytest.fail)
        text.encode()

    hold()


@pytest.mark.parametrize("bad", BAD, ids=ascii)
@pytest.mark.parametrize("model", STORED, ids=lambda model: type(model).__name__)
def test_what_would_not_read_back_is_refused_by_name(model: BaseModel, bad: Any) -> None:
    for path, one in spoiled(model, bad):
        with pytest.raises(NotStorable) as refused:
            encode(one)
        assert f"{path} is " in str(refused.value)
        str(refused.value).encode()


def test_there_is_something_to_spoil() -> None:
    assert len(spoiled(TRANSCRIPT, math.nan)) > 20
    assert all(spoiled(model, "\ud800") for model in STORED)


def test_what_reads_back_as_another_value_is_refused() -> None:
    """Bytes are written as text, and text is no bytes."""
    with pytest.raises(NotStorable, match="JobMessage: it reads back as another value"):
        encode(JobMessage.of(JOB).model_copy(update={"trace": b"1-2-3"}))


@pytest.mark.parametrize("number", [math.nan, math.inf])
def test_a_stored_model_takes_finite_numbers_only(number: float) -> None:
    with pytest.raises(ValueError, match="finite number"):
        make_segment(avg_logprob=number)
    with pytest.raises(ValueError, match="finite number"):
        type(TRANSCRIPT).model_validate_json(encode(TRANSCRIPT).replace("0.98", "1e999"))


def test_no_adapter_writes_a_model_in_another_way() -> None:
    folder = Path(tiro.adapters.__file__).parent
    lax = [file.name for file in folder.rglob("*.py") if "model_dump_json" in file.read_text("utf-8")]
    assert lax == []
