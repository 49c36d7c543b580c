"""tools/viewer.py FOLDER: the image viewer (OHIF), made ready to be served below /pacs-viewer.

The npm package is fetched (by npm, from whatever registry it is set to), compared with the hash below,
unpacked without what isn't needed here, and its absolute addresses are moved below /pacs-viewer. Does
nothing where FOLDER is ready already. Python's standard library and npm are all it needs.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

PACKAGE, VERSION = "@ohif/app", "3.13.2"
INTEGRITY = "sha512-WZdxmpmG7rqFgW9ZJLcbgr3XCtLi1KDNPoMaeY5PPe6j4G4fjEjjkycZM6C6Zk2F87BKxFfpq+jd5xXZB9E8EA=="
BELOW = "/pacs-viewer/"
CONFIGURATION = Path(__file__).parents[1] / "nginx" / "ohif" / "app-config.js"
# AI models for the browser, another viewer, maps of sources, statistics, and a worker that would keep answers
UNNEEDED = re.compile(
    r"ort/|dicom-microscopy-viewer/|.*\.map$|google\.js$|_headers$|_redirects$|init-service-worker\.js$|sw\.js$"
)
ZIPPED = {".js", ".css", ".html", ".json", ".svg", ".wasm"}


def main(folder: Path) -> int:
    """Makes the folder; what was there of another version goes."""
    stamp = (
        f"{VERSION} {hashlib.sha256(Path(__file__).read_bytes() + CONFIGURATION.read_bytes()).hexdigest()}"
    )
    if (folder / "ready").exists() and (folder / "ready").read_text() == stamp:
        return 0
    print(f"Fetching the image viewer ({PACKAGE} {VERSION}) into {folder}", flush=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as name:
        made = Path(name) / "made"
        _unpack(_fetched(Path(name)), made)
        _move_below(made)
        shutil.copy(CONFIGURATION, made / "app-config.js")
        _zip(made)
        (made / "ready").write_text(stamp)
        shutil.rmtree(folder, ignore_errors=True)
        made.rename(folder)
    return 0


def _fetched(folder: Path) -> Path:
    """The package's file; raises SystemExit if it isn't the one that was looked at."""
    command = ["npm", "pack", f"{PACKAGE}@{VERSION}", "--ignore-scripts", "--json", "--silent"]
    try:
        told = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout
    except FileNotFoundError:
        raise SystemExit(
            "npm is needed to fetch the image viewer (Debian/Ubuntu: apt-get install npm)"
        ) from None
    except subprocess.CalledProcessError as failed:
        raise SystemExit(f"npm could not fetch {PACKAGE}: {failed.stderr.strip()[-500:]}") from None
    file = folder / json.loads(told)[0]["filename"]
    found = "sha512-" + base64.b64encode(hashlib.sha512(file.read_bytes()).digest()).decode()
    if found != INTEGRITY:
        raise SystemExit(f"{PACKAGE} {VERSION} is not the package that was looked at: {found}")
    return file


def _unpack(file: Path, folder: Path) -> None:
    with tarfile.open(file) as package:
        for member in package:
            path = member.name.removeprefix("package/dist/")
            if member.isfile() and path != member.name and not UNNEEDED.match(path) and ".." not in path:
                (folder / path).parent.mkdir(parents=True, exist_ok=True)
                content = package.extractfile(member)
                assert content is not None
                with content, (folder / path).open("wb") as target:
                    shutil.copyfileobj(content, target)


def _move_below(folder: Path) -> None:
    """The viewer expects to live at `/`."""
    for script in folder.glob("*.js"):
        _replace(script, '__webpack_require__.p = "/"', f'__webpack_require__.p = "{BELOW}"')
    for sheet in folder.glob("*.css"):
        _replace(sheet, "url(/", f"url({BELOW}")
    index = folder / "index.html"
    text = re.sub(r'<script[^>]*src="/init-service-worker\.js"></script>', "", index.read_text("utf-8"))
    text = re.sub(r'(src|href|content)="/', rf'\1="{BELOW}', text)
    index.write_text(text.replace('PUBLIC_URL="/"', f'PUBLIC_URL="{BELOW}"'), "utf-8")
    _replace(folder / "manifest.json", '"/', f'"{BELOW}')


def _replace(path: Path, old: str, new: str) -> None:
    text = path.read_text("utf-8")
    if old in text:
        path.write_text(text.replace(old, new), "utf-8")


def _zip(folder: Path) -> None:
    """Beside each larger text its compressed form, which browsers get."""
    large = [p for p in folder.rglob("*") if p.suffix in ZIPPED and p.stat().st_size > 1024]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(_zip_one, large))


def _zip_one(path: Path) -> None:
    path.with_name(path.name + ".gz").write_bytes(gzip.compress(path.read_bytes(), 6, mtime=0))


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
