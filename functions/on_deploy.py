"""CloudFormation calls at both ends of the workers stack's life: build the image; stop every worker before it goes."""

from __future__ import annotations

import time
from typing import Any

from functions import wiring
from tiro import service
from tiro.adapters.cloudformation import answer
from tiro.settings import DeploySettings


def handler(event: dict[str, Any], context: Any) -> None:
    config = wiring.settings(DeploySettings)
    words = "Nothing to do."
    try:
        if event["RequestType"] == "Delete":
            until = wiring.clock().now() + service.DRAIN_TIME
            left = service.drain(wiring.crew(config.cluster), clock=wiring.clock(), until=until, sleep=time.sleep)
            words = f"{left} machines were still there." if left else "Every worker and machine is gone."
        elif config.project:
            words = f"The image is being built: {wiring.builder(config.project).start()}"
    except Exception as error:  # noqa: BLE001  (whatever it is, CloudFormation would wait an hour for an answer)
        wiring.logger("on_deploy").exception("could not")
        answer(event, ok=event["RequestType"] == "Delete", words=str(error))
    else:
        wiring.logger("on_deploy").info("answered", extra={"words": words})
        answer(event, ok=True, words=words)
