"""Jobs, leases and keys in one DynamoDB table, where the table itself refuses what must not happen.

pk               sk                 what
job#{id}         job                a job, or its tombstone; the index `due` sees it while it awaits its media, is
                                    queued, or has something that is to be removed, and `by_owner` (owner_month,
                                    job_id, and its summary) until it is deleted
job#{id}         run                its lease, progress and checkpoint: small, often written; `due` sees when it ends
job#{id}         event#{revision}   the outbox: what a change has to tell, which the stream takes on; kept for a week
job#{id}         delivery#{id}      an event on its way to a webhook, and its log; `due` sees it while it is pending
webhooks#{owner} endpoint#{id}      where an owner's events are told, and the secret that signs them
job#{id}         fetch              how far the fetching of its `url` is, on `due` too; gone when it is there
batch#{id}       batch              recordings that were asked for at once
batch#{id}       count#{shard}      how many of their jobs have which status
object#{hash}    write#{sequencer}  which job a write of an inbox key became
object#{hash}    newest             the newest write of that key
owner#{owner}    usage#{shard}      how many jobs are in flight, and the month of the first one
owner#{…}#{day}  audio#{shard}      seconds of audio that were queued that day; forgotten after some weeks
call#{hash}      call               a call with an Idempotency-Key, and its answer; forgotten after a day
waiting#{n}      seat               a call that is held open, and until when
asked#{hash}     asked              which job answers a call that may come again; forgotten after some minutes
pace#{hour}      pace               how many jobs were heard in an hour, and how long that took; kept two days
key#{hash}       key                an API key
fleet            length             how long recordings are in the mean (tiro/service/dispatch.py)
fleet            launch             when workers were last asked for
keys             {key id}           the register of keys: which hash, whose

A model is kept whole, as JSON, in `document`; beside it stands only what a condition or an index looks at.

An answer that is lost on its way makes botocore ask again, and then the first write refuses the second. So what
was refused is read back: if it is there just as it was to be written, it was written.
"""

from tiro.adapters.dynamodb.asked import DynamoDBAskedStore
from tiro.adapters.dynamodb.batches import DynamoDBBatchStore
from tiro.adapters.dynamodb.calls import DynamoDBCallStore, DynamoDBWaitingRoom
from tiro.adapters.dynamodb.deliveries import DynamoDBDeliveryStore
from tiro.adapters.dynamodb.fetches import DynamoDBFetchStore
from tiro.adapters.dynamodb.jobs import DynamoDBJobStore
from tiro.adapters.dynamodb.keys import DynamoDBKeyStore
from tiro.adapters.dynamodb.launches import DynamoDBLaunchStore
from tiro.adapters.dynamodb.lengths import DynamoDBLengthStore
from tiro.adapters.dynamodb.listing import DynamoDBJobIndex
from tiro.adapters.dynamodb.pace import DynamoDBPaceStore
from tiro.adapters.dynamodb.runs import DynamoDBRunStore
from tiro.adapters.dynamodb.usage import DynamoDBUsageStore
from tiro.adapters.dynamodb.webhooks import DynamoDBEndpointStore

__all__ = [
    "DynamoDBAskedStore",
    "DynamoDBBatchStore",
    "DynamoDBCallStore",
    "DynamoDBDeliveryStore",
    "DynamoDBEndpointStore",
    "DynamoDBFetchStore",
    "DynamoDBJobIndex",
    "DynamoDBJobStore",
    "DynamoDBKeyStore",
    "DynamoDBLaunchStore",
    "DynamoDBLengthStore",
    "DynamoDBPaceStore",
    "DynamoDBRunStore",
    "DynamoDBUsageStore",
    "DynamoDBWaitingRoom",
]
