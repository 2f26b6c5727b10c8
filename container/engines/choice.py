"""Which engine hears, and with which weights: a setting's word for it, made into the thing."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from container.weights import load_weights
from tiro.ports import SpeechEngine
from tiro.settings import SettingsError, WorkerSettings


def load_engine(settings: WorkerSettings) -> SpeechEngine:
    """Return the engine of the settings, ready to work. Raises SettingsError, WeightsUnavailable, EngineFailed."""
    path = Path(settings.model_path) if settings.model_path else None
    match settings.engine:
        case "faster-whisper":
            return _faster_whisper(settings, path)
        case "openai":
            return _openai(settings, path)
        case other:
            raise SettingsError(f"TIRO_ENGINE is {other!r}. Choose faster-whisper or openai.")


def _faster_whisper(settings: WorkerSettings, path: Path | None) -> SpeechEngine:
    from container.engines.faster_whisper import FasterWhisperEngine

    weights = load_weights(settings.model, directory=path)
    return FasterWhisperEngine.load(weights, threads=settings.threads, compute_type=settings.compute_type or "int8")


def _openai(settings: WorkerSettings, path: Path | None) -> SpeechEngine:
    if missing := [name for name in ("torch", "whisper") if not find_spec(name)]:
        raise SettingsError(
            f"TIRO_ENGINE is openai, and {' and '.join(missing)} cannot be imported. Install the extra `openai`, or "
            "leave TIRO_ENGINE out."
        )
    from container.engines.checkpoint import from_file, from_weights
    from container.engines.openai import OpenAIEngine

    if path is not None and (baked := path / f"{settings.model}.pt").exists():
        path = baked
    if path is not None and path.suffix == ".pt":
        loaded = from_file(settings.model, path)
    else:
        loaded = from_weights(load_weights(settings.model, directory=path))
    return OpenAIEngine.load(loaded, threads=settings.threads, compute_type=settings.compute_type)
