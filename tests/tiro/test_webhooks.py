"""An owner's webhooks: how many, at which addresses, with secrets that change; and what is sent by hand."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from standardwebhooks import Webhook

from tests.factories import NOW, make_queued_job
from tests.fakes import FakeClock
from tests.fakes_delivery import FakeEndpointStore, FakeNotifier
from tests.tiro.post import SECRET, SETTINGS, Post, ended
from tiro import service
from tiro.delivery import Delivery, DeliveryState
from tiro.errors import AddressRefused, InvalidRequest, TooManyWebhooks
from tiro.job import Job
from tiro.service.webhooks import redeliver, rotate
from tiro.signature import verify
from tiro.webhook import JobWebhook


def test_what_was_given_up_is_sent_again_by_hand() -> None:
    post = Post(FakeNotifier(AddressRefused("inside"), 200))
    post.register()
    [made] = post.announce(job_ended := ended())
    post.work()
    job: Job = make_queued_job(id=job_ended.job_id)
    again = redeliver(job, made.id, deliveries=post.deliveries, queue=post.queue, clock=post.clock)
    assert again.state is DeliveryState.PENDING
    post.work()
    assert post.look(made).state is DeliveryState.DELIVERED
    assert [a.error for a in post.look(made).attempts] == ["inside", None]


def test_for_a_day_both_secrets_sign() -> None:
    post = Post()
    old = post.register()
    new = rotate(old.id, owner="ada", endpoints=post.endpoints, clock=post.clock)
    assert new.secret != old.secret
    post.announce(ended())
    post.work()
    _, headers, body = post.notifier.told[-1]
    assert headers["webhook-signature"].count("v1,") == 2
    for secret in (old.secret, new.secret):
        verify(body, headers, secrets=[secret], now=post.clock.now())
    post.clock.advance(24 * 3600)
    post.announce(ended(id="02"))
    post.work()
    assert post.notifier.told[-1][1]["webhook-signature"].count("v1,") == 1


def test_no_more_than_twenty() -> None:
    post = Post()
    for number in range(20):
        post.register(number)
    with pytest.raises(TooManyWebhooks):
        post.register(20)


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/",
        "https://127.0.0.1/",
        "https://[::1]/",
        "https://169.254.169.254/",
        "https://example.com:22/",
    ],
)
def test_an_address_that_may_not_be_reached_is_refused_at_once(url: str) -> None:
    for webhook in (JobWebhook(url=url, secret=SECRET),):
        with pytest.raises(InvalidRequest, match="/webhook/url"):
            service.check_webhook(webhook, owner="ada", endpoints=FakeEndpointStore(), settings=SETTINGS)
    with pytest.raises(InvalidRequest, match="/webhook/endpoint"):
        service.check_webhook(
            JobWebhook(endpoint="wh_x"), owner="ada", endpoints=FakeEndpointStore(), settings=SETTINGS
        )


def test_a_secret_is_in_no_repr() -> None:
    event = ended(webhook=JobWebhook(url="https://own.example/", secret=SECRET))
    post = Post()
    endpoint = rotate(post.register().id, owner="ada", endpoints=post.endpoints, clock=post.clock)
    for thing in (event, endpoint, Delivery.of(event, None, at=NOW, look_at=NOW)):
        assert "whsec_" not in repr(thing)
    assert b"whsec_" not in event.body()


def test_the_reference_library_takes_what_we_send() -> None:
    post = Post(clock=FakeClock(datetime.now(UTC)))
    endpoint = post.register()
    post.announce(ended())
    post.work()
    _, headers, body = post.notifier.told[0]
    assert Webhook(endpoint.secret).verify(body, headers)["data"]["status"] == "cancelled"
