"""What a caller probably meant by a name or value that Tiro does not have: another service's, or a slip of the pen.

Sources of the names: the request bodies of OpenAI (openai-openapi 2.3.0), AssemblyAI (assemblyai-api-spec 3fcf678),
Deepgram (deepgram-python-sdk 7da415d), Amazon Transcribe (botocore 1.44.5), Gladia, Rev AI, ElevenLabs, faster-whisper
and whisper.cpp.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any

from pydantic import BaseModel

_SOURCE_URL = 'send "source": {"url": "https://…"}'
_UPLOAD = (
    'send "source": {"upload": {}} and PUT the file to the address in the answer; '
    "POST /v1/audio/transcriptions takes small files in the call itself"
)
_FORMAT = "a job has every format; choose when you read it: GET /v1/transcriptions/{id}/transcript?format=srt"
_LANGUAGE = 'send "language": "en", or leave it out: the language is then detected'
_WEBHOOK = 'send "webhook": {"url": "https://…", "secret": "whsec_…"}, or register an endpoint with POST /v1/webhooks'
_SPEAKERS = 'Tiro does not tell speakers apart; where each has a channel, send "channels": "separate"'
_HOTWORDS = 'send "hotwords": ["…"]'
_WORDS = 'send "words": true; the times of segments are always there'
_ALWAYS = "leave it out: punctuation and capital letters are always written"
_FIXED = "leave it out: the stack sets how its models run"

_MEANT = {
    _SOURCE_URL: "url audio_url media_url file_url source_url video_url source_config audioUrl fileUrl",
    'send "source": {"s3": "s3://bucket/key"}': "s3 s3_uri s3_url Media MediaFileUri media_file_uri uri bucket key",
    _UPLOAD: "file upload audio audio_file file_path filename data recording",
    _FORMAT: "format response_format output_format output_formats formats additional_formats export_formats subtitles "
    "Subtitles utterances paragraphs",
    _LANGUAGE: "lang locale language_code LanguageCode language_codes languages LanguageOptions detect_language "
    "language_detection IdentifyLanguage identify_language language_config source_language",
    'send "multilingual": true': "code_switching IdentifyMultipleLanguages multi_language enable_code_switching",
    _WEBHOOK: "webhook_url webhookUrl callback callback_url callback_config callback_method notification_config "
    "webhook_auth_header_name webhook_auth_header_value webhook_id",
    _SPEAKERS: "diarize diarization diarization_config speaker_labels speakers_expected speaker_options num_speakers "
    "min_speakers max_speakers ShowSpeakerLabels MaxSpeakerLabels known_speaker_names known_speaker_references "
    "skip_diarization",
    'send "channels": "separate"': "multichannel multi_channel dual_channel use_multi_channel ChannelIdentification",
    _HOTWORDS: "keywords keyterm keyterms keyterms_prompt word_boost custom_vocabulary custom_vocabularies vocabulary "
    "VocabularyName phrases additional_vocab speech_contexts",
    'send "prompt": "…"': "initial_prompt context context_prompt",
    _WORDS: "timestamp_granularities timestamps timestamps_granularity word_timestamps enable_word_time_offsets",
    _ALWAYS: "punctuate punctuation auto_punctuation smart_format format_text numerals enable_automatic_punctuation "
    "skip_punctuation",
    _FIXED: "temperature beam_size best_of vad vad_filter compute_type stream streaming chunking_strategy include "
    "speech_model speech_models tier device batch_size condition_on_previous_text",
    'send "task": "translate", which writes English': "translate translation target_language translation_config",
    'send "start" and "end", in seconds': "audio_start_from audio_end_at clip_timestamps offset duration start_time "
    "end_time",
    'send "metadata": {"name": "value"}': "tags tag external_id client_reference_id custom_metadata user name "
    "TranscriptionJobName job_name",
    'send "retention_seconds"': "ttl expires_in delete_after_seconds expire_after",
    'send "delete_media": true': "delete_source delete_audio",
}
"""What to send instead of fields of others, by the sentence that says it."""

_ADVICE = {re.sub(r"\W|_", "", name).lower(): advice for advice, names in _MEANT.items() for name in names.split()}

_RENAMED = {
    "page_size": "limit", "per_page": "limit", "max_results": "limit", "maxresults": "limit", "count": "limit",
    "after": "cursor", "page": "cursor", "page_token": "cursor", "next_token": "cursor", "nexttoken": "cursor",
    "next_cursor": "cursor", "offset": "cursor", "since": "created_after", "until": "created_before",
    "before": "created_before", "state": "status", "batch_id": "batch", "response_format": "format",
    "output_format": "format", "timestamp_granularities[]": "timestamp_granularities", "chars_per_caption":
    "max_chars_per_line", "callback": "url", "callback_url": "url", "webhook_url": "url", "event_types": "events",
    "enabled_events": "events", "file_name": "filename", "mime_type": "content_type", "mimetype": "content_type",
    "bytes": "size", "content_length": "size", "part_numbers": "numbers", "partnumber": "number",
    "keyterm": "hotwords",
}  # fmt: skip
"""Tiro's name of what others call otherwise; used where the model has a field of that name."""

_VALUES = {
    "text": "txt", "plain": "txt", "webvtt": "vtt", "subrip": "srt", "done": "completed", "complete": "completed",
    "success": "completed", "succeeded": "completed", "finished": "completed", "error": "failed",
    "running": "processing", "in_progress": "processing", "pending": "queued", "waiting": "queued",
    "canceled": "cancelled", "stereo": "separate", "multichannel": "separate", "mono": "mix", "low": "batch",
    "high": "interactive", "words": "word", "segments": "segment", "transcription": "transcribe",
    "translation": "translate",
}  # fmt: skip
"""Tiro's word for a value that others call otherwise; used where it is accepted."""

CLOSE = 0.75
"""The least likeness of two names (difflib's ratio) at which one may be a slip for the other: `langauge` is like
`language` by 0.88, and `if_unsure` like `source` by 0.57."""


def suggest_field(name: str, kind: type[BaseModel] | None) -> str:
    """Return how a message goes on about a field that a model does not have: what to send, or which names there are."""
    if kind is None:
        return ""
    fields = kind.model_fields
    if "hotwords" in fields and _plain(name) not in map(_plain, fields) and (advice := _ADVICE.get(_plain(name))):
        return f"; {advice}"
    renamed = _RENAMED.get(name.lower())
    if meant := renamed if renamed in fields else closest(name, fields):
        return f"; did you mean {meant!r}?"
    return f"; there are {', '.join(fields)}"


def suggest_value(value: Any, accepted: Iterable[str]) -> str:
    """Return how a message goes on about a value that is not among those accepted, where one is like it."""
    accepted = list(accepted)
    if not isinstance(value, str) or len(value) > 100:
        return ""
    renamed = _VALUES.get(value.strip().lower())
    meant = renamed if renamed in accepted else closest(value, accepted)
    return f"; did you mean {meant!r}?" if meant else ""


def closest(name: str, known: Iterable[str]) -> str | None:
    """Return the name that another is a slip for: in case, in `camelCase`, or in a letter or two."""
    if len(name) > 100:  # the search takes time by the square of it
        return None
    plain = {_plain(one): one for one in known}
    if found := get_close_matches(_plain(name), plain, n=1, cutoff=CLOSE):
        return plain[found[0]]
    return next((one for one in plain.values() if one.rpartition(".")[2] == name.lower()), None)


def _plain(name: str) -> str:
    return re.sub(r"[\W_]", "", name).lower()
