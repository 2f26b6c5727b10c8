"""`Idempotency-Key` on a call that makes something: docs/api/jobs.md says what it promises."""

from __future__ import annotations

from collections.abc import Callable

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.api_gateway import Router

from functions import wiring
from functions.api.description import Parameter
from functions.api.replies import owner_of
from tiro import service
from tiro.call import Answer, fingerprint, name_of, parse_key
from tiro.errors import CallInProgress, IdempotencyKeyReused
from tiro.job import new_id

KEY = Parameter(
    name="Idempotency-Key",
    where="header",
    about="Names this call, up to 255 characters, a UUID for instance. For 24 hours the same call with the same key "
    "gets the first one's answer and makes nothing more; another call with this key is refused.",
)

PROBLEMS = (IdempotencyKeyReused, CallInProgress)


def once(
    router: Router,
    make: Callable[[str], Response[str]],
    find: Callable[[str], Response[str] | None],
    renew: Callable[[Answer], Answer] = lambda answer: answer,
) -> Response[str]:
    """Answer a call by `make`, which is told the id of what it makes; a repeated one as the first was answered.

    `find` answers with what an attempt made that died before it could. `renew` makes good again what of a given answer
    does not last.
    """
    event, clock = router.current_event, wiring.clock()
    header = event.headers.get("Idempotency-Key")
    if header is None:
        return make(new_id(clock.now(), clock.entropy()))

    given, replayed = service.once(
        name_of(owner_of(router), parse_key(header)),
        fingerprint(event.http_method, event.path, event.decoded_body),
        lambda made_id: _answer(make(made_id)),
        lambda made_id: _answer(found) if (found := find(made_id)) else None,
        calls=wiring.calls(),
        clock=clock,
    )
    if replayed:
        given = renew(given)
    headers = {name: value for name, value in given.headers.items() if name.lower() != "content-type"}
    return Response(given.status, _content_type(given), given.body, headers)


def _answer(reply: Response[str]) -> Answer:
    headers = {name: str(value) for name, value in reply.headers.items()}
    return Answer(status=reply.status_code, headers=headers, body=reply.body or "")


def _content_type(answer: Answer) -> str:
    return next((value for name, value in answer.headers.items() if name.lower() == "content-type"), "application/json")
