"""Write the tables of docs/cost.md anew: `make costs`."""

from __future__ import annotations

import tempfile
from pathlib import Path

from infra.node import use_wheel
from tests.costs.page import PAGE, fill


def main() -> None:
    use_wheel()  # before CDK is imported, which starts Node
    from infra.edge import RULES
    from tests.infra.conftest import synthesize

    with tempfile.TemporaryDirectory() as folder:
        service = synthesize(Path(folder), stage="prod")
        templates = [service.template, service.beside("workers").template]
        PAGE.write_text(fill(PAGE.read_text(), templates, firewall_rules=len(RULES) + 1))  # one limits an address


if __name__ == "__main__":
    main()
