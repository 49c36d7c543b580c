"""One engine for all tests of mappings: the embedded databases with the demo's rows and the awkward ones."""

from collections.abc import AsyncIterator

import pytest
from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

from fhir_facade.registry import by_type
from mappers.cdss.tables import CDSS
from mappers.database import Sqlite
from mappers.demo import create_embedded
from mappers.demo.awkward import awkward
from mappers.demo.embedded import CDSS_FILE, OPENEMR_FILE
from mappers.demo.loading import load
from mappers.engine import Engine
from mappers.facade.imaging import fhir_dicom_instance, fhir_dicom_series, fhir_dicom_study
from mappers.facade.tables import fhir_report_signature
from mappers.openemr.tables import OPENEMR
from mappers.site import Site
from tests.facade.imaged import leave_images

#: tables of ours that tell something of the hospital's rows
BESIDE = (fhir_dicom_study, fhir_dicom_series, fhir_dicom_instance, fhir_report_signature)


@pytest.fixture(scope="session")
async def engine(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Engine]:
    """Reads and searches the demo hospital and all awkward rows."""
    folder = tmp_path_factory.mktemp("mappings")
    create_embedded(folder)
    for name, metadata in ((CDSS_FILE, CDSS), (OPENEMR_FILE, OPENEMR)):
        writer = create_engine(
            f"sqlite:///{folder / name}",
            poolclass=NullPool,
            execution_options={"schema_translate_map": {"openemr": None}},
        )
        with writer.begin() as connection:
            load(connection, [(found.table, found.row) for found in awkward(metadata)])
            if metadata is CDSS:
                fhir_dicom_study.metadata.create_all(connection, BESIDE)
                leave_images(connection)
    database = Sqlite(folder / CDSS_FILE, folder / OPENEMR_FILE)
    yield Engine(by_type(), database, Site())
    await database.close()
