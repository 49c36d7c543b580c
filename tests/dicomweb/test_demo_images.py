"""The demo's images: as scanners make them, there from the first start on, each lesion in its place."""

from __future__ import annotations

import asyncio
import sqlite3
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from pydicom import Dataset

from dicomweb.archives.archive import Address
from dicomweb.archives.embedded import EmbeddedArchive
from dicomweb.demo.files import PADDING, Person, files_of, of_patient
from dicomweb.index.reading import instances
from fhir_facade.encryption import at_rest_of
from fhir_facade.imaging.archives import archive_of
from fhir_facade.imaging.demo import make_demo_images
from fhir_facade.set_up import migrate_embedded
from fhir_facade.settings import Settings
from mappers.database import Sqlite
from mappers.demo.imaging import STUDIES, DemoLesion, DemoStudy

KIM = of_patient("김영희", "Kim Younghee", "1958-03-14", "F")
Volume = tuple[Any, Any, Any, Any]  # values, and x, y, z of each


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """An embedded server's folder after its first start."""
    settings = Settings(data_dir=str(tmp_path_factory.mktemp("demo")))
    migrate_embedded(settings)
    make_demo_images(settings)
    return settings


@pytest.fixture(scope="module")
def files() -> dict[str, list[Dataset]]:
    """The files of each study."""
    return {
        study.study_id: [
            pydicom.dcmread(BytesIO(made.content)) for made in files_of(study, KIM, Person("박^지훈"))
        ]
        for study in STUDIES
    }


def database_of(settings: Settings) -> Sqlite:
    found = Sqlite(settings.data_path / "cdss.db", settings.data_path / "openemr.db")
    found.at_rest = at_rest_of(settings)
    return found


@pytest.mark.parametrize("study", STUDIES, ids=lambda study: study.study_id)
async def test_each_study_is_in_the_archive_and_the_index(started: Settings, study: DemoStudy) -> None:
    database, archive = database_of(started), archive_of(started, at_rest_of(started))
    found = await instances(database, Address(study.study_instance_uid))
    expected = [
        Address(study.study_instance_uid, study.series_instance_uid(s), study.sop_instance_uid(s, i))
        for s in study.series
        for i in range(1, s.instances + 1)
    ]
    assert [one.address for one in found] == expected
    for one in (found[0], found[-1]):
        with await archive.fetch(one.place) as file:
            assert pydicom.dcmread(file).SOPInstanceUID == one.address.instance
    [row] = await database.fetch(
        "SELECT patient_id, patient, ris_study, accession_number, patient_name, study_date "
        "FROM fhir_dicom_study WHERE study = ?",
        (study.study_instance_uid,),
    )
    hangul = {"P-2025-000001": "Kim^Younghee==김^영희", "P-2025-000002": "Lee^Cheolsu==이^철수"}
    assert tuple(row) == (
        study.dicom_patient_id,
        study.patient_id,
        study.study_id,
        study.accession_number,
        hangul[study.patient_id],
        study.study_datetime[:10].replace("-", ""),
    )
    await archive.close()
    await database.close()


async def test_what_was_made_is_told_as_changes(started: Settings) -> None:
    archive = archive_of(started, at_rest_of(started))
    changes = await archive.changes("")
    assert len(changes.found) == sum(s.instances for study in STUDIES for s in study.series)
    await archive.close()


def volume(slices: list[Dataset]) -> Volume:
    """Rescaled values with their places in patient coordinates, as the geometry of the files tells them."""
    values = np.stack(
        [
            d.pixel_array * float(d.get("RescaleSlope", 1)) + float(d.get("RescaleIntercept", 0))
            for d in slices
        ]
    )
    first = slices[0]
    assert [float(v) for v in first.ImageOrientationPatient] == [1, 0, 0, 0, 1, 0]
    spacing_y, spacing_x = (float(v) for v in first.PixelSpacing)
    x = float(first.ImagePositionPatient[0]) + np.arange(first.Columns) * spacing_x
    y = float(first.ImagePositionPatient[1]) + np.arange(first.Rows) * spacing_y
    z = np.array([float(d.ImagePositionPatient[2]) for d in slices])
    assert np.allclose(np.diff(z), float(first.SpacingBetweenSlices), atol=1e-3)
    return values, x[None, None, :], y[None, :, None], z[:, None, None]


def sphere(found: Any, x: Any, y: Any, z: Any) -> DemoLesion:
    """The sphere that a mask is: its middle, and the diameter that has its volume."""
    weight = found.sum()
    voxel = float((x[0, 0, 1] - x[0, 0, 0]) * (y[0, 1, 0] - y[0, 0, 0]) * (z[1, 0, 0] - z[0, 0, 0]))
    x0, y0, z0 = (float((found * axis).sum() / weight) for axis in (x, y, z))
    return DemoLesion(x0, y0, z0, float((weight * voxel * 6 / np.pi) ** (1 / 3)))


def assert_close(found: DemoLesion, stated: DemoLesion) -> None:
    for axis in ("x", "y", "z"):
        assert abs(getattr(found, axis) - getattr(stated, axis)) < 1.0, (found, stated)
    assert abs(found.diameter_mm - stated.diameter_mm) < 0.05 * stated.diameter_mm, (found, stated)


def test_the_tumour_lights_up_after_contrast_where_it_is_stated(files: dict[str, list[Dataset]]) -> None:
    study = STUDIES[0]
    slices = [d for d in files[study.study_id] if d.SeriesDescription.endswith("+C")]
    values, *axes = volume(slices)
    assert_close(sphere(values > 1000, *axes), study.lesions[0])
    plain = [d for d in files[study.study_id] if d.SeriesDescription == "T1 SE axial"]
    assert volume(plain)[0].max() < 1000


def test_a_brain_without_tumour_has_none(files: dict[str, list[Dataset]]) -> None:
    assert max(d.pixel_array.max() for d in files["ST-2025-000002"]) < 1000


def test_the_nodule_lies_in_the_left_lung_where_it_is_stated(files: dict[str, list[Dataset]]) -> None:
    study = STUDIES[2]
    values, x, y, z = volume(files[study.study_id])
    [stated] = study.lesions
    near = (x - stated.x) ** 2 + (y - stated.y) ** 2 + (z - stated.z) ** 2 < (0.7 * stated.diameter_mm) ** 2
    assert_close(sphere(near & (values > -400), x, y, z), stated)
    assert stated.x > 0  # in DICOM's coordinates x rises to the patient's left


def test_ct_values_are_hounsfield_units_of_signed_pixels(files: dict[str, list[Dataset]]) -> None:
    middle = files["ST-2025-000003"][10]
    assert middle.PixelRepresentation == 1
    assert middle.pixel_array.min() == PADDING == middle.PixelPaddingValue
    values, x, y, _ = volume(files["ST-2025-000003"])

    def at(place_x: float, place_y: float) -> float:
        column, row = np.abs(x - place_x).argmin(), np.abs(y - place_y).argmin()
        return float(values[10, row - 2 : row + 3, column - 2 : column + 3].mean())

    assert abs(at(-80, 0) - -850) < 10
    assert abs(at(0, 75) - 420) < 10
    assert abs(at(0, -150) - -1000) < 10


def test_mr_values_are_unsigned_and_all_series_share_their_frame(files: dict[str, list[Dataset]]) -> None:
    for study in STUDIES[:2]:
        of_study = files[study.study_id]
        assert {d.PixelRepresentation for d in of_study} == {0}
        assert {d.pixel_array.dtype for d in of_study} == {np.dtype("uint16")}
        assert max(d.pixel_array.max() for d in of_study) <= 4095
        assert len({d.FrameOfReferenceUID for d in of_study}) == 1


def test_both_korean_character_sets_are_among_the_files(files: dict[str, list[Dataset]]) -> None:
    sets = {str(d.SpecificCharacterSet) for of_study in files.values() for d in of_study}
    assert sets == {"ISO_IR 192", "['', 'ISO 2022 IR 149']"}
    assert {str(d.PatientName) for of_study in files.values() for d in of_study} == {KIM.name}


def test_files_are_the_same_on_every_run() -> None:
    study = STUDIES[2]
    one, other = (next(iter(files_of(study, KIM, Person("박^지훈")))) for _ in range(2))
    assert one == other


def test_a_second_start_makes_nothing(started: Settings) -> None:
    before = sorted(p.stat().st_mtime_ns for p in (started.data_path / "archive").rglob("*"))
    make_demo_images(started)
    assert sorted(p.stat().st_mtime_ns for p in (started.data_path / "archive").rglob("*")) == before


@pytest.fixture
def hospital(started: Settings, tmp_path: Path) -> Settings:
    """Another folder with the databases, whose RIS knows the CT alone."""
    for name in ("cdss.db", "openemr.db"):
        with sqlite3.connect(started.data_path / name) as source, sqlite3.connect(tmp_path / name) as target:
            source.backup(target)
        source.close()
        target.close()
    changing = sqlite3.connect(tmp_path / "cdss.db", isolation_level=None)
    changing.execute("DELETE FROM ris_radiologystudy WHERE modality = 'MR'")
    for table in ("study", "series", "instance"):
        changing.execute(f"DELETE FROM fhir_dicom_{table}")  # noqa: S608
    changing.close()
    return replace(started, data_dir=str(tmp_path))


async def test_a_start_that_was_killed_is_made_good_by_the_next(hospital: Settings) -> None:
    (hospital.data_path / "archive.building" / "files" / "ab").mkdir(parents=True)
    (hospital.data_path / "archive.building" / "journal.db").write_bytes(b"half")
    await _in_thread(hospital)
    archive = archive_of(hospital, at_rest_of(hospital))
    assert isinstance(archive, EmbeddedArchive)
    kept = {stored.address.study async for stored in archive.everything()}
    assert kept == {STUDIES[2].study_instance_uid}  # no images of studies that the hospital doesn't know
    assert not (hospital.data_path / "archive.building").exists()
    await archive.close()


async def test_no_images_are_made_beside_an_orthanc(hospital: Settings) -> None:
    await _in_thread(replace(hospital, orthanc_api_url="http://127.0.0.1:1"))
    assert not (hospital.data_path / "archive").exists()


async def _in_thread(settings: Settings) -> None:
    await asyncio.to_thread(make_demo_images, settings)
