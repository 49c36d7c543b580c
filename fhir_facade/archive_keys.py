"""The embedded archive's files in `fhir-facade encryption`: under which keys they are, and sealed anew."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from dicomweb.archives.embedded.files import Files
from dicomweb.archives.embedded.resealing import NotSameError, Progress, keys_of, resealed
from fhir_facade.archive_commands import NAMED, Bar
from fhir_facade.imaging.archives import FOLDER
from fhir_facade.settings import SettingFault, Settings
from mappers.at_rest import AtRest

NAME = "imaging archive"


def archive_files(settings: Settings, at_rest: AtRest) -> Files | None:
    """The embedded archive's files; None where Orthanc keeps them, or there are none yet."""
    folder = settings.data_path / FOLDER
    return None if settings.orthanc_api_url or not folder.is_dir() else Files(folder, at_rest)


def reseal_files(files: Files | None) -> int:
    """Seals what isn't under the newest key; 1 where files can't be opened. A further run goes on."""
    if files is None:
        return 0
    bar, progress = Bar(), Progress()
    try:
        for progress in resealed(files):
            bar.show(progress.looked, progress.there)
    except NotSameError as fault:
        raise SettingFault(f"{NAME}: {fault} can't be read back as it was written; it is as it was") from None
    except OSError as error:
        raise SettingFault(
            f"{NAME}: its folder can't be written ({error.strerror}); it is as it was"
        ) from None
    finally:
        bar.end()
    for name, reason in list(progress.unopenable.items())[:NAMED]:
        print(f"{NAME}/{name}: {reason}", file=sys.stderr)
    left = len(progress.unopenable)
    print(f"{NAME}: {progress.sealed:,} of {progress.there:,} files sealed anew, {left:,} can't be opened")
    return 1 if left else 0


def tell_keys(files: Files | None, ids: Sequence[str]) -> int:
    """How many files there are in clear and by key; 1 where a key is needed that isn't here."""
    if files is None:
        return 0
    found = keys_of(files)
    others = sum(n for key, n in found.items() if key and key not in ids)
    counts = {
        "in clear": found.get("", 0),
        **{f"under {i}": found.get(i, 0) for i in ids},
        "other keys": others,
    }
    told = ", ".join(f"{n:,} {what}" for what, n in counts.items() if n) or "empty"
    print(f"{NAME}: {told}")
    return 1 if others else 0
