"""Every error Tiro raises on purpose, as one tree; what a caller sees is made from it here.

TiroError
├── PermanentError                trying again gives the same answer
│   ├── RequestError              the call is wrong, no job is made
│   │   ├── BadRequest                bad_request             400
│   │   ├── MalformedBody             malformed_body          400
│   │   ├── InvalidRequest            invalid_request         422
│   │   ├── SourceForbidden           source_forbidden        403
│   │   ├── JobNotFound               job_not_found           404
│   │   ├── BatchNotFound             batch_not_found         404
│   │   ├── JobGone                   job_gone                410
│   │   ├── JobFinished               job_finished            409
│   │   ├── NotRetryable              not_retryable           409
│   │   ├── IdempotencyKeyReused      idempotency_key_reused  422
│   │   ├── RouteNotFound             route_not_found         404
│   │   ├── MethodNotAllowed          method_not_allowed      405
│   │   ├── NoUploadOpen              no_upload_open          409
│   │   ├── TranscriptUnavailable     transcript_unavailable  409
│   │   ├── FormatNotAcceptable       format_not_acceptable   406
│   │   ├── PayloadTooLarge           payload_too_large       413
│   │   ├── UnsupportedMediaType      unsupported_media_type  415
│   │   ├── ScopeMissing              scope_missing           403
│   │   ├── Forbidden                 forbidden               403
│   │   ├── KeyNotFound               key_not_found           404
│   │   ├── ModelNotFound             model_not_found         404
│   │   ├── ProblemNotFound           problem_not_found       404
│   │   ├── WebhookNotFound           webhook_not_found       404
│   │   ├── TooManyWebhooks           too_many_webhooks       409
│   │   ├── DeliveryNotFound          delivery_not_found      404
│   │   └── KeyRefused                unauthorized            401
│   ├── MediaError                the recording is wrong, the job fails
│   │   ├── MediaNotFound             media_not_found         404
│   │   ├── MediaEmpty                media_empty             422
│   │   ├── MediaTooLarge             media_too_large         413
│   │   ├── MediaTooLong              media_too_long          422
│   │   ├── NotAudio                  not_audio               422
│   │   ├── NoAudioTrack              no_audio_track          422
│   │   ├── TooManyChannels           too_many_channels       422
│   │   ├── PartNotThere              part_not_there          422
│   │   ├── TrackNotThere             track_not_there         422
│   │   ├── LanguageUnsure            language_unsure         422
│   │   └── MediaHarmful              media_harmful           422   the decoder breaks on it
│   ├── UploadExpired             upload_expired              408
│   ├── AddressRefused            address_refused             403   no URL of theirs leads there
│   ├── FetchFailed               fetch_failed                502   the server of a `url` said no
│   ├── NoMediaAtURL              no_media_at_url         422   a web page or another document, no recording
│   ├── NoOwner                   no_owner                422   a dropped object's key names none
│   ├── SignatureRefused          signature_refused           401   a delivery that a receiver cannot trust
│   ├── DecoderDefect             decoder_defect          500   a bug of ours, which every attempt would meet
│   ├── AttemptsExhausted         attempts_exhausted          500
│   ├── NotStorable               not_storable            500   the transcript does not read back
│   ├── MalformedMessage          malformed_message       500   on the queue; no version wrote it
│   ├── NotConfigured             not_configured          503   the caller's side: no address, no key
│   └── Conflict                  conflict                409   a conditional write lost
│       ├── IllegalTransition         illegal_transition      409
│       └── LeaseLost                 lease_lost              409
└── TransientError                worth trying again
    ├── Throttled                 throttled                   429
    ├── QuotaExceeded             quota_exceeded              429
    ├── CallInProgress            call_in_progress            409   the first call with this key is not answered
    ├── TranscriptNotReady        transcript_not_ready        409
    ├── ServiceUnavailable        service_unavailable         503   AWS throttled or failed
    ├── StillProcessing           still_processing            504   the call was held open for too short a time
    ├── JobHeld                   job_held                    409   an attempt is at work on it
    ├── EngineFailed              engine_failed               500
    │   └── EnginePoisoned            engine_poisoned         500   and so does everything after it in this process
    ├── DecoderFailed             decoder_failed              500   it died, and not of the recording
    ├── Interrupted               interrupted                 503   the worker is asked to stop
    ├── PeerUnavailable           peer_unavailable            502   somebody else's server did not answer
    ├── Unreachable               unreachable                 503   the caller's side: nobody answers
    └── InternalError             internal_error              500   our bug: the last resort
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import ClassVar

from pydantic import BaseModel, ConfigDict

PROBLEM_MEDIA_TYPE = "application/problem+json"
"""RFC 9457, section 3."""


class FieldProblem(BaseModel):
    """What is wrong with one field of a request. `pointer` is a JSON Pointer (RFC 6901)."""

    model_config = ConfigDict(frozen=True)

    pointer: str
    detail: str


class Problem(BaseModel):
    """RFC 9457 problem details, with the members every Tiro problem adds.

    `retryable` says whether the same call, or a new job with the same recording, can succeed.
    """

    model_config = ConfigDict(frozen=True)

    type: str
    title: str
    status: int
    detail: str
    code: str
    retryable: bool
    instance: str | None = None
    request_id: str | None = None
    errors: tuple[FieldProblem, ...] = ()


class TiroError(Exception):
    """The root. `str(error)` is the detail: a sentence for a person that says what to do."""

    code: ClassVar[str] = "internal_error"
    title: ClassVar[str] = "Something went wrong inside Tiro"
    status: ClassVar[int] = 500
    retryable: ClassVar[bool] = False

    def __init__(self, detail: str = "", *, errors: tuple[FieldProblem, ...] = ()) -> None:
        super().__init__(detail or self.title)
        self.errors = errors

    def problem(self, *, instance: str | None = None, request_id: str | None = None) -> Problem:
        """Return what a caller is told."""
        return Problem(
            type=f"/problems/{self.code}",  # the API answers there with what the code means
            title=self.title,
            status=self.status,
            detail=str(self).encode(errors="replace").decode(),  # it is stored and sent, and may quote anything
            code=self.code,
            retryable=self.retryable,
            instance=instance,
            request_id=request_id,
            errors=self.errors,
        )


class PermanentError(TiroError):
    """Trying again gives the same answer."""


class TransientError(TiroError):
    """Worth trying again, unchanged."""

    retryable = True


# ---------------------------------------------------------------- the call is wrong


class RequestError(PermanentError):
    """The call is wrong, no job is made."""

    code, title, status = "invalid_request", "The request is not valid", 422


class BadRequest(RequestError):
    """The gateway could not even read the call, and no function of Tiro's saw it."""

    code, title, status = "bad_request", "The call cannot be understood", 400


class MalformedBody(RequestError):
    """Send a JSON object in UTF-8; OpenAI's two calls take multipart/form-data."""

    code, title, status = "malformed_body", "The body is not JSON", 400


class InvalidRequest(RequestError):
    """`errors` names each field that is wrong, and what it should be. No job was made."""

    code, title = "invalid_request", "The request is not valid"


class SourceForbidden(RequestError):
    """You may name what lies under a prefix of your own, which `detail` tells. Copy it there, or upload it."""

    code, title, status = "source_forbidden", "This object may not be read for you", 403


class JobNotFound(RequestError):
    """Check the id, and that the key is of the owner who submitted it: `GET /v1/transcriptions` lists yours."""

    code, title, status = "job_not_found", "There is no such transcription", 404


class BatchNotFound(RequestError):
    """Check the id, and that the key is of the owner who made it."""

    code, title, status = "batch_not_found", "There is no such batch", 404


class JobGone(RequestError):
    """It was deleted, with all that Tiro kept of it. Submit the recording again."""

    code, title, status = "job_gone", "This transcription was deleted", 410


class JobFinished(RequestError):
    """A job that is completed or failed stays so. DELETE it, if it should go."""

    code, title, status = "job_finished", "The job came to its end before", 409


class NotRetryable(RequestError):
    """Only what failed or was cancelled is tried again. A recording can be submitted anew at any time."""

    code, title, status = "not_retryable", "This job cannot be tried again", 409


class IdempotencyKeyReused(RequestError):
    """The key stands for another call of yours in the last 24 hours. A new call needs a new key."""

    code, title, status = "idempotency_key_reused", "The Idempotency-Key belongs to another call", 422


class RouteNotFound(RequestError):
    """Check the path: every route begins with /v1, behind the API's address. /docs shows them all."""

    code, title, status = "route_not_found", "There is no such route", 404


class MethodNotAllowed(RequestError):
    """The path is right and the method is not: the header `Allow` names those that it takes."""

    code, title, status = "method_not_allowed", "This route has no such method", 405


class NoUploadOpen(RequestError):
    """Parts are taken only of a recording that was said to be over 100 MB, and only until it is whole."""

    code, title, status = "no_upload_open", "This job waits for no parts", 409


class TranscriptUnavailable(RequestError):
    """The job ended without one, and `detail` says why; or its transcript was lost. Submit the recording again, or
    have it tried again by POST …/retry.
    """

    code, title, status = "transcript_unavailable", "This job has no transcript", 409


class FormatNotAcceptable(RequestError):
    """Ask for one that `detail` names, by `format` or by `Accept`."""

    code, title, status = "format_not_acceptable", "There is no such format", 406


class PayloadTooLarge(RequestError):
    """A call may carry 10 MB at most. A recording does not travel in it, but to the URL that the call answers."""

    code, title, status = "payload_too_large", "The body is too large", 413


class UnsupportedMediaType(RequestError):
    """The body is of a kind that this call does not read, as its `Content-Type` says. `detail` says what to send."""

    code, title, status = "unsupported_media_type", "The body has the wrong media type", 415


class ScopeMissing(RequestError):
    """The key is good, but it was made for less than this: `tiro keys list` says what it opens."""

    code, title, status = "scope_missing", "The key does not open this", 403


class Forbidden(RequestError):
    """The key, or the firewall before this stack, lets nobody make this call. `detail` says which."""

    code, title, status = "forbidden", "This call is not allowed", 403


class KeyNotFound(RequestError):
    """`tiro keys list` shows which there are."""

    code, title, status = "key_not_found", "There is no such key", 404


class ModelNotFound(RequestError):
    """One model hears in each stack: the one marked `default` by `GET /v1/models`. Name that, or none."""

    code, title, status = "model_not_found", "There is no such model", 404


class ProblemNotFound(RequestError):
    """All problems stand at /docs."""

    code, title, status = "problem_not_found", "Tiro has no such problem", 404


class WebhookNotFound(RequestError):
    """`GET /v1/webhooks` lists yours; one that was removed does not come back."""

    code, title, status = "webhook_not_found", "There is no such webhook endpoint", 404


class TooManyWebhooks(RequestError):
    """An owner may have 20 endpoints. DELETE one that is not needed, or name a webhook with each job instead."""

    code, title, status = "too_many_webhooks", "You have as many webhook endpoints as there may be", 409


class DeliveryNotFound(RequestError):
    """Deliveries are kept for 30 days: `GET …/deliveries` lists those of a job."""

    code, title, status = "delivery_not_found", "There is no such delivery", 404


class KeyRefused(RequestError):
    """Send `Authorization: Bearer` and a key that `tiro keys create` made, neither expired nor revoked."""

    code, title, status = "unauthorized", "The API key is missing or not valid", 401


# ---------------------------------------------------------------- the recording is wrong


class MediaError(PermanentError):
    """The recording is wrong, the job fails."""

    code, title, status = "media_invalid", "The recording cannot be transcribed", 422


class MediaNotFound(MediaError):
    """It was never sent, has expired, or was deleted. Submit it again."""

    code, title, status = "media_not_found", "The recording is not there", 404


class MediaEmpty(MediaError):
    """There are no bytes, or an audio track without a sound in it. Check the file, and send it again."""

    code, title = "media_empty", "The recording is empty"


class MediaTooLarge(MediaError):
    """It is over this stack's limit, 5 GiB unless set; over 4.4 MB in OpenAI's calls, beyond which `POST
    /v1/transcriptions` takes it. Compress it (Opus at 32 kb/s is plenty for speech), or cut it.
    """

    code, title, status = "media_too_large", "The recording is too large", 413


class MediaTooLong(MediaError):
    """It is over this stack's limit, 12 hours unless set. Cut it into parts."""

    code, title = "media_too_long", "The recording is too long"


class NotAudio(MediaError):
    """Tiro reads what FFmpeg reads. Convert it, `ffmpeg -i FILE out.flac`, and send that."""

    code, title = "not_audio", "The file is not audio or video that can be read"


class NoAudioTrack(MediaError):
    """It is a picture, or a video without sound. Send the file that has the sound."""

    code, title = "no_audio_track", "The file has no audio track"


class TooManyChannels(MediaError):
    """At most eight channels are transcribed separately, over all chosen tracks. Leave `channels` out, and they are
    transcribed as a mix; or choose one `track`.
    """

    code, title = "too_many_channels", "The recording has too many channels to hear apart"


class PartNotThere(MediaError):
    """The part that `start` and `end` name lies behind the end of the recording. Name an earlier one, or none."""

    code, title = "part_not_there", "The recording has no such part"


class TrackNotThere(MediaError):
    """The number in `track` is higher than the number of audio tracks, which `detail` says. Name another, or none."""

    code, title = "track_not_there", "The recording has no such track"


class LanguageUnsure(MediaError):
    """Nobody can say which language is spoken, and `if_unsure` says `fail`. Name the `language`, or a fallback."""

    code, title = "language_unsure", "The language is not certain enough"


class MediaHarmful(MediaError):
    """It crashes the decoder, or takes more memory or processor time than any ordinary one. Convert it with another
    program, and submit the result.
    """

    code, title = "media_harmful", "The decoder breaks on this recording"


# ---------------------------------------------------------------- the job came to its end


class UploadExpired(PermanentError):
    """Nothing came while its address was good. Submit again, and send the recording to the new address."""

    code, title, status = "upload_expired", "The upload never came", 408


class AddressRefused(PermanentError):
    """A URL must lead to the public internet, over http or https, and be written so that there is one reading of it."""

    code, title, status = "address_refused", "This address may not be reached", 403


class FetchFailed(PermanentError):
    """The server that the URL leads to answered, and will not give the recording: `detail` has its words. Try the URL
    without being logged in; or upload the recording.
    """

    code, title, status = "fetch_failed", "The recording could not be fetched", 502


class NoMediaAtURL(PermanentError):
    """The server sent a web page or another document in place of the recording: `detail` says which. A share link of
    Google Drive, Dropbox or OneDrive opens a preview, and a private file a login page. Use a link that downloads the
    file itself without a login; or upload the recording.
    """

    code, title, status = "no_media_at_url", "The URL does not lead to a recording", 422


class NoOwner(PermanentError):
    """A file was dropped where no owner is named, so no job is made. Write it to `inbox/{owner}/…` of the media bucket,
    where `{owner}` is the name that the API key was made for.
    """

    code, title, status = "no_owner", "The object's key names no owner", 422


class SignatureRefused(PermanentError):
    """A delivery does not carry our signature, or is too old. Do nothing of what it says."""

    code, title, status = "signature_refused", "The delivery cannot be trusted", 401


class DecoderDefect(PermanentError):
    """A defect of Tiro's, not of the recording: the decoder met an exception that its code does not expect. Another
    attempt would meet it too. Report it with the job's id and `detail`; until it is repaired, another format may work.
    """

    code, title = "decoder_defect", "The decoder has a defect"


class AttemptsExhausted(PermanentError):
    """Workers failed or died at it three times. POST …/retry makes a new job of it; if that fails too, give the job's
    id to whoever runs the stack.
    """

    code, title = "attempts_exhausted", "Every attempt failed"


class NotStorable(PermanentError):
    """Tiro reads back what it made before it calls a job completed, and this did not pass: `detail` names the value. It
    is a defect of Tiro's, not of the recording. Try the job again by POST …/retry; if it fails again, report its id.
    """

    code, title = "not_storable", "The result cannot be stored"


class MalformedMessage(PermanentError):
    """A message that no version of Tiro wrote; only a person can tell what it was. Who else writes to the queue?"""

    code, title = "malformed_message", "A message on the queue cannot be read"


class NotConfigured(PermanentError):
    """A command has nowhere to go, or nothing to be let in with. `detail` says what to set."""

    code, title, status = "not_configured", "Tiro is not set up here", 503


class Conflict(PermanentError):
    """A conditional write lost: somebody else was first. Look at what is there now, and try again."""

    code, title, status = "conflict", "Somebody else changed this job first", 409


class IllegalTransition(Conflict):
    """It was at its end, or elsewhere, when this came. Look at the job, and ask for what its status allows."""

    code, title = "illegal_transition", "The job's status does not allow this"


class LeaseLost(Conflict):
    """An attempt came back after another had taken its job over. Nothing is to be done: the other one completes it."""

    code, title = "lease_lost", "Another attempt holds this job"


# ---------------------------------------------------------------- worth trying again


class Throttled(TransientError):
    """The stage takes so many calls a second from all callers together. Wait a moment, then call more slowly."""

    code, title, status = "throttled", "Too many calls at once", 429


class QuotaExceeded(TransientError):
    """Your share is used up: wait for jobs to end, or for the next day. `RateLimit-Policy` names the quotas."""

    code, title, status = "quota_exceeded", "Your quota is used up", 429

    def __init__(self, detail: str = "", *, headers: Mapping[str, str] | None = None, retry_after: int = 30) -> None:
        super().__init__(detail)
        self.headers, self.retry_after = dict(headers or {}), retry_after


class CallInProgress(TransientError):
    """The first call with this Idempotency-Key has no answer yet. Repeat yours in a moment."""

    code, title, status = "call_in_progress", "The first call with this key is not answered yet", 409


class TranscriptNotReady(TransientError):
    """Ask again after `Retry-After`; or GET the job with `Prefer: wait=20`, which waits."""

    code, title, status = "transcript_not_ready", "The transcript is not ready yet", 409


class ServiceUnavailable(TransientError):
    """AWS throttled a call of Tiro's, or did not answer. Try again in a moment; if it goes on, tell whoever runs the
    stack the `request_id`.
    """

    code, title, status = "service_unavailable", "A service Tiro stands on did not answer", 503


class StillProcessing(TransientError):
    """A call can wait for its transcript for half a minute at most. The job goes on: ask for it by its id."""

    code, title, status = "still_processing", "The recording is not done yet", 504


class JobHeld(TransientError):
    """Its lease must run out first, which takes two minutes. It is asked again by itself."""

    code, title, status = "job_held", "An attempt is at work on this job", 409


class EngineFailed(TransientError):
    """Whisper failed in one attempt. Another follows by itself, three in all; then the job fails with
    `attempts_exhausted`.
    """

    code, title = "engine_failed", "The speech engine failed"


class EnginePoisoned(EngineFailed):
    """A GPU failed in a way that outlives the call: its process can hear nothing more, and ends. Another goes on with
    the job.
    """

    code, title = "engine_poisoned", "The speech engine is out of order"


class DecoderFailed(TransientError):
    """The process that decodes a recording ended or got no processor time, and the recording was not the cause. Tiro
    starts another attempt by itself.
    """

    code, title = "decoder_failed", "The decoder failed"


class Interrupted(TransientError):
    """The worker is asked to stop, by SIGTERM or by Spot: the job goes back and no attempt is counted. Another goes
    on with it.
    """

    code, title, status = "interrupted", "The worker is being stopped", 503


class PeerUnavailable(TransientError):
    """The server that a URL leads to could not be reached, broke off, or had trouble of its own. Submit again when it
    answers.
    """

    code, title, status = "peer_unavailable", "The other server did not answer", 502

    def __init__(
        self,
        detail: str = "",
        *,
        retry_after: timedelta | None = None,  # that the server asks for
        lasting: bool = False,  # seldom heals within minutes
        malformed: bool = False,  # what was sent is not HTTP: the same request gives the same answer
    ) -> None:
        super().__init__(detail)
        self.retry_after, self.lasting, self.malformed = retry_after, lasting, malformed


class Unreachable(TransientError):
    """Check the address, the network, and whether a proxy stands between; then try again."""

    code, title, status = "unreachable", "Tiro cannot be reached", 503


class InternalError(TransientError):
    """A mistake of ours, which is in the log under `request_id`. Try again; if it stays, report it with that."""

    code, title = "internal_error", "Something went wrong inside Tiro"
