"""Engines: each file hides one way of running Whisper behind `tiro.ports.SpeechEngine`."""
