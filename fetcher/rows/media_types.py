"""Chooses a body's file extension by its content type, or by its URL if the type is vague.

An extension always comes from the tables below; a server only selects one. The result depends on
the arguments alone. Python's `mimetypes` is not used: its table depends on the Python version and
on files of the machine. The body is not examined: a wrong content type gives a wrong extension.
"""

from __future__ import annotations

import re
from typing import Final

UNKNOWN: Final = ".bin"

# By media type, as IANA registers them, and the unregistered names that servers send as well.
# https://www.iana.org/assignments/media-types/
_BY_TYPE: Final = {
    # texts
    "text/html": ".html",
    "text/plain": ".txt",
    "text/css": ".css",
    "text/csv": ".csv",
    "text/tab-separated-values": ".tsv",
    "text/markdown": ".md",
    "text/x-markdown": ".md",
    "text/calendar": ".ics",
    "text/vcard": ".vcf",
    "text/x-vcard": ".vcf",
    "text/vtt": ".vtt",
    "text/rtf": ".rtf",
    "text/xml": ".xml",
    "text/json": ".json",
    "text/yaml": ".yaml",
    "text/x-yaml": ".yaml",
    "text/javascript": ".js",
    "text/ecmascript": ".js",
    "text/x-javascript": ".js",
    # data
    "application/json": ".json",
    "application/ndjson": ".jsonl",
    "application/x-ndjson": ".jsonl",
    "application/jsonl": ".jsonl",
    "application/x-jsonlines": ".jsonl",
    "application/jsonlines": ".jsonl",
    "application/json-seq": ".json",
    "application/geo+json": ".geojson",
    "application/xml": ".xml",
    "application/xhtml+xml": ".xhtml",
    "application/yaml": ".yaml",
    "application/x-yaml": ".yaml",
    "application/toml": ".toml",
    "application/csv": ".csv",
    "application/javascript": ".js",
    "application/x-javascript": ".js",
    "application/ecmascript": ".js",
    "application/wasm": ".wasm",
    "application/sql": ".sql",
    "application/vnd.sqlite3": ".sqlite",
    "application/x-sqlite3": ".sqlite",
    "application/vnd.apache.parquet": ".parquet",
    "application/n-triples": ".nt",
    "application/n-quads": ".nq",
    "text/turtle": ".ttl",
    "application/gpx+xml": ".gpx",
    "application/vnd.google-earth.kml+xml": ".kml",
    "application/vnd.google-earth.kmz": ".kmz",
    # images
    "image/jpeg": ".jpg",
    "image/jpg": ".jpg",
    "image/pjpeg": ".jpg",
    "image/png": ".png",
    "image/x-png": ".png",
    "image/apng": ".apng",
    "image/gif": ".gif",
    "image/webp": ".webp",
    "image/avif": ".avif",
    "image/heic": ".heic",
    "image/heif": ".heif",
    "image/jxl": ".jxl",
    "image/jp2": ".jp2",
    "image/svg+xml": ".svg",
    "image/bmp": ".bmp",
    "image/x-bmp": ".bmp",
    "image/x-ms-bmp": ".bmp",
    "image/tiff": ".tif",
    "image/vnd.microsoft.icon": ".ico",
    "image/x-icon": ".ico",
    "image/vnd.adobe.photoshop": ".psd",
    # sound and film
    "audio/mpeg": ".mp3",
    "audio/mp3": ".mp3",
    "audio/mp4": ".m4a",
    "audio/x-m4a": ".m4a",
    "audio/aac": ".aac",
    "audio/ogg": ".ogg",
    "audio/opus": ".opus",
    "audio/flac": ".flac",
    "audio/x-flac": ".flac",
    "audio/wav": ".wav",
    "audio/wave": ".wav",
    "audio/x-wav": ".wav",
    "audio/vnd.wave": ".wav",
    "audio/webm": ".weba",
    "audio/midi": ".mid",
    "video/mp4": ".mp4",
    "video/mpeg": ".mpg",
    "video/webm": ".webm",
    "video/ogg": ".ogv",
    "video/quicktime": ".mov",
    "video/x-msvideo": ".avi",
    "video/x-matroska": ".mkv",
    "video/matroska": ".mkv",
    "video/mp2t": ".ts",
    "video/3gpp": ".3gp",
    "application/ogg": ".ogg",
    "application/vnd.apple.mpegurl": ".m3u8",
    "application/x-mpegurl": ".m3u8",
    "application/dash+xml": ".mpd",
    # fonts
    "font/woff": ".woff",
    "font/woff2": ".woff2",
    "font/ttf": ".ttf",
    "font/otf": ".otf",
    "application/font-woff": ".woff",
    "application/font-woff2": ".woff2",
    # documents
    "application/pdf": ".pdf",
    "application/x-pdf": ".pdf",
    "application/postscript": ".ps",
    "application/rtf": ".rtf",
    "application/epub+zip": ".epub",
    "application/msword": ".doc",
    "application/vnd.ms-excel": ".xls",
    "application/vnd.ms-powerpoint": ".ppt",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": ".docx",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": ".xlsx",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation": ".pptx",
    "application/vnd.oasis.opendocument.text": ".odt",
    "application/vnd.oasis.opendocument.spreadsheet": ".ods",
    "application/vnd.oasis.opendocument.presentation": ".odp",
    "image/vnd.djvu": ".djvu",
    "application/x-tex": ".tex",
    "application/x-bibtex": ".bib",
    "message/rfc822": ".eml",
    # archives and programs
    "application/zip": ".zip",
    "application/x-zip-compressed": ".zip",
    "application/gzip": ".gz",
    "application/x-gzip": ".gz",
    "application/zstd": ".zst",
    "application/x-bzip2": ".bz2",
    "application/x-xz": ".xz",
    "application/x-tar": ".tar",
    "application/x-7z-compressed": ".7z",
    "application/vnd.rar": ".rar",
    "application/x-rar-compressed": ".rar",
    "application/warc": ".warc",
    "application/java-archive": ".jar",
    "application/vnd.android.package-archive": ".apk",
    "application/vnd.debian.binary-package": ".deb",
    "application/x-rpm": ".rpm",
    "application/x-iso9660-image": ".iso",
    "application/x-apple-diskimage": ".dmg",
    "application/vnd.microsoft.portable-executable": ".exe",
    "application/x-msdownload": ".exe",
}
# By the suffix of a type (RFC 6838): its data can always be read as this.
_BY_STRUCTURE: Final = {"json": ".json", "xml": ".xml", "yaml": ".yaml", "zip": ".zip"}
# Types that say nothing: then the URL decides.
_VAGUE: Final = frozenset(
    {
        "application/octet-stream",
        "binary/octet-stream",
        "application/binary",
        "application/unknown",
        "application/x-unknown",
        "application/download",
        "application/force-download",
        "application/x-download",
        "application/x-force-download",
        "application/save",
    }
)
# Extensions of URLs that no type above has, or that are another spelling of one of those.
_OTHER_SPELLINGS: Final = {
    ".jpeg": ".jpg",
    ".jpe": ".jpg",
    ".htm": ".html",
    ".tiff": ".tif",
    ".mpeg": ".mpg",
    ".yml": ".yaml",
    ".ndjson": ".jsonl",
    ".mjs": ".js",
    ".midi": ".mid",
    ".tgz": ".tgz",
    ".log": ".log",
    ".ini": ".ini",
    ".msi": ".msi",
    ".whl": ".whl",
    ".mobi": ".mobi",
    ".npy": ".npy",
    ".npz": ".npz",
    ".h5": ".h5",
    ".shp": ".shp",
    ".safetensors": ".safetensors",
    UNKNOWN: UNKNOWN,
}
_BY_SPELLING: Final = {ext: ext for ext in _BY_TYPE.values()} | _OTHER_SPELLINGS
EXTENSIONS: Final = frozenset(_BY_SPELLING.values())


def extension_of(content_type: str | None, url: str | None) -> str:
    """The extension, with its dot, of a body with this Content-Type, from this URL."""
    kind = re.split("[;,]", content_type or "", maxsplit=1)[0].strip().lower()
    known = _BY_TYPE.get(kind)
    if known is None and kind not in _VAGUE:
        known = _BY_STRUCTURE.get(kind.rpartition("+")[2]) if "+" in kind else None
    if known is None:
        known = _of_url(url or "")
    if known is None and kind.startswith("text/"):
        known = ".txt"
    return known or UNKNOWN


def without_extension(name: str) -> str:
    """Remove an extension that is in the tables; `v1.2` and `a.php` stay."""
    stem, dot, ending = name.rpartition(".")
    return stem if stem.strip(".") and (dot + ending.lower()) in _BY_SPELLING else name


def _of_url(url: str) -> str | None:
    path = re.split("[?#]", url, maxsplit=1)[0].partition("://")[2]
    name = path.rpartition("/")[2] if "/" in path else ""  # a host is not a file
    stem, dot, ending = name.rpartition(".")
    return _BY_SPELLING.get(dot + ending.lower()) if stem.strip(".") else None
