"""Task, DiagnosticReport and Provenance of AI jobs; Device, from the models they run."""

from __future__ import annotations

from mappers.cdss import links
from mappers.cdss.ai import (
    DEVICE,
    DEVICE_ASSERTED,
    EFFECTIVE,
    FINDING_PREFIX,
    FINDINGS,
    HAS_RESULT,
    IMAGES,
    MODEL_PREFIX,
    MODEL_TYPE,
    PATIENT,
    REVIEWER,
    SOURCE,
    STUDY,
    J,
    has_finding,
    only_if,
    suffix,
)
from mappers.cdss.meant import is_an_order
from mappers.cdss.radiology_report import DIAGNOSTIC_IMAGING
from mappers.cdss.tables import ai_aimodel
from mappers.mapping import Element, Id, Part, SqlSource
from mappers.upkeep import NOW, Upkeep
from mappers.values import (
    Attached,
    Backbone,
    Choice,
    Code,
    Coded,
    Concept,
    FirstOf,
    Fixed,
    Identifier,
    Instant,
    Joined,
    Period,
    Quantity,
    ReferenceTo,
    Route,
    Several,
    Str,
    When,
    concept,
    there_is,
    unless,
)
from terminology.code_map import CodeMap
from terminology.systems import local_identifier, local_system

AI_REPORT_PREFIX = "ai-report-"
REPORT_STATUS = CodeMap.load("cdss_ai_review_status")
PARTICIPANT = "http://terminology.hl7.org/CodeSystem/provenance-participant-type"
PLACED = links.placed(STUDY.c.order_id)
WHAT = Concept(Coded(MODEL_TYPE, J.model_type), text=Joined(Fixed("AI analysis:"), Str(J.model_type)))
# compared with the job's id, which an index finds; all that searches by it is of jobs with a result
REPORT = ReferenceTo("DiagnosticReport", Route(J.id, Id(AI_REPORT_PREFIX, only_if(HAS_RESULT))))
RESULTS = Several(
    *(
        ReferenceTo("Observation", Id(FINDING_PREFIX, only_if(has_finding(f.source)), suffix(f.source)))
        for f in FINDINGS
    )
)

AI_TASK = Part(
    Id(links.AI_JOB_PREFIX, J.id),
    SqlSource(SOURCE.table, (*SOURCE.joins, PLACED)),
    (
        Element("identifier[]", Identifier(local_identifier("ai-task-id"), J.task_id)),
        Element("status", Code(J.status, CodeMap.load("cdss_ai_job_status"))),
        Element("statusReason", Concept(text=J.error_message)),
        Element(
            "businessStatus",
            Concept(Coded(local_system("ai-review-status"), J.review_status), text=J.review_status),
        ),
        Element("intent", Fixed("order")),
        Element("code", WHAT, writes=Concept(Coded(MODEL_TYPE, J.model_type))),
        Element("focus", IMAGES),
        Element("for", PATIENT),
        Element("encounter", links.encounter(PLACED.table.c.encounter_id)),
        Element("executionPeriod", Period(Instant(J.started_at), Instant(J.completed_at))),
        Element("authoredOn", Instant(J.created_at)),
        Element("lastModified", Instant(J.updated_at), writes=False),
        Element("requester", links.practitioner(J.requested_by)),
        Element("owner", DEVICE),
        Element(
            "input[]",
            Backbone(
                Element("type", Fixed({"text": "imaging study"})),
                Element("value[x]", Choice(IMAGES)),
                needs=("value",),
            ),
        ),
        Element(
            "output[]",
            Backbone(
                Element("type", Fixed({"text": "report"})),
                Element("value[x]", Choice(REPORT)),
                needs=("value",),
            ),
        ),
    ),
    last_updated=Instant(J.updated_at),
    writable=True,
    upkeep=Upkeep(
        new={J.retry_count: 0, J.created_at: NOW},
        touched=(J.updated_at,),
        retired=(J.status, "CANCELLED"),
        states={"": ("requested",), "requested": ("cancelled",), "in-progress": ("cancelled",)},
        fixed=(
            "focus",
            "code",
            "owner",
            "output[]",
            "businessStatus",
            "statusReason",
            "executionPeriod",
            "authoredOn",
            "requester",
        ),
        rules=(is_an_order,),
    ),
    comment="An inference, in whatever state; its review is the business status.",
)

AI_REPORT = Part(
    Id(AI_REPORT_PREFIX, J.id),
    SOURCE,
    (
        Element(
            "status", Code(J.review_status, CodeMap.load("cdss_ai_review_status"), otherwise="preliminary")
        ),
        Element("category[]", Fixed(concept(local_system("report-category"), "AI", "AI analysis"))),
        Element("category[]", Fixed(DIAGNOSTIC_IMAGING)),
        Element("code", WHAT),
        Element("subject", PATIENT),
        EFFECTIVE,
        Element("issued", FirstOf(Instant(J.reviewed_at), Instant(J.completed_at))),
        Element("resultsInterpreter[]", REVIEWER),
        Element("result[]", RESULTS),
        Element("imagingStudy[]", IMAGES),
        Element("presentedForm[]", Attached(Str(J.result), "application/json", title="Result of the model")),
    ),
    last_updated=Instant(J.updated_at),
    where=HAS_RESULT,
    security=Fixed(DEVICE_ASSERTED),
    comment="An AI model's result, told apart by category AI and the label DEVAST: preliminary until "
    "reviewed, and no radiologist's report (those have category RAD).",
)

_NO_DEVICE = unless(there_is(DEVICE))
AI_PROVENANCE = Part(
    Id("ai-", J.id),
    SOURCE,
    (
        Element("target[]", REPORT),
        Element("target[]", RESULTS),
        Element("occurred[x]", Choice(Period(Instant(J.started_at), Instant(J.completed_at)))),
        Element("recorded", FirstOf(Instant(J.completed_at), Instant(J.updated_at))),
        Element(
            "activity",
            Fixed(concept("http://terminology.hl7.org/CodeSystem/v3-DataOperation", "CREATE", "create")),
        ),
        Element(
            "agent[]",
            Backbone(
                Element("type", Fixed(concept(PARTICIPANT, "assembler", "Assembler"))),
                Element("who", DEVICE),
                needs=("who",),
            ),
        ),
        Element(
            "agent[]",
            Backbone(
                Element("type", Fixed(concept(PARTICIPANT, "assembler", "Assembler"))),
                Element("who", Backbone(Element("display", When(*_NO_DEVICE, Str(J.model_type))))),
                needs=("who",),
            ),
        ),
        Element(
            "agent[]",
            Backbone(
                Element("type", Fixed(concept(PARTICIPANT, "verifier", "Verifier"))),
                Element("who", REVIEWER),
                needs=("who",),
            ),
        ),
        Element(
            "entity[]",
            Backbone(Element("role", Fixed("source")), Element("what", IMAGES), needs=("what",)),
        ),
    ),
    last_updated=Instant(J.updated_at),
    where=HAS_RESULT,
    comment="Who made an AI report: the model; and who verified it, once someone has.",
)

M = ai_aimodel.c
AI_MODEL = Part(
    Id(MODEL_PREFIX, M.id),
    SqlSource(ai_aimodel),
    (
        Element("status", Code(M.is_active, CodeMap.load("cdss_model_status"), otherwise="unknown")),
        Element("manufacturer", Str(M.vendor)),
        Element(
            "deviceName[]",
            Backbone(Element("name", Str(M.name)), Element("type", Fixed("model-name")), needs=("name",)),
        ),
        Element("type", Concept(Coded(MODEL_TYPE, M.model_type), text=M.model_type)),
        Element("version[]", Backbone(Element("value", Str(M.version)))),
        Element(
            "property[]",
            Backbone(
                Element("type", Fixed({"text": "decision threshold"})),
                Element("valueQuantity[]", Quantity(M.threshold, fixed=("1", "1"))),
                needs=("valueQuantity",),
            ),
        ),
        Element(
            "property[]",
            Backbone(
                Element("type", Fixed({"text": "input modality"})),
                Element("valueCode[]", Concept(Coded(local_system("modality"), M.input_modality))),
                needs=("valueCode",),
            ),
        ),
        Element("note[]", Backbone(Element("text", Str(M.description)))),
        Element("note[]", Backbone(Element("text", Str(M.training_summary)))),
    ),
    last_updated=Instant(M.created_at),
    comment="An AI model: a device that reads images.",
)
