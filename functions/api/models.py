"""The models that this stack hears with."""

from __future__ import annotations

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.api_gateway import Router

from functions import wiring
from functions.api.description import describe
from tiro.errors import ModelNotFound
from tiro.key import Scope
from tiro.model import Model, ModelList, find_model, list_models
from tiro.settings import ApiSettings

router = Router()

PREFIX = "/v1/models"
"""OpenAI's SDKs call these routes too, and so their errors are in its shape beside Tiro's."""


@router.get("/v1/models")
@describe(
    "List the models deployed",
    about="In OpenAI's shape, with what each understands beside it.",
    scope=Scope.READ,
    answers={200: ModelList},
)
def list_() -> Response[str]:
    models = list_models(wiring.settings(ApiSettings).models)
    return Response(200, "application/json", models.model_dump_json())


@router.get("/v1/models/<model>")
@describe(
    "See one model",
    about="By an id of the list, or `whisper-1`, which OpenAI's calls take for the default.",
    scope=Scope.READ,
    answers={200: Model},
    problems=(ModelNotFound,),
)
def get(model: str) -> Response[str]:
    found = find_model(model, wiring.settings(ApiSettings).models)
    return Response(200, "application/json", found.model_dump_json())
