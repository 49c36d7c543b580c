"""`make bench ARGS=--imaging`: frames and metadata through the gateway, beside Orthanc's own.

Both serve the same CT from the same Orthanc, asked in turn by as many readers over kept connections.
"""

from __future__ import annotations

import base64
import io
import json
import math
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from statistics import median
from urllib.request import Request, urlopen

import numpy as np
import pydicom
from pydicom.uid import UID

from mappers.demo.imaging import STUDIES
from tests.bench.load import Measured, load
from tests.bench.report import machine
from tests.bench.servers import Served, imaging
from tests.dicomweb.files import packaged
from tests.services.orthanc import OrthancServer, orthanc_server

SLICES, SIDE = 60, 512
STUDY = STUDIES[2].study_instance_uid
SERIES = f"{STUDY}.4711"
#: what is wanted of each kind, as a part of Orthanc's own throughput
WANTED = {"frames": 0.5, "metadata": 1.0}


@dataclass(frozen=True)
class Beside:
    """One kind of request: both servers' medians."""

    kind: str
    ours: Measured
    orthanc: Measured

    @property
    def ratio(self) -> float:
        """Our throughput as a part of Orthanc's own, which may finish nothing in a short run."""
        return self.ours.rate / self.orthanc.rate if self.orthanc.rate else math.inf


def beside_orthanc(readers: int, seconds: float, rounds: int) -> Iterator[Beside]:
    """Frames and metadata, the servers taking turns."""
    with both_servers() as (ours, orthanc):
        for kind, paths in _paths().items():
            pairs = [_turn(ours, orthanc, paths, readers, seconds) for _ in range(rounds)]
            yield Beside(kind, *(_middle([pair[side] for pair in pairs]) for side in (0, 1)))


def frames_for(readers: int, seconds: float) -> Measured:
    """Frames through the gateway alone."""
    with both_servers() as (ours, _):
        return load(ours, _ours(ours, _paths()["frames"]), readers, seconds, f"Bearer {ours.token}")


@contextmanager
def both_servers() -> Iterator[tuple[Served, OrthancServer]]:
    """An Orthanc with a CT, and the gateway over it, which has indexed it."""
    with orthanc_server() as orthanc:
        _fill(orthanc)
        with imaging(orthanc) as ours:
            _await_index(ours)
            yield ours, orthanc


def _ours(ours: Served, paths: Sequence[str]) -> list[str]:
    return [f"http://127.0.0.1:{ours.port}/api/dicom-web{path}" for path in paths]


def _turn(
    ours: Served, orthanc: OrthancServer, paths: Sequence[str], readers: int, seconds: float
) -> tuple[Measured, Measured]:
    # Only its throughput is looked at: whose memory is read beside it does not matter.
    own = replace(ours, name="Orthanc", port=orthanc.port)
    basic = base64.b64encode(f"{orthanc.username}:{orthanc.password}".encode()).decode()
    there = [f"{orthanc.url}/dicom-web{path}" for path in paths]
    return (
        load(ours, _ours(ours, paths), readers, seconds, f"Bearer {ours.token}"),
        load(own, there, readers, seconds, f"Basic {basic}"),
    )


def _paths() -> dict[str, list[str]]:
    series = f"/studies/{STUDY}/series/{SERIES}"
    frames = [f"{series}/instances/{SERIES}.{number}/frames/1" for number in range(1, SLICES + 1)]
    return {"frames": frames, "metadata": [f"{series}/metadata"]}


def _fill(orthanc: OrthancServer) -> None:
    """A CT of noise, which nothing compresses."""
    slice_, noise = pydicom.dcmread(packaged("CT_small.dcm").file), np.random.default_rng(1)
    slice_.StudyInstanceUID, slice_.SeriesInstanceUID = STUDY, SERIES
    slice_.PatientID, slice_.Rows, slice_.Columns = STUDIES[2].dicom_patient_id, SIDE, SIDE
    for number in range(1, SLICES + 1):
        slice_.SOPInstanceUID = slice_.file_meta.MediaStorageSOPInstanceUID = UID(f"{SERIES}.{number}")
        slice_.InstanceNumber = number
        slice_.PixelData = noise.integers(0, 2**12, (SIDE, SIDE), np.uint16).tobytes()
        written = io.BytesIO()
        slice_.save_as(written)
        _asked(f"{orthanc.url}/instances", orthanc, written.getvalue())


def _asked(url: str, orthanc: OrthancServer, body: bytes) -> None:
    basic = base64.b64encode(f"{orthanc.username}:{orthanc.password}".encode()).decode()
    request = Request(url, body, {"Authorization": f"Basic {basic}"}, method="POST")  # noqa: S310 - our own
    urlopen(request).close()  # noqa: S310


def _await_index(ours: Served) -> None:
    """Until all that Orthanc has is indexed."""
    url = f"http://127.0.0.1:{ours.port}/api/dicom-web/studies/{STUDY}/instances?limit={SLICES}"
    until = time.monotonic() + 120
    while time.monotonic() < until:
        request = Request(url, headers={"Authorization": f"Bearer {ours.token}"})
        with urlopen(request) as answer:  # noqa: S310
            if answer.status == 200 and len(json.load(answer)) == SLICES:
                return
        time.sleep(0.5)
    raise TimeoutError("the images were not indexed in two minutes")


def _middle(runs: Sequence[Measured]) -> Measured:
    """The medians."""
    fields = ("rate", "p50", "p99", "cpu", "generator")
    middle = {name: median(getattr(run, name) for run in runs) for name in fields}
    return replace(runs[-1], errors=sum(run.errors for run in runs), rss_before=runs[0].rss_before, **middle)


def imaging_section(results: Sequence[Beside], readers: int) -> str:
    """The figures as a dated section of Markdown."""
    lines = [f"## {datetime.now(UTC):%Y-%m-%d}: `make bench ARGS=--imaging`", "", *machine(), ""]
    lines += [
        f"{SLICES} slices of {SIDE} × {SIDE} × 16 bits in Orthanc, {readers} readers; "
        "ours with access control and audit.",
        "",
        "|kind|ours/s|Orthanc/s|ratio|wanted|met|p50 ms|p99 ms|Orthanc p50|CPU ms|MiB before|after|errors|",
        "|---|---|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    return "\n".join([*lines, *(_row(one) for one in results), ""])


def _row(one: Beside) -> str:
    ours, wanted = one.ours, WANTED[one.kind]
    cells = (
        one.kind,
        f"{ours.rate:.0f}",
        f"{one.orthanc.rate:.0f}",
        f"{one.ratio:.2f}",
        f"≥ {wanted:.2f}",
        "yes" if one.ratio >= wanted and not ours.errors else "no",
        f"{ours.p50:.1f}",
        f"{ours.p99:.1f}",
        f"{one.orthanc.p50:.1f}",
        f"{ours.cpu:.2f}",
        str(ours.rss_before >> 10),
        str(ours.rss_after >> 10),
        str(ours.errors),
    )
    return f"|{'|'.join(cells)}|"
