"""What a caller reads when a URL leads to something other than a recording: what came, and what to do."""

from __future__ import annotations

from tiro import sniff
from tiro.errors import NoMediaAtURL
from tiro.ports import Stream

SHARED = (
    "A share link of Google Drive, Dropbox or OneDrive opens a preview page, and a private file a login page: use a "
    "link that downloads the file itself without a login, or upload the recording."
)

DO = {
    sniff.WEB_PAGE: SHARED,
    sniff.FEED: "Use the URL of one episode: the `url` of its `enclosure`.",
    sniff.PLAYLIST: "Use the URL of one recording that it names. Streams in pieces (HLS, DASH) are not fetched: "
    "download the recording yourself, and upload it.",
    sniff.ARCHIVE: "Unpack it, and send each recording in it.",
}
OTHERWISE = "Use the URL of the recording itself, or upload the recording."

LINKS = {
    "dropbox.com": "Of a Dropbox link, replace `dl=0` by `dl=1`.",
    "google.com": "A Google Drive file is at https://drive.google.com/uc?export=download&id=… while it is shared with "
    "everyone and under 100 MB; a larger one asks for a click first.",
    "1drv.ms": "To a OneDrive link, add `download=1`.",
    "live.com": "To a OneDrive link, add `download=1`.",
    "sharepoint.com": "To a SharePoint link, add `download=1`.",
}
"""What makes a share link one that downloads, by the domain that answers."""


def check_is_media(head: bytes, stream: Stream) -> None:
    """Raises NoMediaAtURL where a body that begins with `head` is no recording."""
    kind = sniff.document_in(head[: sniff.HEAD_BYTES], stream.content_type)
    if kind is None:
        return
    declared = (stream.content_type or "no content type").partition(";")[0]
    link = next((said for domain, said in LINKS.items() if f".{stream.host}".endswith(f".{domain}")), None)
    said = f"{stream.host} answered {stream.status} with {kind} ({declared}), and no recording."
    raise NoMediaAtURL(
        " ".join(filter(None, (said, DO.get(kind, OTHERWISE), link if kind == sniff.WEB_PAGE else None)))
    )
