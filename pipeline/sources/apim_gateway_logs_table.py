"""API Management gateway logs as rows of the table ApiManagementGatewayLogs.

A data export rule, an export job, the query interface, the command line and the portal all give
its columns, or some of them. Columns: Microsoft's "Azure Monitor Logs reference". Times are the
request's start; durations are ms.
"""

from collections.abc import Iterator

from pipeline.dialect import Record, parsed
from pipeline.source import Source
from pipeline.sources.apim_gateway_logs import FLAT_PROPERTIES, apim_gateway_logs

TABLE = "ApiManagementGatewayLogs"
# What stands for null: in a row of the portal's, and in one of the command line's.
NOTHING = (None, "", "None")
# A row that has one of each is of this table, though it has not all of the columns.
OF_A_REQUEST = frozenset({"method", "responsecode"})
OF_ONE_REQUEST = frozenset({"totaltime", "backendtime", "correlationid"})
OF_A_GATEWAY = frozenset(
    {
        "apimsubscriptionid",
        "backendresponsecode",
        "backendtime",
        "isrequestsuccess",
        "lasterrorreason",
        "totaltime",
    }
)
# A self-hosted gateway's own log has the same names, but none of these: the workspace adds them, or
# parts there what is one object here, or they are other spellings'.
OF_A_WORKSPACE = frozenset(
    {
        "_resourceid",
        "durationms",
        "lasterrorelapsed",
        "lasterrormessage",
        "lasterrorreason",
        "lasterrorsection",
        "lasterrorsource",
        "method_s",
        "properties",
        "resourceid",
        "resourceprovider",
        "responsecode_d",
        "sourcesystem",
        "tablename",
        "tenantid",
        "time",
        "type",
    }
)


def self_hosted(record: Record) -> bool:
    """Whether it is a line of a self-hosted gateway, and no row of a table."""
    return record.get("category") == "GatewayLogs" and not record.keys() & OF_A_WORKSPACE


def _claims(record: Record) -> bool:
    names = record.keys()
    if "timegenerated" not in record or "properties" in record or self_hosted(record):
        return False
    if record.get("type"):
        return record["type"] == TABLE
    return bool(names & OF_A_REQUEST and names & OF_ONE_REQUEST and names & OF_A_GATEWAY)


def _items(record: Record) -> Iterator[Record]:
    said = {name: value for name, value in record.items() if value not in NOTHING}
    yield {
        "time": said.get("timegenerated"),
        "category": "GatewayLogs",
        # Who asks for some columns may leave this one out.
        "resourceId": said.get("_resourceid", ""),
        "location": said.get("region"),
        "correlationId": said.get("correlationid"),
        "callerIpAddress": said.get("calleripaddress"),
        "durationMs": said.get("totaltime"),
        "isRequestSuccess": said.get("isrequestsuccess"),
        "properties": {
            **{name: said.get(name.lower()) for name in FLAT_PROPERTIES},
            "lastError": {
                "elapsed": said.get("lasterrorelapsed"),
                "source": said.get("lasterrorsource"),
                "section": said.get("lasterrorsection"),
                "reason": said.get("lasterrorreason"),
                "message": said.get("lasterrormessage"),
            },
            "errors": listed(said.get("errors")),
        },
    }


def listed(errors: object) -> object:
    """The list of errors, which may be a text; one that was cut tells of one error at least."""
    if not isinstance(errors, str):
        return errors
    said = parsed(errors)
    return said if isinstance(said, list) else [{}]


apim_gateway_logs_table = Source(
    about="rows of the table ApiManagementGatewayLogs: exported, queried or saved as CSV",
    dataset="requests",
    query="apim_gateway_logs",
    record=apim_gateway_logs.record,
    claims=_claims,
    items=_items,
)
