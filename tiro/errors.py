"""Every error Tiro raises on purpose, as one tree; what a caller sees is made from it here.

TiroError
├── PermanentError                trying again gives the same answer
│   ├── RequestError              the call is wrong, no job is made
│   │   ├── MalformedBody             malformed_body          400
│   │   ├── InvalidRequest            invalid_request         422
│   │   ├── SourceForbidden           source_forbidden        403
│   │   ├── JobNotFound               job_not_found           404
│   │   ├── RouteNotFound             route_not_found         404
│   │   ├── MethodNotAllowed          method_not_allowed      405
│   │   ├── TranscriptUnavailable     transcript_unavailable  409
│   │   ├── FormatNotAcceptable       format_not_acceptable   406
│   │   └── KeyRefused                unauthorized            401
│   ├── MediaError                the recording is wrong, the job fails
│   │   ├── MediaNotFound             media_not_found         404
│   │   ├── MediaEmpty                media_empty             422
│   │   ├── MediaTooLarge             media_too_large         413
│   │   ├── MediaTooLong              media_too_long          422
│   │   ├── NotAudio                  not_audio               422
│   │   └── NoAudioTrack              no_audio_track          422
│   ├── UploadExpired             upload_expired              408
│   ├── AttemptsExhausted         attempts_exhausted          500
│   ├── MalformedMessage          malformed_message       500   on the queue; no version wrote it
│   ├── NotConfigured             not_configured          503   the caller's side: no address, no key
│   └── Conflict                  conflict                409   a conditional write lost
│       ├── IllegalTransition         illegal_transition      409
│       └── LeaseLost                 lease_lost              409
└── TransientError                worth trying again
    ├── TranscriptNotReady        transcript_not_ready        409
    ├── ServiceUnavailable        service_unavailable         503   AWS throttled or failed
    ├── JobHeld                   job_held                    409   an attempt is at work on it
    ├── EngineFailed              engine_failed               500
    ├── Interrupted               interrupted                 503   the worker is asked to stop
    ├── Unreachable               unreachable                 503   the caller's side: nobody answers
    └── InternalError             internal_error              500   our bug: the last resort
"""

from __future__ import annotations

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
            type=f"urn:tiro:problem:{self.code}",
            title=self.title,
            status=self.status,
            detail=str(self),
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


class MalformedBody(RequestError):
    code, title, status = "malformed_body", "The body is not JSON", 400


class InvalidRequest(RequestError):
    pass


class SourceForbidden(RequestError):
    code, title, status = "source_forbidden", "This object may not be read for you", 403


class JobNotFound(RequestError):
    code, title, status = "job_not_found", "There is no such transcription", 404


class RouteNotFound(RequestError):
    code, title, status = "route_not_found", "There is no such route", 404


class MethodNotAllowed(RequestError):
    code, title, status = "method_not_allowed", "This route has no such method", 405


class TranscriptUnavailable(RequestError):
    code, title, status = "transcript_unavailable", "This job has no transcript", 409


class FormatNotAcceptable(RequestError):
    code, title, status = "format_not_acceptable", "There is no such format", 406


class KeyRefused(RequestError):
    code, title, status = "unauthorized", "The API key is missing or not valid", 401


# ---------------------------------------------------------------- the recording is wrong


class MediaError(PermanentError):
    """The recording is wrong, the job fails."""

    code, title, status = "media_invalid", "The recording cannot be transcribed", 422


class MediaNotFound(MediaError):
    code, title, status = "media_not_found", "The recording is not there", 404


class MediaEmpty(MediaError):
    code, title = "media_empty", "The recording is empty"


class MediaTooLarge(MediaError):
    code, title, status = "media_too_large", "The recording is too large", 413


class MediaTooLong(MediaError):
    code, title = "media_too_long", "The recording is too long"


class NotAudio(MediaError):
    code, title = "not_audio", "The file is not audio or video that can be read"


class NoAudioTrack(MediaError):
    code, title = "no_audio_track", "The file has no audio track"


# ---------------------------------------------------------------- the job came to its end


class UploadExpired(PermanentError):
    code, title, status = "upload_expired", "The upload never came", 408


class AttemptsExhausted(PermanentError):
    code, title = "attempts_exhausted", "Every attempt failed"


class MalformedMessage(PermanentError):
    """A message that no version of Tiro wrote; only a person can tell what it was."""

    code, title = "malformed_message", "A message on the queue cannot be read"


class NotConfigured(PermanentError):
    """A command has nowhere to go, or nothing to be let in with."""

    code, title, status = "not_configured", "Tiro is not set up here", 503


class Conflict(PermanentError):
    """A conditional write lost: somebody else was first."""

    code, title, status = "conflict", "Somebody else changed this job first", 409


class IllegalTransition(Conflict):
    code, title = "illegal_transition", "The job's status does not allow this"


class LeaseLost(Conflict):
    code, title = "lease_lost", "Another attempt holds this job"


# ---------------------------------------------------------------- worth trying again


class TranscriptNotReady(TransientError):
    code, title, status = "transcript_not_ready", "The transcript is not ready yet", 409


class ServiceUnavailable(TransientError):
    code, title, status = "service_unavailable", "A service Tiro stands on did not answer", 503


class JobHeld(TransientError):
    code, title, status = "job_held", "An attempt is at work on this job", 409


class EngineFailed(TransientError):
    code, title = "engine_failed", "The speech engine failed"


class Interrupted(TransientError):
    """The worker is asked to stop, by SIGTERM or by Spot: the job goes back and no attempt is counted."""

    code, title, status = "interrupted", "The worker is being stopped", 503


class Unreachable(TransientError):
    code, title, status = "unreachable", "Tiro cannot be reached", 503


class InternalError(TransientError):
    code, title = "internal_error", "Something went wrong inside Tiro"
