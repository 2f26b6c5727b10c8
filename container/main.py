"""Begins the worker: where it meets AWS, an engine, and the system's signals. Run as `python -m container`."""

from __future__ import annotations

import os
import sys
import time
from contextlib import closing

from container import log
from container.decoding import Decoders, DecoderTerms
from container.spot import InstanceMetadata, SpotWatch
from container.stopping import Stopping
from container.telemetry import Telemetry
from container.warm_up import warm_up
from container.watchdog import Watchdog
from container.weights import WeightsUnavailable
from container.worker import Worker, World
from tiro.errors import TiroError
from tiro.settings import SettingsError, WorkerSettings


def build(settings: WorkerSettings, decoders: Decoders, watchdog: Watchdog) -> World:
    """Make the adapters and load the model."""
    from container.engines.choice import load_engine
    from container.transcriber import WindowTranscriber
    from tiro.adapters import aws
    from tiro.adapters.dynamodb import DynamoDBJobStore, DynamoDBRunStore
    from tiro.adapters.s3 import S3MediaStore, S3TranscriptStore
    from tiro.adapters.s3_checkpoints import S3CheckpointStore
    from tiro.adapters.sqs import SQSJobQueue
    from tiro.adapters.table_clock import TableClock

    engine = load_engine(settings)
    warm_up(engine, decoders)
    media, clock = S3MediaStore(aws.s3_client(), settings.media_bucket), TableClock()
    return World(
        jobs=DynamoDBJobStore(clock.follow(aws.dynamodb_client()), settings.table),
        runs=DynamoDBRunStore(clock.follow(aws.dynamodb_client()), settings.table),
        transcripts=S3TranscriptStore(aws.s3_client(), settings.transcript_bucket),
        checkpoints=S3CheckpointStore(aws.s3_client(), settings.transcript_bucket),
        queue=SQSJobQueue(aws.sqs_client(), settings.queue_url, settings.batch_queue_url),
        transcriber=WindowTranscriber(
            media=media,
            engine=engine,
            batch_size=settings.batch_size,
            beam_size=settings.beam_size,
            open_sound=decoders.open,
        ),
        clock=clock,
        watchdog=watchdog,
        telemetry=Telemetry(settings.stage, clock, settings.usd_per_worker_hour),
    )


def main() -> int:
    """Run until told to stop; the exit status is 0 for a clean end, 1 for no start, 70 for an engine out of order."""
    stopping = Stopping()
    stopping.on_signals()
    started = time.monotonic()
    try:
        settings = WorkerSettings.from_env(os.environ)
        with closing(Decoders(_decoder_terms(settings))) as decoders:
            watchdog = Watchdog(settings.stall_seconds, log=log.to_stderr, health_file=settings.heartbeat_file)
            world = build(settings, decoders, watchdog)
            worker = Worker(world, settings, stopping, log.to_stderr)
            log.to_stderr("ready", seconds=round(time.monotonic() - started, 3), model=settings.model)
            world.telemetry.started(time.monotonic() - started)
            with watchdog, SpotWatch(InstanceMetadata(), stopping, log=log.to_stderr):
                worker.run()
    except (SettingsError, WeightsUnavailable, TiroError) as error:
        log.to_stderr("cannot start", error=error, detail=str(error))
        return 1
    log.to_stderr("stopped", status=stopping.status)
    return stopping.status


def _decoder_terms(settings: WorkerSettings) -> DecoderTerms:
    return DecoderTerms(settings.decode_memory_mib * 1024**2, settings.decode_quiet_seconds)


if __name__ == "__main__":
    sys.exit(main())
