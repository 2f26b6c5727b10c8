"""What `tiro doctor` looks for is what the stacks need."""

from __future__ import annotations

import json

from tests.infra.conftest import Synthesized
from tiro.adapters.account import BOOTSTRAP
from tiro.doctor import BOOTSTRAP_VERSION, ENOUGH_FUNCTIONS, SERVICE_OUTPUTS


def test_cdks_own_stack_is_young_enough_for_all_that_is_deployed(prod: Synthesized) -> None:
    manifest = (prod.folder / "manifest.json").read_text()
    asked: list[int] = []
    json.loads(manifest, object_hook=lambda found: asked.append(found.get("requiresBootstrapStackVersion", 0)))
    assert max(asked) == BOOTSTRAP_VERSION
    assert f'"{BOOTSTRAP}"' in manifest


def test_the_stacks_tell_what_is_looked_for(prod: Synthesized, workers: Synthesized, edge: Synthesized) -> None:
    assert set(SERVICE_OUTPUTS) <= set(prod.outputs())
    assert "ClusterName" in workers.outputs()
    assert "Url" in edge.outputs()


def test_so_many_functions_are_enough_for_every_queue_at_once(prod: Synthesized) -> None:
    mappings = prod.of_type("AWS::Lambda::EventSourceMapping").values()
    assert sum(m.get("ScalingConfig", {}).get("MaximumConcurrency", 0) for m in mappings) <= ENOUGH_FUNCTIONS
