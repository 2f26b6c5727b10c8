"""Jobs, leases and keys in one DynamoDB table, where the table itself refuses what must not happen.

pk               sk                 what
job#{id}         job                a job; the index `due` sees it while it awaits its media
job#{id}         run                its lease and progress: small, often written, in no index
object#{hash}    write#{sequencer}  which job a write of an inbox key became
object#{hash}    newest             the newest write of that key
key#{hash}       key                an API key

A model is kept whole, as JSON, in `document`; beside it stands only what a condition or an index looks at.

An answer that is lost on its way makes botocore ask again, and then the first write refuses the second. So what
was refused is read back: if it is there just as it was to be written, it was written.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, TypeAlias

from botocore.exceptions import BotoCoreError, ClientError

from tiro.adapters.aws import code_of, unavailable
from tiro.errors import Conflict, JobNotFound, LeaseLost
from tiro.job import Drop, Job, JobStatus, Run

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef, PutTypeDef, TransactWriteItemTypeDef

    Item: TypeAlias = dict[str, AttributeValueTypeDef]

DUE_INDEX = "due"
DUE_SHARDS = 8
"""One value of an index key takes about 1,000 writes a second; so uploads may begin eight times as fast."""

SEQUENCER_WIDTH = 64
"""S3's sequencers have about 18 digits; padded on the right to one width, they compare as strings."""

_UNSEEN = "attribute_not_exists(pk)"
_UNCHANGED = "revision = :revision"
_HELD = "attempt = :attempt"


class DynamoDBJobStore:
    """ports.JobStore."""

    def __init__(self, client: DynamoDBClient, table: str) -> None:
        self._table = _Table(client, table)

    def create(self, job: Job) -> Job:
        if job.drop is not None:
            return self._create_for(job.drop, job)
        if not self._table.put(_job_item(job), _UNSEEN):
            self._must_be_stored(job)
        return job

    def _create_for(self, drop: Drop, job: Job) -> Job:
        write = _key(_object(drop), f"write#{drop.sequencer}")
        refused = self._table.transact(
            self._table.a_put(_job_item(job), _UNSEEN),
            self._table.a_put({**write, "job_id": {"S": job.id}}, _UNSEEN),
        )
        if refused:
            seen = self._table.get(write)
            if seen is None:
                raise Conflict(f"There is another job {job.id}.")
            job = self.get(seen["job_id"]["S"])
        # Not in the transaction, since an older write gets its job too; and again for a write that was seen
        # before, since whoever saw it may have died right here.
        self._note_newest(drop, job.id)
        return job

    def _note_newest(self, drop: Drop, job_id: str) -> None:
        item: Item = {**_newest(drop), "sequencer": {"S": _padded(drop)}, "job_id": {"S": job_id}}
        older = "attribute_not_exists(pk) OR sequencer < :sequencer"
        self._table.put(item, older, {":sequencer": item["sequencer"]})  # refused: a newer one is noted already

    def get(self, job_id: str) -> Job:
        job = _find(self._table, job_id)
        if job is None:
            raise JobNotFound(f"There is no transcription {job_id}.")
        return job

    def save(self, before: Job, after: Job) -> None:
        if not self._table.put(_job_item(after), _UNCHANGED, _revision(before)):
            self._must_be_stored(after)

    def _must_be_stored(self, job: Job) -> None:
        if _find(self._table, job.id) != job:
            raise Conflict

    def newest(self, drop: Drop) -> bool:
        item = self._table.get(_newest(drop))
        return item is None or item["sequencer"]["S"] <= _padded(drop)

    def overdue(self, now: datetime, limit: int) -> Sequence[Job]:
        due = [entry for shard in range(DUE_SHARDS) for entry in self._table.due(shard, now, limit)]
        due.sort(key=lambda entry: float(entry["due_at"]["N"]))
        jobs = (_find(self._table, entry["pk"]["S"].removeprefix("job#")) for entry in due[:limit])
        # The index lags behind the table: the job itself has the last word.
        return [job for job in jobs if job and job.upload_expires_at and job.upload_expires_at < now]


class DynamoDBRunStore:
    """ports.RunStore."""

    def __init__(self, client: DynamoDBClient, table: str) -> None:
        self._table = _Table(client, table)

    def claim(self, before: Job, after: Job, run: Run, *, now: datetime) -> None:
        free = "attribute_not_exists(pk) OR lease_expires_at < :now"
        refused = self._table.transact(
            self._table.a_put(_job_item(after), _UNCHANGED, _revision(before)),
            self._table.a_put(_run_item(after.id, run), free, {":now": _epoch(now)}),
        )
        if refused and not (_find(self._table, after.id) == after and self.get(after.id) == run):
            raise Conflict("Another attempt holds this job, or somebody changed it first.")

    def renew(self, job_id: str, run: Run) -> None:
        if not self._table.put(_run_item(job_id, run), _HELD, {":attempt": {"S": run.attempt}}):
            raise LeaseLost

    def finish(self, before: Job, after: Job, attempt: str) -> None:
        refused = self._table.transact(
            self._table.a_put(_job_item(after), _UNCHANGED, _revision(before)),
            self._table.a_delete(_run_key(after.id), _HELD, {":attempt": {"S": attempt}}),
        )
        if refused and _find(self._table, after.id) != after:
            raise LeaseLost if 1 in refused else Conflict

    def get(self, job_id: str) -> Run | None:
        item = self._table.get(_run_key(job_id))
        return Run.model_validate_json(item["document"]["S"]) if item else None


class DynamoDBKeyStore:
    """ports.KeyStore."""

    def __init__(self, client: DynamoDBClient, table: str) -> None:
        self._table = _Table(client, table)

    def owner_of(self, key_hash: str) -> str | None:
        item = self._table.get(_key(f"key#{key_hash}", "key"))
        return item["owner"]["S"] if item else None

    def add(self, key_hash: str, owner: str, *, at: datetime) -> None:
        item: Item = {
            **_key(f"key#{key_hash}", "key"),
            "owner": {"S": owner},
            "created_at": {"S": at.isoformat()},
        }
        if not self._table.put(item, _UNSEEN) and self.owner_of(key_hash) != owner:
            raise Conflict("Somebody else has this key.")


# ---------------------------------------------------------------- how a thing lies in the table


def _key(pk: str, sk: str) -> Item:
    return {"pk": {"S": pk}, "sk": {"S": sk}}


def _job_key(job_id: str) -> Item:
    return _key(f"job#{job_id}", "job")


def _run_key(job_id: str) -> Item:
    return _key(f"job#{job_id}", "run")


def _object(drop: Drop) -> str:
    # Hashed, since an object's key may be longer than what a table's key and its prefix may be together.
    return f"object#{hashlib.sha256(f'{drop.bucket}/{drop.key}'.encode()).hexdigest()}"


def _newest(drop: Drop) -> Item:
    return _key(_object(drop), "newest")


def _padded(drop: Drop) -> str:
    return drop.sequencer.ljust(SEQUENCER_WIDTH, "0")


def _job_item(job: Job) -> Item:
    item: Item = {
        **_job_key(job.id),
        "status": {"S": job.status},
        "owner": {"S": job.owner},
        "revision": {"N": str(job.revision)},
        "generation": {"N": str(job.generation)},
        "attempts": {"N": str(job.attempts)},
        "created_at": {"S": job.created_at.isoformat()},
        "document": {"S": job.model_dump_json()},
    }
    if job.status is JobStatus.AWAITING_MEDIA and job.upload_expires_at:
        item["due_shard"] = {"S": str(zlib.crc32(job.id.encode()) % DUE_SHARDS)}
        item["due_at"] = _epoch(job.upload_expires_at)
    return item


def _run_item(job_id: str, run: Run) -> Item:
    return {
        **_run_key(job_id),
        "attempt": {"S": run.attempt},
        "lease_expires_at": _epoch(run.lease_expires_at),
        "document": {"S": run.model_dump_json()},
    }


def _revision(before: Job) -> Item:
    return {":revision": {"N": str(before.revision)}}


def _epoch(at: datetime) -> AttributeValueTypeDef:
    return {"N": f"{at.timestamp():.6f}"}  # a datetime's microseconds, all of them


def _find(table: _Table, job_id: str) -> Job | None:
    item = table.get(_job_key(job_id))
    return Job.model_validate_json(item["document"]["S"]) if item else None


# ---------------------------------------------------------------- the table


class _Table:
    """Conditional writes that answer whether they were done; every other failure is ServiceUnavailable."""

    def __init__(self, client: DynamoDBClient, name: str) -> None:
        self._client = client
        self._name = name

    def get(self, key: Item) -> Item | None:
        with _dynamodb_errors():
            return self._client.get_item(TableName=self._name, Key=key, ConsistentRead=True).get("Item")

    def due(self, shard: int, now: datetime, limit: int) -> Sequence[Item]:
        with _dynamodb_errors():
            answer = self._client.query(
                TableName=self._name,
                IndexName=DUE_INDEX,
                KeyConditionExpression="due_shard = :shard AND due_at < :now",
                ExpressionAttributeValues={":shard": {"S": str(shard)}, ":now": _epoch(now)},
                Limit=limit,
            )
        return answer["Items"]

    def put(self, item: Item, condition: str, values: Item | None = None) -> bool:
        try:
            with _dynamodb_errors():
                self._client.put_item(**self.a_put(item, condition, values)["Put"])
        except _Refused:
            return False
        return True

    def transact(self, *writes: TransactWriteItemTypeDef) -> frozenset[int]:
        """Do all or nothing; return which writes had their condition refused: none when all was done."""
        try:
            with _dynamodb_errors():
                self._client.transact_write_items(TransactItems=writes)
        except _Refused as refused:
            return refused.writes
        return frozenset()

    def a_put(self, item: Item, condition: str, values: Item | None = None) -> TransactWriteItemTypeDef:
        put: PutTypeDef = {"TableName": self._name, "Item": item, "ConditionExpression": condition}
        if values is not None:
            put["ExpressionAttributeValues"] = values
        return {"Put": put}

    def a_delete(self, key: Item, condition: str, values: Item) -> TransactWriteItemTypeDef:
        return {
            "Delete": {
                "TableName": self._name,
                "Key": key,
                "ConditionExpression": condition,
                "ExpressionAttributeValues": values,
            }
        }


class _Refused(Exception):
    """A condition did not hold. `writes` are the places in the transaction of those that failed theirs."""

    def __init__(self, writes: frozenset[int]) -> None:
        super().__init__(writes)
        self.writes = writes


@contextmanager
def _dynamodb_errors() -> Iterator[None]:
    """Let no error of botocore's out. Raises _Refused where a condition said no, else ServiceUnavailable."""
    try:
        yield
    except ClientError as error:
        refused = _refused(error)
        raise _Refused(refused) if refused else unavailable(error) from error
    except BotoCoreError as error:
        raise unavailable(error) from error


def _refused(error: ClientError) -> frozenset[int]:
    if code_of(error) == "ConditionalCheckFailedException":
        return frozenset({0})
    # A transaction that met another one is cancelled too; only a condition that failed will fail again.
    reasons = error.response.get("CancellationReasons", [])
    return frozenset(i for i, reason in enumerate(reasons) if reason.get("Code") == "ConditionalCheckFailed")
