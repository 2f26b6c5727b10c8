"""The CDK app. Synth needs neither Docker, an AWS account, git nor a Node of yours.

    python -m infra                                       every stack of the stage in cdk.json, into cdk.out
    python -m infra --stage sandbox --output DIR          another stage, elsewhere
    python -m infra -c stage=dev -c max_media_seconds=60  any field of infra.config.StageConfig
    python -m infra --no-validation                       trust the templates: some seconds less

`cdk deploy` and its kin run it too (cdk.json), and say by the environment what they want.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from aws_cdk import App, Stack

from infra.bundling import BundlingError, Target, bundle
from infra.config import ConfigError, configure
from infra.edge import EdgeStack
from infra.service import ServiceStack
from infra.watch import STAGE_TAG
from infra.workers import WorkersStack

ROOT = Path(__file__).resolve().parent.parent


def build(context: Mapping[str, Any], *, output: Path, validate: bool = True) -> App:
    """Return the app with all its stacks, to be written to `output`.

    What CDK's command line says goes before cdk.json, and cdk.json's `context` gives way to the one passed
    here. `validate` checks the templates against CloudFormation's schemas.

    Raises ConfigError, BundlingError.
    """
    defaults = json.loads((ROOT / "cdk.json").read_text())["context"] | context
    app = App(
        context=defaults,
        outdir=str(output),
        analytics_reporting=False,
        builtin_cloud_formation_validation=validate,
    )
    config = configure(app.node.get_all_context())
    code = bundle(ROOT, Target.native() if config.native else Target.aws_lambda())
    service = ServiceStack(app, f"tiro-{config.stage}-service", config=config, code=code)
    if config.workers != "none":
        WorkersStack(app, f"tiro-{config.stage}-workers", config=config, code=code, root=ROOT, service=service)
    if config.edge:
        EdgeStack(app, f"tiro-{config.stage}-edge", config=config, api=service.api.api)
    for stack in app.node.children:
        if isinstance(stack, Stack):
            stack.tags.set_tag(STAGE_TAG, config.stage)  # the stack's own, which CloudFormation gives to all in it
    return app


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m infra", description="Write the cloud assembly.")
    parser.add_argument("--stage", help="dev, prod or sandbox (default: as in cdk.json)")
    parser.add_argument("--output", type=Path, default=Path(os.environ.get("CDK_OUTDIR", "cdk.out")), metavar="DIR")
    parser.add_argument("--no-validation", action="store_true", help="do not check the templates")
    parser.add_argument("-c", "--context", action="append", default=[], metavar="KEY=VALUE", help="a setting")
    arguments = parser.parse_args()
    context = dict(pair.partition("=")[::2] for pair in arguments.context)
    if arguments.stage:
        context["stage"] = arguments.stage
    try:
        build(context, output=arguments.output, validate=not arguments.no_validation).synth()
    except (ConfigError, BundlingError) as error:
        parser.error(str(error))
