"""One suite per port. The fake and the real adapter pass the same one: that is why the fakes may be believed."""

import pytest

pytest.register_assert_rewrite(
    *(f"{__name__}.{port}" for port in ("job_queue", "job_store", "key_store", "media_store", "run_store")),
    f"{__name__}.transcript_store",
)
