"""A file that names other files is a file all the same: FFmpeg opens nothing but what it is given."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from container.audio import Recording
from tests.web import Site, body, serving
from tiro.errors import MediaError

NAMES_OTHERS = {
    "an HLS playlist": "#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\n{there}\n#EXT-X-ENDLIST\n",
    "an HLS master playlist": "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n{there}\n",
    "an HLS key": '#EXTM3U\n#EXT-X-KEY:METHOD=AES-128,URI="{there}"\n#EXTINF:10,\n{there}\n#EXT-X-ENDLIST\n',
    "a list to be joined": "ffconcat version 1.0\nfile '{there}'\n",
    "a list without its first line": "file '{there}'\n",
    "a session to be joined": "v=0\no=- 0 0 IN IP4 127.0.0.1\nc=IN IP4 127.0.0.1\nt=0 0\nm=audio 5004 RTP/AVP 0\n",
    "a DASH manifest": '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011"><BaseURL>{there}</BaseURL>'
    '<Period duration="PT10S"><AdaptationSet mimeType="audio/mp4"><Representation id="1" bandwidth="1"><SegmentList>'
    '<SegmentURL media="{there}"/></SegmentList></Representation></AdaptationSet></Period></MPD>',
    "an IMF playlist": '<?xml version="1.0"?><CompositionPlaylist xmlns="http://www.smpte-ra.org/schemas/2067-3/2016">'
    "<Id>{there}</Id></CompositionPlaylist>",
    "a stream of images": "{there}",
    "a RealMedia pointer": "[Reference]\nRef1={there}\n",
}

PLACES = ("file:///etc/passwd", "/etc/passwd", "concat:/etc/passwd|/etc/hosts", "subfile,,start,0,end,9,,:/etc/passwd")


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    """A recording of somebody else's, which FFmpeg could read if it opened it."""
    path = tmp_path / "secret.wav"
    path.write_bytes(
        b"RIFF\x24\x7d\0\0WAVEfmt \x10\0\0\0\1\0\1\0\x80\x3e\0\0\0\x7d\0\0\2\0\x10\0data\0\x7d\0\0" + bytes(32000)
    )
    return path


def heard(data: bytes) -> float:
    """Return how many seconds of sound came out."""
    with Recording(io.BytesIO(data), max_seconds=60) as recording:
        return sum(len(block) for block in recording.blocks()) / 16000


@pytest.mark.parametrize("kind", NAMES_OTHERS)
def test_nothing_is_opened_that_a_file_names(kind: str, secret: Path) -> None:
    assert heard(secret.read_bytes()) == 1.0
    with serving() as site:
        site.pages["/secret.wav"] = body(secret.read_bytes())
        for there in _places(site, secret):
            with pytest.raises(MediaError):
                heard(NAMES_OTHERS[kind].replace("{there}", there).encode())
        assert site.seen == []


def _places(site: Site, secret: Path) -> list[str]:
    web = site.url("/secret.wav")
    return [web, f"crypto:{web}", f"cache:{web}", f"async:{web}", str(secret), f"file:{secret}", *PLACES]
