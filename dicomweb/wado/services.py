"""WADO-RS's resources by their addresses."""

from __future__ import annotations

from dicomweb.http.routes import Route
from dicomweb.wado.album import rendered_instances
from dicomweb.wado.bulkdata import bulkdata
from dicomweb.wado.frames import frames
from dicomweb.wado.instances import retrieve
from dicomweb.wado.metadata import metadata
from dicomweb.wado.pictures import rendered_frames, rendered_instance, thumbnail

_STUDY = "/studies/{study}"
_SERIES = _STUDY + "/series/{series}"
_INSTANCE = _SERIES + "/instances/{instance}"
_LEVELS = (_STUDY, _SERIES, _INSTANCE)

ROUTES: tuple[Route, ...] = (
    *(Route("GET", level, retrieve, cost=5) for level in _LEVELS),
    *(Route("GET", f"{level}/metadata", metadata) for level in _LEVELS),
    *(Route("GET", f"{level}/thumbnail", thumbnail) for level in _LEVELS),
    *(Route("GET", f"{level}/rendered", rendered_instances, cost=100) for level in (_STUDY, _SERIES)),
    Route("GET", _INSTANCE + "/rendered", rendered_instance),
    Route("GET", _INSTANCE + "/frames/{frames}", frames),
    Route("GET", _INSTANCE + "/frames/{frames}/rendered", rendered_frames),
    Route("GET", _INSTANCE + "/frames/{frames}/thumbnail", thumbnail),
    Route("GET", _INSTANCE + "/bulkdata/{bulk:path}", bulkdata),
)
