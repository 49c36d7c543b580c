"""OpenEMR's tables that FHIR is read from (schema of release 7.0.3), with the columns the mappings need.

Names, types, nullability, defaults, keys and indexes are the schema's own; there are no foreign keys in it.
No collation is stated: the database's default decides. `schema="openemr"` is a name to be translated
(`schema_translate_map`) where the site calls the database otherwise. Secrets (users.password,
procedure_providers.login and .password) are left out, so no statement can name them.
"""

from __future__ import annotations

from mappers.openemr.tables.codes import code_types, codes, list_options, uuid_mapping
from mappers.openemr.tables.documents import categories, categories_to_documents, documents
from mappers.openemr.tables.forms import form_clinical_notes, form_vital_details, form_vitals
from mappers.openemr.tables.insurance import addresses, insurance_companies, insurance_data, phone_numbers
from mappers.openemr.tables.issues import drugs, immunizations, lists, lists_medication, prescriptions
from mappers.openemr.tables.patients import (
    contact,
    contact_address,
    employer_data,
    history_data,
    patient_data,
    patient_history,
)
from mappers.openemr.tables.procedures import (
    procedure_order,
    procedure_order_code,
    procedure_providers,
    procedure_report,
    procedure_result,
    procedure_type,
)
from mappers.openemr.tables.schema import OPENEMR
from mappers.openemr.tables.staff import facility, facility_user_ids, users
from mappers.openemr.tables.visits import (
    form_encounter,
    forms,
    issue_encounter,
    openemr_postcalendar_categories,
    openemr_postcalendar_events,
)

__all__ = [
    "OPENEMR",
    "addresses",
    "categories",
    "categories_to_documents",
    "code_types",
    "codes",
    "contact",
    "contact_address",
    "documents",
    "drugs",
    "employer_data",
    "facility",
    "facility_user_ids",
    "form_clinical_notes",
    "form_encounter",
    "form_vital_details",
    "form_vitals",
    "forms",
    "history_data",
    "immunizations",
    "insurance_companies",
    "insurance_data",
    "issue_encounter",
    "list_options",
    "lists",
    "lists_medication",
    "openemr_postcalendar_categories",
    "openemr_postcalendar_events",
    "patient_data",
    "patient_history",
    "phone_numbers",
    "prescriptions",
    "procedure_order",
    "procedure_order_code",
    "procedure_providers",
    "procedure_report",
    "procedure_result",
    "procedure_type",
    "users",
    "uuid_mapping",
]
