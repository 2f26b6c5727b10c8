"""What a JobQueue promises: a message is in one pair of hands at a time, until it is deleted or let go."""

from __future__ import annotations

import pytest

from tiro.handling import Priority
from tiro.message import JobMessage
from tiro.pace import Depth
from tiro.ports import JobQueue, Received

MESSAGE = JobMessage(job_id="01kdy3q7ze0000000000000001", generation=1)


def receive(queue: JobQueue) -> Received:
    received = queue.receive(wait_seconds=0)
    assert received is not None
    return received


class JobQueueContract:
    @pytest.fixture
    def queue(self) -> JobQueue:
        raise NotImplementedError

    def test_an_empty_queue_gives_nothing(self, queue: JobQueue) -> None:
        assert queue.receive(wait_seconds=0) is None

    def test_a_message_comes_out_as_it_went_in(self, queue: JobQueue) -> None:
        queue.send(MESSAGE, owner="ada")
        received = receive(queue)
        assert JobMessage.parse(received.body) == MESSAGE
        assert received.receives == 1

    def test_a_message_in_hand_is_hidden(self, queue: JobQueue) -> None:
        queue.send(MESSAGE, owner="ada")
        received = receive(queue)
        assert queue.receive(wait_seconds=0) is None
        queue.extend(received, seconds=60)
        assert queue.receive(wait_seconds=0) is None

    def test_one_message_is_received_at_a_time(self, queue: JobQueue) -> None:
        other = MESSAGE.model_copy(update={"generation": 2})
        queue.send(MESSAGE, owner="ada")
        queue.send(other, owner="bob")
        bodies = {receive(queue).body for _ in range(2)}
        assert {JobMessage.parse(body).generation for body in bodies} == {1, 2}
        assert queue.receive(wait_seconds=0) is None

    def test_a_message_given_back_comes_again_at_once_and_is_counted(self, queue: JobQueue) -> None:
        queue.send(MESSAGE, owner="ada")
        for receives in (1, 2, 3):
            received = receive(queue)
            assert received.receives == receives
            queue.extend(received, seconds=0)

    def test_what_is_interactive_comes_first_and_what_may_wait_comes_too(self, queue: JobQueue) -> None:
        for generation, priority in enumerate((Priority.BATCH, Priority.BATCH, Priority.INTERACTIVE)):
            queue.send(MESSAGE.model_copy(update={"generation": generation}), owner="ada", priority=priority)
        first, second = receive(queue), receive(queue)
        generations = [JobMessage.parse(received.body).generation for received in (first, second, receive(queue))]
        assert (generations[0], {*generations[1:]}) == (2, {0, 1})

    def test_what_may_wait_is_given_back_and_deleted_like_any_other(self, queue: JobQueue) -> None:
        queue.send(MESSAGE, owner="ada", priority=Priority.BATCH)
        queue.extend(receive(queue), seconds=0)
        again = receive(queue)
        assert again.receives == 2
        queue.delete(again)
        queue.extend(again, seconds=0)
        assert queue.receive(wait_seconds=0) is None

    def test_how_deep_it_is_is_told_by_priority(self, queue: JobQueue) -> None:
        assert queue.depth(Priority.INTERACTIVE) == queue.depth(Priority.BATCH) == Depth()
        for priority in (Priority.BATCH, Priority.INTERACTIVE, Priority.INTERACTIVE):
            queue.send(MESSAGE, owner="ada", priority=priority)
        receive(queue)
        assert queue.depth(Priority.INTERACTIVE) == Depth(waiting=1, in_hand=1)
        assert queue.depth(Priority.BATCH) == Depth(waiting=1)

    def test_a_deleted_message_is_gone(self, queue: JobQueue) -> None:
        queue.send(MESSAGE, owner="ada")
        queue.delete(receive(queue))
        assert queue.receive(wait_seconds=0) is None

    def test_a_handle_that_is_no_longer_good_is_no_error(self, queue: JobQueue) -> None:
        """Whose the job is, the lease says; what cannot be hidden any longer will be handed out again, that is all."""
        queue.send(MESSAGE, owner="ada")
        received = receive(queue)
        queue.delete(received)
        queue.extend(received, seconds=60)
        queue.delete(received)
        assert queue.receive(wait_seconds=0) is None
