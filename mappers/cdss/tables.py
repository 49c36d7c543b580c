"""The CDSS database's tables, one SQLModel class each, with a Core table constant named as the table.

A table is `<application>_<model>` in lower case. DATETIME is site-local without zone. Indexed are primary
keys, unique columns and foreign keys, nothing else. Codes that name a master's row (drug_code, test_code,
diag_code) are plain text: masters change without their history.
"""

from __future__ import annotations

from typing import Any, cast

from sqlalchemy import CHAR, VARCHAR, Column, ForeignKey, MetaData, Table
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel

from mappers.column_types import BIGINT, FLAG, INT, LONGTEXT, DecimalText, JsonText, SiteDate, SiteDateTime

CDSS = MetaData()
TABLE_ARGS: dict[str, Any] = {
    f"{dialect}_{option}": value
    for dialect in ("mysql", "mariadb")
    for option, value in (
        ("engine", "InnoDB"),
        ("charset", "utf8mb4"),
        ("collate", "utf8mb4_unicode_ci"),
    )
}


class CdssRow(SQLModel, registry=registry(metadata=CDSS)):
    """A row of the CDSS database."""

    __table_args__ = TABLE_ARGS


def row_id() -> Any:
    """An automatic numeric primary key."""
    return Field(default=None, sa_column=Column(BIGINT, primary_key=True))


def business_key() -> Any:
    """A primary key that people read, such as P-2025-000001."""
    return Field(sa_column=Column(VARCHAR(32), primary_key=True))


def unique(type_: Any, required: bool = True) -> Any:
    """A unique column."""
    return Field(default=None, sa_column=Column(type_, nullable=not required, unique=True))


def required(type_: Any) -> Any:
    """A NOT NULL column."""
    return Field(sa_column=Column(type_, nullable=False))


def optional(type_: Any) -> Any:
    """A column that may be NULL."""
    return Field(default=None, sa_column=Column(type_))


def reference(target: str, required: bool = False) -> Any:
    """A foreign key with its index; `target` is table.column."""
    type_ = BIGINT if target.endswith(".id") else VARCHAR(32)
    column: Column[Any] = Column(type_, ForeignKey(target), nullable=not required, index=True)
    return Field(default=None, sa_column=column)


CODE, LONG_CODE, NAME = VARCHAR(32), VARCHAR(64), VARCHAR(255)
EMAIL, IP_ADDRESS, UUID_HEX = VARCHAR(254), VARCHAR(39), CHAR(32)
NUMBER = DecimalText(18, 6)
DATE, MOMENT, JSON = SiteDate(), SiteDateTime(6), JsonText()
USER, PATIENT, ENCOUNTER = "accounts_user.id", "emr_patientcache.patient_id", "emr_encounter.encounter_id"
ORDER, SPECIMEN, STUDY = "ocs_order.order_id", "lis_specimen.specimen_id", "ris_radiologystudy.study_id"


class User(CdssRow, table=True):
    """A login of the CDSS: staff, patients and external users; `uuid` is 32 hexadecimal digits."""

    __tablename__ = "accounts_user"

    id: int | None = row_id()
    uuid: str = unique(UUID_HEX)
    username: str = unique(VARCHAR(150))
    email: str | None = optional(EMAIL)
    password: str = required(VARCHAR(128))
    first_name: str | None = optional(NAME)
    last_name: str | None = optional(NAME)
    role: str = required(CODE)
    department: str | None = optional(NAME)
    license_no: str | None = optional(LONG_CODE)
    phone: str | None = optional(CODE)
    is_active: int = required(FLAG)
    last_login: str | None = optional(MOMENT)
    date_joined: str = required(MOMENT)
    updated_at: str = required(MOMENT)


class PatientCache(CdssRow, table=True):
    """A patient of the CDSS, linked to OpenEMR's by `openemr_pid` where there is one."""

    __tablename__ = "emr_patientcache"

    patient_id: str = business_key()
    openemr_pid: int | None = unique(BIGINT, required=False)
    name: str = required(NAME)
    name_en: str | None = optional(NAME)
    ssn: str | None = optional(CODE)
    birth_date: str | None = optional(DATE)
    gender: str | None = optional(CODE)
    phone: str | None = optional(CODE)
    email: str | None = optional(EMAIL)
    address: str | None = optional(NAME)
    postal_code: str | None = optional(CODE)
    blood_type: str | None = optional(CODE)
    emergency_contact_name: str | None = optional(NAME)
    emergency_contact_phone: str | None = optional(CODE)
    primary_doctor_id: int | None = reference(USER)
    is_deceased: int = required(FLAG)
    deceased_at: str | None = optional(MOMENT)
    is_active: int = required(FLAG)
    synced_at: str | None = optional(MOMENT)
    created_at: str = required(MOMENT)
    updated_at: str = required(MOMENT)


class Encounter(CdssRow, table=True):
    """A visit: OPD, IPD or ER."""

    __tablename__ = "emr_encounter"

    encounter_id: str = business_key()
    patient_id: str = reference(PATIENT, required=True)
    openemr_encounter: int | None = optional(BIGINT)
    doctor_id: int | None = reference(USER)
    department: str | None = optional(NAME)
    encounter_type: str | None = optional(CODE)
    status: str = required(CODE)
    chief_complaint: str | None = optional(LONGTEXT)
    started_at: str | None = optional(MOMENT)
    ended_at: str | None = optional(MOMENT)
    ward: str | None = optional(CODE)
    bed: str | None = optional(CODE)
    created_at: str = required(MOMENT)
    updated_at: str = required(MOMENT)


class Allergy(CdssRow, table=True):
    """An allergy: drug, food or environment."""

    __tablename__ = "emr_allergy"

    id: int | None = row_id()
    patient_id: str = reference(PATIENT, required=True)
    allergen: str = required(NAME)
    allergen_code: str | None = optional(LONG_CODE)
    category: str | None = optional(CODE)
    severity: str | None = optional(CODE)
    reaction: str | None = optional(NAME)
    noted_at: str | None = optional(MOMENT)
    is_active: int = required(FLAG)
    updated_at: str = required(MOMENT)


class MedicationMaster(CdssRow, table=True):
    """A drug of the hospital's formulary."""

    __tablename__ = "ocs_medicationmaster"

    id: int | None = row_id()
    drug_code: str = unique(LONG_CODE)
    drug_name: str = required(NAME)
    generic_name: str | None = optional(NAME)
    unit: str | None = optional(CODE)
    atc_code: str | None = optional(CODE)
    edi_code: str | None = optional(CODE)
    is_active: int = required(FLAG)


class DiagnosisMaster(CdssRow, table=True):
    """A diagnosis code (ICD-10 / KCD) with its Korean and English names."""

    __tablename__ = "ocs_diagnosismaster"

    id: int | None = row_id()
    diag_code: str = unique(CODE)
    name_ko: str | None = optional(NAME)
    name_en: str | None = optional(NAME)
    category: str | None = optional(CODE)
    is_active: int = required(FLAG)


class Order(CdssRow, table=True):
    """An order: MEDICATION, LAB, RADIOLOGY or PROCEDURE."""

    __tablename__ = "ocs_order"

    order_id: str = business_key()
    patient_id: str = reference(PATIENT, required=True)
    encounter_id: str | None = reference(ENCOUNTER)
    ordered_by: int | None = reference(USER)
    order_type: str = required(CODE)
    priority: str | None = optional(CODE)
    status: str = required(CODE)
    clinical_info: str | None = optional(LONGTEXT)
    ordered_at: str | None = optional(MOMENT)
    updated_at: str = required(MOMENT)


class OrderItem(CdssRow, table=True):
    """One line of an order; `item_code` is a drug, test or procedure code."""

    __tablename__ = "ocs_orderitem"

    id: int | None = row_id()
    order_id: str = reference(ORDER, required=True)
    item_code: str | None = optional(LONG_CODE)
    item_name: str | None = optional(NAME)
    dose: str | None = optional(NUMBER)
    dose_unit: str | None = optional(CODE)
    frequency: str | None = optional(CODE)
    route: str | None = optional(CODE)
    duration_days: int | None = optional(INT)
    quantity: str | None = optional(NUMBER)
    instructions: str | None = optional(LONGTEXT)
    status: str | None = optional(CODE)


class Diagnosis(CdssRow, table=True):
    """A diagnosis of a patient: primary, secondary or rule_out."""

    __tablename__ = "ocs_diagnosis"

    id: int | None = row_id()
    patient_id: str = reference(PATIENT, required=True)
    encounter_id: str | None = reference(ENCOUNTER)
    diag_code: str | None = optional(CODE)
    diag_type: str | None = optional(CODE)
    onset_date: str | None = optional(DATE)
    resolved_date: str | None = optional(DATE)
    recorded_by: int | None = reference(USER)
    recorded_at: str | None = optional(MOMENT)
    note: str | None = optional(LONGTEXT)
    updated_at: str = required(MOMENT)


class LabTestMaster(CdssRow, table=True):
    """A laboratory test with its unit, reference range and LOINC code."""

    __tablename__ = "lis_labtestmaster"

    id: int | None = row_id()
    test_code: str = unique(LONG_CODE)
    test_name: str = required(NAME)
    sample_type: str | None = optional(CODE)
    unit: str | None = optional(CODE)
    ref_range_min: str | None = optional(NUMBER)
    ref_range_max: str | None = optional(NUMBER)
    loinc_code: str | None = optional(CODE)
    is_active: int = required(FLAG)


class Specimen(CdssRow, table=True):
    """A specimen taken for a laboratory order."""

    __tablename__ = "lis_specimen"

    specimen_id: str = business_key()
    order_id: str | None = reference(ORDER)
    patient_id: str = reference(PATIENT, required=True)
    sample_type: str | None = optional(CODE)
    barcode: str | None = optional(LONG_CODE)
    collected_by: int | None = reference(USER)
    collected_at: str | None = optional(MOMENT)
    received_at: str | None = optional(MOMENT)
    status: str | None = optional(CODE)
    updated_at: str = required(MOMENT)


class LabResult(CdssRow, table=True):
    """One laboratory value; `value` is its text, `value_numeric` its number where it is one."""

    __tablename__ = "lis_labresult"

    id: int | None = row_id()
    order_id: str | None = reference(ORDER)
    specimen_id: str | None = reference(SPECIMEN)
    patient_id: str = reference(PATIENT, required=True)
    test_code: str = required(LONG_CODE)
    value: str | None = optional(NAME)
    value_numeric: str | None = optional(NUMBER)
    unit: str | None = optional(CODE)
    abnormal_flag: str | None = optional(CODE)
    status: str = required(CODE)
    performed_by: int | None = reference(USER)
    resulted_at: str | None = optional(MOMENT)
    verified_by: int | None = reference(USER)
    verified_at: str | None = optional(MOMENT)
    comment: str | None = optional(LONGTEXT)
    updated_at: str = required(MOMENT)


class RadiologyOrder(CdssRow, table=True):
    """An examination to be done: the radiological side of an order."""

    __tablename__ = "ris_radiologyorder"

    id: int | None = row_id()
    order_id: str = reference(ORDER, required=True)
    patient_id: str = reference(PATIENT, required=True)
    modality: str | None = optional(CODE)
    body_part: str | None = optional(LONG_CODE)
    procedure_name: str | None = optional(NAME)
    scheduled_at: str | None = optional(MOMENT)
    status: str | None = optional(CODE)
    updated_at: str = required(MOMENT)


class RadiologyStudy(CdssRow, table=True):
    """An imaging study; it decides whose images they are when the DICOM PatientID says otherwise."""

    __tablename__ = "ris_radiologystudy"

    study_id: str = business_key()
    order_id: str | None = reference(ORDER)
    patient_id: str = reference(PATIENT, required=True)
    study_instance_uid: str | None = optional(LONG_CODE)
    accession_number: str | None = optional(LONG_CODE)
    orthanc_id: str | None = optional(LONG_CODE)
    modality: str | None = optional(CODE)
    body_part: str | None = optional(LONG_CODE)
    description: str | None = optional(NAME)
    study_datetime: str | None = optional(MOMENT)
    referring_physician_id: int | None = reference(USER)
    num_series: int | None = optional(INT)
    num_instances: int | None = optional(INT)
    status: str | None = optional(CODE)
    created_at: str = required(MOMENT)
    updated_at: str = required(MOMENT)


class RadiologyReport(CdssRow, table=True):
    """A radiologist's report on a study."""

    __tablename__ = "ris_radiologyreport"

    id: int | None = row_id()
    study_id: str = reference(STUDY, required=True)
    radiologist_id: int | None = reference(USER)
    findings: str | None = optional(LONGTEXT)
    impression: str | None = optional(LONGTEXT)
    recommendation: str | None = optional(LONGTEXT)
    status: str = required(CODE)
    reported_at: str | None = optional(MOMENT)
    signed_at: str | None = optional(MOMENT)
    updated_at: str = required(MOMENT)


class AIModel(CdssRow, table=True):
    """An inference model and the threshold it decides by."""

    __tablename__ = "ai_aimodel"

    id: int | None = row_id()
    name: str = required(NAME)
    model_type: str = required(LONG_CODE)
    version: str | None = optional(CODE)
    vendor: str | None = optional(NAME)
    description: str | None = optional(LONGTEXT)
    input_modality: str | None = optional(CODE)
    threshold: str | None = optional(NUMBER)
    training_summary: str | None = optional(LONGTEXT)
    is_active: int = required(FLAG)
    created_at: str = required(MOMENT)


class AIJob(CdssRow, table=True):
    """An inference on a study, its result as JSON text and a physician's review of it."""

    __tablename__ = "ai_aijob"

    id: int | None = row_id()
    study_id: str | None = reference(STUDY)
    patient_id: str = reference(PATIENT, required=True)
    model_type: str = required(LONG_CODE)
    model_id: int | None = reference("ai_aimodel.id")
    status: str = required(CODE)
    task_id: str | None = optional(NAME)
    result: str | None = optional(JSON)
    error_message: str | None = optional(LONGTEXT)
    requested_by: int | None = reference(USER)
    retry_count: int = required(INT)
    review_status: str | None = optional(CODE)
    reviewed_by: int | None = reference(USER)
    reviewed_at: str | None = optional(MOMENT)
    review_note: str | None = optional(LONGTEXT)
    created_at: str = required(MOMENT)
    started_at: str | None = optional(MOMENT)
    completed_at: str | None = optional(MOMENT)
    updated_at: str = required(MOMENT)


class Notification(CdssRow, table=True):
    """A message to a user: CRITICAL_LAB, AI_RESULT, ORDER or SYSTEM."""

    __tablename__ = "alert_notification"

    id: int | None = row_id()
    recipient_id: int | None = reference(USER)
    patient_id: str | None = reference(PATIENT)
    category: str = required(CODE)
    severity: str | None = optional(CODE)
    title: str | None = optional(NAME)
    message: str | None = optional(LONGTEXT)
    resource_type: str | None = optional(LONG_CODE)
    resource_id: str | None = optional(LONG_CODE)
    is_read: int = required(FLAG)
    read_at: str | None = optional(MOMENT)
    created_at: str = required(MOMENT)


class AlertRule(CdssRow, table=True):
    """A rule that notifies: `criteria` is a FHIR search, `recipients` a comma list of roles and usernames."""

    __tablename__ = "alert_rule"

    id: int | None = row_id()
    name: str = required(NAME)
    category: str | None = optional(CODE)
    criteria: str | None = optional(LONGTEXT)
    severity: str | None = optional(CODE)
    recipients: str | None = optional(NAME)
    is_active: int = required(FLAG)


class AuditLog(CdssRow, table=True):
    """What the old application recorded of someone's action; it outlives the records it names."""

    __tablename__ = "audit_auditlog"

    id: int | None = row_id()
    user_id: int | None = reference(USER)
    username: str | None = optional(VARCHAR(150))
    action: str = required(CODE)
    resource_type: str | None = optional(LONG_CODE)
    resource_id: str | None = optional(LONG_CODE)
    patient_id: str | None = optional(CODE)
    ip_address: str | None = optional(IP_ADDRESS)
    user_agent: str | None = optional(NAME)
    success: int = required(FLAG)
    detail: str | None = optional(JSON)
    created_at: str = required(MOMENT)


class SyncLog(CdssRow, table=True):
    """What was sent to another FHIR server, and how that went."""

    __tablename__ = "fhir_synclog"

    id: int | None = row_id()
    resource_type: str = required(LONG_CODE)
    resource_id: str = required(LONG_CODE)
    target: str | None = optional(NAME)
    status: str = required(CODE)
    attempts: int = required(INT)
    last_error: str | None = optional(LONGTEXT)
    synced_version: str | None = optional(LONG_CODE)
    synced_at: str | None = optional(MOMENT)


def table_of(model: type[CdssRow]) -> Table:
    """The Core table of a model."""
    return cast(Table, vars(model)["__table__"])


accounts_user = table_of(User)
emr_patientcache = table_of(PatientCache)
emr_encounter = table_of(Encounter)
emr_allergy = table_of(Allergy)
ocs_medicationmaster = table_of(MedicationMaster)
ocs_diagnosismaster = table_of(DiagnosisMaster)
ocs_order = table_of(Order)
ocs_orderitem = table_of(OrderItem)
ocs_diagnosis = table_of(Diagnosis)
lis_labtestmaster = table_of(LabTestMaster)
lis_specimen = table_of(Specimen)
lis_labresult = table_of(LabResult)
ris_radiologyorder = table_of(RadiologyOrder)
ris_radiologystudy = table_of(RadiologyStudy)
ris_radiologyreport = table_of(RadiologyReport)
ai_aimodel = table_of(AIModel)
ai_aijob = table_of(AIJob)
alert_notification = table_of(Notification)
alert_rule = table_of(AlertRule)
audit_auditlog = table_of(AuditLog)
fhir_synclog = table_of(SyncLog)
