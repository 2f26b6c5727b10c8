"""What a recording may be; whoever learns of its size or length asks here."""

from __future__ import annotations

from tiro.errors import FieldProblem, MediaEmpty, MediaTooLarge, MediaTooLong, ModelNotFound
from tiro.job import Media
from tiro.model import WHISPER
from tiro.settings import Limits


def check_model(name: str | None, deployed: tuple[str, ...]) -> None:
    """Raises ModelNotFound. Of several that are deployed, the first is the one that hears."""
    if name not in (None, *deployed[:1]):
        known = "OpenAI's name for what POST /v1/audio/transcriptions runs" if name == WHISPER else "not deployed here"
        detail = f"the model {name!r} is {known}: leave model out, or send {deployed[0]!r}"
        raise ModelNotFound(f"/model: {detail}", errors=(FieldProblem(pointer="/model", detail=detail),))


def check_size(media: Media, limits: Limits) -> None:
    if media.size == 0:
        raise MediaEmpty("The object has no bytes. Check the file and send it again.")
    if media.size and media.size > limits.max_media_bytes:
        raise MediaTooLarge(
            f"The recording has {media.size:,} bytes and the limit is {limits.max_media_bytes:,}. "
            "Compress it (Opus at 32 kb/s is plenty for speech) or cut it."
        )


def check_duration(seconds: float | None, limit: float) -> None:
    """Raises MediaTooLong."""
    if seconds is not None and seconds > limit:
        raise MediaTooLong(f"The recording lasts {seconds:,.0f} s and the limit is {limit:,.0f} s. Cut it into parts.")
