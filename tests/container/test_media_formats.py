"""Which formats are read: every demuxer and decoder of FFmpeg is decided on, and what is allowed comes out right."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from av.codec import Codec
from av.format import ContainerFormat

from container.audio import Part, Recording
from container.decoding import Decoders, DecoderTerms
from container.media_formats import (
    ALLOWED_DECODERS,
    ALLOWED_DEMUXERS,
    DECODER_WHITELIST,
    DENIED_DECODERS,
    DENIED_DEMUXERS,
)
from container.opening import RULES
from container.raw_formats import BY_EXTENSION, NEEDS_PARAMETERS, raw_hint
from tests.container import handmade
from tests.container.sound import tone
from tests.sampling import sampled
from tiro.errors import NoAudioTrack, NotAudio
from tiro.job import Media
from tiro.ports import PCM, SAMPLE_RATE

DENIED = frozenset().union(*DENIED_DEMUXERS.values())

CHECKSUMS = frozenset("crc framecrc framehash framemd5 hash md5 streamhash uncodedframecrc mkvtimestamp_v2".split())
"""Muxers that write numbers about the sound, and not the sound."""

NO_ENCODER = frozenset("ac4 aea argo_cvg bit codec2 dts gsm ilbc lc3 mlp oma spx truehd".split())
"""Muxers of a codec that this FFmpeg only decodes, or does not know. tests.container.handmade makes some of these."""

OTHER_NEEDS = {
    "amv": "a video stream",
    "asf_stream": "a reader of the live stream",
    "codec2raw": "an encoder, and parameters to read it",
    "data": "to be told what it holds",
    "dv": "a video stream",
    "ffmetadata": "no sound at all",
    "film_cpk": "a video stream",
    "iamf": "stream groups, which PyAV does not write",
    "mxf": "a video stream: see test_mxf",
    "mxf_d10": "a video stream of the D-10 kind",
    "psp": "a video stream",
    "rtp": "a network to send its packets by",
    "rtp_mpegts": "a network to send its packets by",
    "webm_dash_manifest": "WebM files to name",
}
"""Muxers that cannot write a recording of sound alone, and what they want."""

SETTINGS = ((16000, 1), (8000, 1), (22050, 1), (22050, 2), (44100, 1), (48000, 2), (48000, 1), (96000, 6))
"""Rates and channels to try; old codecs allow but one."""

OPTIONS = {"g723_1": {"b": "6300"}, "sbc": {"b": "64000"}, "asf": {"b": "64000"}}
"""Where FFmpeg's own bit rate is one that the codec does not allow."""

OWN_RATE = {"mulaw": 8000, "alaw": 8000, "dfpwm": 48000}
"""Hz: of raw formats, what a reader has to take for granted."""


@pytest.fixture(scope="module")
def decoders() -> Iterator[Decoders]:
    with closing(Decoders(DecoderTerms(memory_bytes=256 * 1024**2))) as decoders:
        yield decoders


def muxers() -> list[str]:
    """Return FFmpeg's muxers that take sound into a file."""
    names = []
    for name in sorted(av.formats_available):
        try:
            form = ContainerFormat(name, "w")
        except ValueError:
            continue  # it only reads
        if form.no_file or name in CHECKSUMS:
            continue
        with av.open(io.BytesIO(), "w", format=name) as container:
            if container.default_audio_codec not in ("", "none"):
                names.append(name)
    return names


def demuxers() -> set[str]:
    found = set()
    for name in av.formats_available:
        try:
            ContainerFormat(name, "r")
        except ValueError:
            continue
        found.update(name.split(","))
    return found


def sound_decoders() -> set[str]:
    found = set()
    for name in av.codecs_available:
        try:
            codec = Codec(name, "r")
        except ValueError:
            continue
        if codec.type == "audio":
            found.add(name)
    return found


def write_as(muxer: str, seconds: float = 1.0) -> bytes:
    """Return a tone in a container, by the container's own codec. Raises av.FFmpegError, ValueError where none fits."""
    with av.open(io.BytesIO(), "w", format=muxer) as container:
        codec = container.default_audio_codec
    failure: Exception | None = None
    for rate, channels in [(OWN_RATE[muxer], 1)] if muxer in OWN_RATE else SETTINGS:
        try:
            return _write(muxer, codec, rate, channels, seconds)
        except (av.FFmpegError, ValueError) as error:
            failure = error
    assert failure
    raise failure


def _write(muxer: str, codec: str, rate: int, channels: int, seconds: float) -> bytes:
    layout = {1: "mono", 2: "stereo", 6: "5.1"}[channels]
    out = io.BytesIO()
    with av.open(out, "w", format=muxer) as container:
        stream: Any = container.add_stream(codec, rate=rate, options=OPTIONS.get(muxer))
        stream.layout = layout
        frame = av.AudioFrame.from_ndarray(
            np.tile(tone(seconds, rate=rate), (channels, 1)), format="fltp", layout=layout
        )
        frame.sample_rate, frame.pts = rate, 0
        stream.codec_context.open()
        size = stream.codec_context.frame_size or 1024
        fits = av.AudioResampler(stream.codec_context.format, layout, rate, frame_size=size)
        for piece in (*fits.resample(frame), *fits.resample(None)):
            container.mux(stream.encode(piece))
        container.mux(stream.encode(None))
    return out.getvalue()


def heard(decoders: Decoders, data: bytes, hint: str | None = None) -> tuple[PCM, tuple[str, ...]]:
    with decoders.open(io.BytesIO(data), max_seconds=60, part=Part(hint=hint)) as recording:
        return np.concatenate([np.zeros(0, np.float32), *recording.blocks()]), recording.warnings


def pitch(sound: PCM) -> float:
    """Return the strongest frequency in Hz, to within two steps of the spectrum."""
    return float(np.argmax(np.abs(np.fft.rfft(sound))) * SAMPLE_RATE / len(sound))


def assert_tone(sound: PCM, seconds: float) -> None:
    assert len(sound) / SAMPLE_RATE == pytest.approx(seconds, abs=0.15)
    assert pitch(sound) == pytest.approx(440, abs=4)


# ---------------------------------------------------------------- every name is decided on


def test_every_demuxer_is_allowed_or_denied() -> None:
    assert demuxers() - ALLOWED_DEMUXERS - DENIED == set(), "decide on these in container/media_formats.py"


def test_every_decoder_of_sound_is_allowed_or_denied() -> None:
    denied = frozenset().union(*DENIED_DECODERS.values())
    assert sound_decoders() - ALLOWED_DECODERS - denied == set(), "decide on these in container/media_formats.py"
    assert not ALLOWED_DECODERS & denied


def test_no_demuxer_is_both_allowed_and_denied() -> None:
    assert not ALLOWED_DEMUXERS & DENIED
    assert sum(map(len, DENIED_DEMUXERS.values())) == len(DENIED)  # nor denied twice


def test_no_decoder_of_pictures_or_text_is_allowed() -> None:
    for name in sorted(ALLOWED_DECODERS & av.codecs_available):
        assert Codec(name, "r").type == "audio", name


def test_what_has_no_file_of_its_own_is_denied() -> None:
    """Devices, protocols and image sequences: FFmpeg's own flag says that they open what they read."""
    for name in sorted(demuxers()):
        if ContainerFormat(name, "r").no_file:
            assert name in DENIED, name


def test_what_opens_other_files_is_denied() -> None:
    """FFmpeg has no flag for these; its sources call `io_open` or `avformat_open_input` in each."""
    for name in "concat dash hls image2 imf mlv rtp rtsp sap sdp vobsub webm_dash_manifest lavfi".split():
        assert name in DENIED, name
        assert name not in ALLOWED_DEMUXERS, name


@pytest.mark.parametrize(
    "script",
    [
        b"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nsecret.ts\n#EXT-X-ENDLIST\n",
        b"ffconcat version 1.0\nfile secret.ts\n",
    ],
)
def test_a_playlist_is_not_read_even_if_files_could_be_opened(
    script: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "secret.ts").write_bytes(write_as("mpegts"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(RULES, "protocol_whitelist", "file,crypto,data")
    with pytest.raises(NotAudio):
        Recording(io.BytesIO(script), max_seconds=60)


def test_a_decoder_that_is_not_allowed_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("container.tracks.ALLOWED_DECODERS", ALLOWED_DECODERS - {"flac"})
    with pytest.raises(NotAudio, match="codec Tiro cannot decode"):
        Recording(io.BytesIO(write_as("flac")), max_seconds=60)


def test_no_picture_is_decoded_to_look_at_a_stream() -> None:
    """FFmpeg decodes a video stream's first frames to learn its pixel format, unless it may not."""
    film = io.BytesIO()
    with av.open(film, "w", format="nut") as container:
        stream: Any = container.add_stream("mjpeg", rate=10)
        stream.width = stream.height = 32
        stream.pix_fmt = "yuvj420p"
        for _ in range(3):
            frame = av.VideoFrame.from_ndarray(np.zeros((32, 32, 3), np.uint8), format="rgb24")
            container.mux(stream.encode(frame.reformat(format="yuvj420p")))
        container.mux(stream.encode(None))
    free, bound = (
        av.open(io.BytesIO(film.getvalue()), container_options=options).streams.video[0].format
        for options in ({}, {"codec_whitelist": RULES["codec_whitelist"]})
    )
    assert free is not None
    assert bound is None
    assert "mjpeg" not in DECODER_WHITELIST.split(",")


# ---------------------------------------------------------------- what is allowed is read


COMMON = ("aac", "adts", "flac", "g722", "matroska", "mov", "mp3", "mp4", "mpegts", "mxf", "ogg", "wav", "webm", "wv")


@pytest.mark.parametrize("muxer", sampled(muxers(), every=8, always=COMMON))
def test_what_ffmpeg_writes_is_read(muxer: str, decoders: Decoders) -> None:
    if muxer in NO_ENCODER or muxer in OTHER_NEEDS:
        with pytest.raises((av.FFmpegError, ValueError, NotAudio, NoAudioTrack)):  # else it is to come off that list
            heard(decoders, write_as(muxer))
        return
    data = write_as(muxer)
    extensions = sorted({muxer, *ContainerFormat(muxer, "w").extensions} & set(BY_EXTENSION))
    if muxer in DENIED:  # raw samples: whatever reads them would have to guess
        with pytest.raises(NotAudio):
            heard(decoders, data)
        return
    sound, _ = heard(decoders, data, extensions[0] if extensions else None)
    assert_tone(sound, 1.37 if muxer == "gxf" else 1.0)  # GXF fills up its last packet


@pytest.mark.parametrize(
    ("data", "hint", "seconds"),
    [
        pytest.param(handmade.sphere(), None, 1.0, id="NIST SPHERE"),
        pytest.param(handmade.dsf(), None, 0.5, id="DSF"),
        pytest.param(handmade.ape(), None, 1.0, id="Monkey's Audio"),
        pytest.param(handmade.svx(), None, 1.0, id="8SVX"),
        pytest.param(handmade.avr(), None, 1.0, id="AVR"),
        pytest.param(handmade.rf64(), None, 1.0, id="RF64"),
        pytest.param(handmade.musepack(), None, 0.5, id="Musepack"),
        pytest.param(handmade.gsm(), "gsm", 0.5, id="GSM, short"),
    ],
)
def test_what_ffmpeg_only_reads_is_read(data: bytes, hint: str | None, seconds: float, decoders: Decoders) -> None:
    sound, _ = heard(decoders, data, hint)
    assert_tone(sound, seconds)


@pytest.mark.parametrize(
    ("data", "hint", "seconds"),
    [
        (handmade.amr_wb(100, header=True), None, 2.0),
        (handmade.amr_wb(150, header=False), None, 3.0),
        (handmade.amr_wb(50, header=False), "awb", 1.0),  # too short for FFmpeg to be sure by itself
    ],
)
def test_amr_wb_is_read(data: bytes, hint: str | None, seconds: float, decoders: Decoders) -> None:
    sound, _ = heard(decoders, data, hint)
    assert len(sound) / SAMPLE_RATE == pytest.approx(seconds, abs=0.05)
    assert np.sqrt(np.mean(sound**2)) > 0.02  # noise, since its bits are: but not silence


def test_mxf_is_read(decoders: Decoders) -> None:
    out = io.BytesIO()
    with av.open(out, "w", format="mxf") as container:
        video: Any = container.add_stream("mpeg2video", rate=25)
        video.width, video.height, video.pix_fmt = 64, 64, "yuv420p"
        audio: Any = container.add_stream("pcm_s16le", rate=48000)
        audio.layout = "mono"
        samples = (tone(1, rate=48000) * 32767).astype(np.int16)
        for number in range(25):
            picture = av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8), format="rgb24")
            container.mux(video.encode(picture))
            part = samples[None, number * 1920 : (number + 1) * 1920]
            frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(part), format="s16", layout="mono")
            frame.sample_rate, frame.pts = 48000, number * 1920
            container.mux(audio.encode(frame))
        container.mux(video.encode(None))
        container.mux(audio.encode(None))
    sound, _ = heard(decoders, out.getvalue())
    assert_tone(sound, 1.0)


# ---------------------------------------------------------------- formats without a signature


def read(data: bytes, hint: str | None = None) -> tuple[PCM, tuple[str, ...]]:
    with Recording(io.BytesIO(data), max_seconds=60, part=Part(hint=hint)) as recording:
        return np.concatenate([np.zeros(0, np.float32), *recording.blocks()]), recording.warnings


@pytest.mark.parametrize("name", ["talk.g722", "TALK.G722", "talk.722"])
def test_the_name_says_what_the_content_does_not(name: str) -> None:
    hint = raw_hint(Media(bucket="b", key="uploads/o/1", name=name))
    sound, warnings = read(write_as("g722"), hint)
    assert_tone(sound, 1.0)
    assert "read as G.722" in warnings[0]


def test_without_a_name_it_is_refused() -> None:
    with pytest.raises(NotAudio, match="not in any audio or video format"):
        read(write_as("g722"))


@pytest.mark.parametrize("muxer", ["wav", "mp3", "adts", "ogg", "mp4", "matroska", "mpegts"])
def test_a_name_that_lies_changes_nothing(muxer: str) -> None:
    sound, warnings = read(write_as(muxer), "g722")
    assert_tone(sound, 1.0)
    assert not any("read as" in warning for warning in warnings)


def test_a_name_that_lies_changes_nothing_even_where_ffmpeg_would_believe_it() -> None:
    """A cover picture of the size of a camera's: FFmpeg, given the name, reads such a file as G.722."""
    size = 200_000
    tag = b"APIC" + size.to_bytes(4, "big") + bytes(2) + bytes(size)
    length = bytes((len(tag) >> shift) & 127 for shift in (21, 14, 7, 0))
    data = b"ID3\x03\x00\x00" + length + tag + write_as("mp3")
    named = io.BytesIO(data)
    named.name = "cover.g722"
    assert av.open(named).format.name in ("g722", "mp3")  # as FFmpeg's version decides
    assert_tone(read(data, "g722")[0], 1.0)


@pytest.mark.parametrize(
    ("hint", "muxer"),
    [("ul", "mulaw"), ("ulaw", "mulaw"), ("al", "alaw"), ("alaw", "alaw"), ("msbc", "sbc")],
)
def test_other_names_of_a_raw_format_are_known(hint: str, muxer: str) -> None:
    sound, _ = read(write_as(muxer), hint)
    assert_tone(sound, 1.0)


@pytest.mark.parametrize(("hint", "rate"), [("sln", 8000), ("sln16", 16000), ("sln48", 48000)])
def test_asterisk_says_the_rate_in_the_name(hint: str, rate: int) -> None:
    sound, _ = read((tone(1, rate=rate) * 32767).astype("<i2").tobytes(), hint)
    assert_tone(sound, 1.0)


def test_random_bytes_under_a_raw_name_carry_the_warning() -> None:
    noise = np.random.default_rng(2).integers(0, 256, 16000).astype(np.uint8).tobytes()
    _, warnings = read(noise, "g722")
    assert "if the text makes no sense, it is something else" in warnings[0]


@pytest.mark.parametrize("hint", ["raw", "pcm", "sw", "g726"])
def test_bare_samples_are_refused_with_what_to_do(hint: str) -> None:
    assert hint in NEEDS_PARAMETERS
    with pytest.raises(NotAudio, match=rf"A \.{hint} file .* Convert it to WAV .*-ar 16000"):
        read((tone(1) * 32767).astype("<i2").tobytes(), hint)


@pytest.mark.parametrize(
    ("media", "hint"),
    [
        ({"name": "Talk.AWB"}, "awb"),
        ({"key": "inbox/a/talk.g722"}, "g722"),
        ({"name": "talk", "key": "in/talk.ul"}, "ul"),
        ({"content_type": "audio/G722"}, "g722"),
        ({"content_type": "audio/PCMU; rate=8000"}, "ul"),
        ({"name": "talk.mp3", "content_type": "audio/mpeg"}, None),
        ({}, None),
    ],
)
def test_the_hint_is_of_the_name_the_key_or_the_type(media: dict[str, str], hint: str | None) -> None:
    assert raw_hint(Media.model_validate({"bucket": "b", "key": "uploads/o/1", **media})) == hint


def test_every_hint_is_of_a_demuxer_that_is_allowed() -> None:
    assert {raw.demuxer for raw in BY_EXTENSION.values()} <= ALLOWED_DEMUXERS
    assert not set(BY_EXTENSION) & NEEDS_PARAMETERS
