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

from tiro.adapters.dynamodb.jobs import DynamoDBJobStore
from tiro.adapters.dynamodb.keys import DynamoDBKeyStore
from tiro.adapters.dynamodb.runs import DynamoDBRunStore

__all__ = ["DynamoDBJobStore", "DynamoDBKeyStore", "DynamoDBRunStore"]
