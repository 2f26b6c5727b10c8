"""OpenAI's own SDK, as it is given an address and a key, and the recording that it sends."""

from __future__ import annotations

from openai import OpenAI

from tests.factories import make_segment, make_transcript
from tests.functions.conftest import Stack

SPEECH = b"RIFF, more or less"
HEARD = make_transcript(make_segment("Dictate,"), make_segment("and it is written.", start=2.0))


class Api:
    """What an SDK is given: an address and a key."""

    def __init__(self, url: str, calls: list[str], stack: Stack) -> None:
        self.url, self.calls, self.stack = f"{url}/v1", calls, stack
        self.client = OpenAI(base_url=self.url, api_key="tiro_x")

    def jobs(self) -> set[str]:
        listed = self.stack.s3.list_objects_v2(Bucket=self.stack.settings.media_bucket, Prefix="uploads/")
        return {thing["Key"].rpartition("/")[2] for thing in listed.get("Contents", ())}


def recording(body: bytes = SPEECH, name: str = "talk.wav") -> tuple[str, bytes]:
    return name, body
