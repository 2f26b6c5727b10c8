"""What a JobStore promises."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.factories import NOW, make_drop, make_job, make_media, make_queued_job, make_ref
from tiro.errors import Conflict, FieldProblem, JobNotFound, NotAudio, NotStorable
from tiro.handling import Handling
from tiro.job import Job, JobStatus, Media
from tiro.ports import JobStore
from tiro.request import Options

OLDER, NEWER = make_drop(sequencer="0055AED6DCD90281E5"), make_drop(sequencer="0055AED6DCD90281E6")
STRANGE_KEYS = ["a b", "a+b", "a%20b", "a\"b'c", "ä 日本語 🎤", "a\\b", "a#b?c", "a/../b", "x" * 1024]


def dropped(job_id: str, drop: object) -> Job:
    return make_job(id=job_id, source="drop", drop=drop)


class JobStoreContract:
    @pytest.fixture
    def store(self) -> JobStore:
        raise NotImplementedError

    @pytest.mark.parametrize(
        ("media", "why"),
        [
            (make_media().model_copy(update={"duration": float("inf")}), "/media/duration is inf"),
            (make_media(name="\udfff"), "/media/name is not valid Unicode"),
            (make_media(name="x" * 500_000), "larger than"),
        ],
    )
    def test_what_cannot_be_stored_is_refused_and_changes_nothing(
        self, store: JobStore, media: Media, why: str
    ) -> None:
        with pytest.raises(NotStorable, match=why):
            store.create(make_queued_job(id="01kdy3q7ze0000000000000008").model_copy(update={"media": media}))
        with pytest.raises(JobNotFound):
            store.get("01kdy3q7ze0000000000000008")
        job = store.create(make_queued_job())
        with pytest.raises(NotStorable, match=why):
            store.save(job, job.model_copy(update={"media": media, "revision": job.revision + 1}))
        assert store.get(job.id) == job

    def test_an_unknown_job_is_not_found(self, store: JobStore) -> None:
        with pytest.raises(JobNotFound):
            store.get("01kdy3q7ze0000000000000009")

    @pytest.mark.parametrize(
        "job",
        [
            make_job(),
            make_job(upload_expires_at=NOW + timedelta(microseconds=1)),
            make_queued_job(options=Options(language="pt"), media=make_media(duration=0.1 + 0.2, size=0)),
            make_queued_job(media=make_media(key="inbox/ada/ä \"+%20'.mp3", name="日本語 🎤\u2028\x00", version=None)),
            make_job(
                status=JobStatus.COMPLETED, drop=OLDER, transcript=make_ref(duration=1 / 3), attempts=3, revision=17
            ),
            make_job(
                status=JobStatus.FAILED,
                finished_at=NOW,
                problem=NotAudio("ö" * 50_000, errors=(FieldProblem(pointer="/a", detail="b"),)).problem(
                    instance="/v1"
                ),
            ),
        ],
    )
    def test_a_job_comes_back_as_it_went_in(self, store: JobStore, job: Job) -> None:
        assert store.create(job) == job
        assert store.get(job.id) == job

    def test_an_id_is_given_once(self, store: JobStore) -> None:
        first = store.create(make_job())
        with pytest.raises(Conflict):
            store.create(make_job(owner="bob"))
        assert store.get(first.id) == first

    def test_creating_again_what_is_there_is_no_conflict(self, store: JobStore) -> None:
        """The answer to the first attempt may have been lost."""
        assert store.create(make_job()) == store.create(make_job())

    def test_save_replaces(self, store: JobStore) -> None:
        before = store.create(make_job())
        after = before.queued(at=NOW, media=make_media())
        store.save(before, after)
        assert store.get(before.id) == after

    def test_an_update_is_never_lost(self, store: JobStore) -> None:
        before = store.create(make_job())
        winner = before.queued(at=NOW, media=make_media())
        store.save(before, winner)
        with pytest.raises(Conflict):
            store.save(before, before.failed(at=NOW, problem=NotAudio().problem()))
        assert store.get(before.id) == winner

    def test_a_job_that_is_not_there_cannot_be_saved(self, store: JobStore) -> None:
        before = make_job()
        with pytest.raises(Conflict):
            store.save(before, before.queued(at=NOW, media=make_media()))
        with pytest.raises(JobNotFound):
            store.get(before.id)

    def test_saving_the_same_change_again_is_no_conflict(self, store: JobStore) -> None:
        before = store.create(make_job())
        after = before.queued(at=NOW, media=make_media())
        store.save(before, after)
        store.save(before, after)
        assert store.get(before.id) == after

    # ------------------------------------------------------------ drops

    def test_a_write_of_a_key_makes_one_job(self, store: JobStore) -> None:
        first = store.create(dropped("01a", OLDER))
        assert store.create(dropped("01b", OLDER)) == first
        with pytest.raises(JobNotFound):
            store.get("01b")

    def test_a_write_seen_before_gives_its_job_as_it_is_now(self, store: JobStore) -> None:
        first = store.create(dropped("01a", OLDER))
        queued = first.queued(at=NOW, media=make_media())
        store.save(first, queued)
        assert store.create(dropped("01b", OLDER)) == queued

    @pytest.mark.parametrize("order", [(OLDER, NEWER), (NEWER, OLDER)])
    def test_each_write_of_a_key_makes_a_job_in_whatever_order(
        self, store: JobStore, order: tuple[object, ...]
    ) -> None:
        for i, drop in enumerate(order):
            store.create(dropped(f"01{i}", drop))
        assert [store.get(f"01{i}").drop for i in range(2)] == list(order)
        assert store.newest(NEWER)
        assert not store.newest(OLDER)

    def test_an_older_write_seen_again_stays_older(self, store: JobStore) -> None:
        for job_id, drop in [("01a", OLDER), ("01b", NEWER), ("01c", OLDER)]:
            store.create(dropped(job_id, drop))
        assert store.newest(NEWER)
        assert not store.newest(OLDER)

    def test_a_write_alone_is_the_newest(self, store: JobStore) -> None:
        assert store.newest(OLDER)
        store.create(dropped("01a", OLDER))
        assert store.newest(OLDER)

    def test_sequencers_are_compared_from_the_left(self, store: JobStore) -> None:
        store.create(dropped("01a", make_drop(sequencer="0E12345")))
        store.create(dropped("01b", make_drop(sequencer="0F")))
        assert not store.newest(make_drop(sequencer="0E12345"))
        assert store.newest(make_drop(sequencer="0F"))

    def test_every_key_is_a_key_of_its_own(self, store: JobStore) -> None:
        for i, key in enumerate(STRANGE_KEYS):
            job = dropped(f"01{i}", make_drop(key=key))
            assert store.create(job) == job
        store.create(dropped("01z", make_drop(key=STRANGE_KEYS[0], sequencer="F")))
        assert [store.newest(make_drop(key=key)) for key in STRANGE_KEYS] == [False] + [True] * (len(STRANGE_KEYS) - 1)

    def test_the_same_key_in_another_bucket_is_another(self, store: JobStore) -> None:
        store.create(dropped("01a", NEWER))
        assert store.newest(OLDER.model_copy(update={"bucket": "other"}))

    # ------------------------------------------------------------ overdue

    def test_overdue_are_those_whose_upload_never_came(self, store: JobStore) -> None:
        late = [make_job(id=f"01{i:02}", upload_expires_at=NOW + timedelta(seconds=i)) for i in range(20)]
        for job in reversed(late):
            store.create(job)
        store.create(make_job(id="01never", upload_expires_at=None))
        store.create(make_queued_job(id="01came", upload_expires_at=NOW))
        assert store.overdue(NOW + timedelta(seconds=12), limit=100) == late[:12]
        assert store.overdue(NOW, limit=100) == []

    def test_overdue_gives_the_longest_overdue_first_up_to_a_limit(self, store: JobStore) -> None:
        late = [make_job(id=f"01{i:02}", upload_expires_at=NOW + timedelta(seconds=i)) for i in range(20)]
        for job in reversed(late):
            store.create(job)
        assert store.overdue(NOW + timedelta(days=1), limit=5) == late[:5]

    def test_a_job_that_went_on_is_not_overdue(self, store: JobStore) -> None:
        came, failed = store.create(make_job(id="01a")), store.create(make_job(id="01b"))
        store.save(came, came.queued(at=NOW, media=make_media()))
        store.save(failed, failed.failed(at=NOW, problem=NotAudio().problem()))
        assert store.overdue(NOW + timedelta(days=1), limit=100) == []

    # ------------------------------------------------------------ waiting

    def test_waiting_are_the_queued_ones_whose_message_was_sent_before(self, store: JobStore) -> None:
        sent = [make_queued_job(id=f"01{i:02}", sent_at=NOW + timedelta(seconds=i)) for i in range(20)]
        for job in reversed(sent):
            store.create(job)
        store.create(make_job(id="01awaiting", upload_expires_at=NOW))
        assert store.waiting(NOW + timedelta(seconds=12), limit=100) == sent[:12]
        assert store.waiting(NOW + timedelta(days=1), limit=5) == sent[:5]
        assert store.waiting(NOW, limit=100) == []
        assert [job.id for job in store.overdue(NOW + timedelta(days=1), limit=100)] == ["01awaiting"]

    def test_a_job_that_is_worked_on_or_was_sent_again_waits_no_more(self, store: JobStore) -> None:
        later = NOW + timedelta(minutes=10)
        worked_on, resent = store.create(make_queued_job(id="01a")), store.create(make_queued_job(id="01b"))
        store.save(worked_on, worked_on.claimed(at=later))
        store.save(resent, again := resent.resent(at=later))
        assert store.waiting(later, limit=100) == []
        assert store.waiting(later + timedelta(seconds=1), limit=100) == [again]

    # ------------------------------------------------------------ untidy

    def test_untidy_are_those_that_are_kept_long_enough(self, store: JobStore) -> None:
        def ended(number: int, seconds: int | None, status: JobStatus = JobStatus.FAILED) -> Job:
            kept = Handling(retention_seconds=seconds)
            return make_queued_job(id=f"01{number:02}", handling=kept, status=status, finished_at=NOW)

        jobs = [store.create(ended(number, 60 + number)) for number in range(5)]
        store.create(ended(20, None))
        store.create(make_queued_job(id="0121", handling=Handling(retention_seconds=60)))
        late = NOW + timedelta(seconds=63)
        assert store.untidy(late, limit=100) == jobs[:3]
        assert store.untidy(late, limit=2) == jobs[:2]
        assert store.overdue(late, limit=100) == []
        store.save(jobs[0], jobs[0].deleted(at=late))
        assert store.untidy(late, limit=100) == jobs[1:3]

    def test_a_recording_that_is_to_go_is_untidy_until_it_went(self, store: JobStore) -> None:
        kept = Handling(delete_media=True, retention_seconds=60)
        heard = make_queued_job(handling=kept, status=JobStatus.COMPLETED, finished_at=NOW, transcript=make_ref())
        store.create(heard)
        store.create(make_queued_job(id="01b", handling=kept, status=JobStatus.FAILED, finished_at=NOW))
        soon = NOW + timedelta(seconds=1)
        assert store.untidy(soon, limit=100) == [heard]
        store.save(heard, gone := heard.without_media(at=soon))
        assert store.untidy(soon, limit=100) == []
        assert gone in store.untidy(NOW + timedelta(seconds=61), limit=100)
