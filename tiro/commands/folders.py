"""What of a folder is sent: files that are called as recordings are. What is left out is counted and named."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tiro.commands.media_extensions import EXTENSIONS

NAMED = 10
"""Files left out that are named; of the others, only their number is told."""

OTHER_FILES = frozenset(
    "7z ass asd avif bmp bz2 csv cue db dfxp doc docx eml epub gif gz heic heif html ico idx ini jpeg jpg json "
    "jsonl key lnk log lrc m3u m3u8 md md5 nfo numbers odp ods odt pages pdf pkf pls png ppt pptx psd rar "
    "reapeaks rtf sbv sfk sfv sha1 sha256 srt ssa sub svg tar tex tif tiff toml torrent tsv ttml txt url vtt "
    "webloc webp xls xlsx xml xmp xspf xz yaml yml zip".split()
)
"""Extensions of what lies beside recordings and is none: text, subtitles, pictures, documents, archives, play lists."""


@dataclass(frozen=True)
class Folder:
    """The files in a folder and below it, in order."""

    recordings: Sequence[Path]
    unknown: Sequence[Path]  # left out, though they may be recordings
    others: Sequence[Path]  # left out: hidden, in a hidden folder, or of a kind that is none

    @classmethod
    def read(cls, path: Path) -> Folder:
        recordings: list[Path] = []
        unknown: list[Path] = []
        others: list[Path] = []
        for file in sorted(path.rglob("*")):
            if not file.is_file():
                if file.is_symlink() and not file.exists():
                    unknown.append(file)  # a link whose file is gone, or on a disk that is not there
                continue
            extension = file.suffix.lower().removeprefix(".")
            if any(part.startswith(".") for part in file.relative_to(path).parts):
                others.append(file)  # hidden, or in a hidden folder such as a trash
            elif extension in EXTENSIONS:
                recordings.append(file)
            elif extension in OTHER_FILES:
                others.append(file)
            else:
                unknown.append(file)
        return cls(recordings, unknown, others)


def left_out(files: Sequence[Path]) -> str:
    """Return the number of files, and the names of the first."""
    names = ", ".join(map(str, files[:NAMED]))
    more = f" and {len(files) - NAMED} more" if len(files) > NAMED else ""
    return f"{len(files)} {'file' if len(files) == 1 else 'files'}: {names}{more}"
