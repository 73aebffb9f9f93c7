"""API Management gateway logs as rows of AzureDiagnostics, the table that all services share.

A column's name ends in what its values look like: ``_s`` a text, ``_d`` a number, ``_b`` a flag,
``_g`` a text in the form of a GUID; so one fact may stand in either of two columns. Numbers are
reals, lists are texts. Times are the request's start; durations are ms.
"""

from collections.abc import Iterator

from pipeline.dialect import Record
from pipeline.source import Source
from pipeline.sources.apim_gateway_logs import FLAT_PROPERTIES, apim_gateway_logs
from pipeline.sources.apim_gateway_logs_table import NOTHING, listed

PROVIDER = "MICROSOFT.APIMANAGEMENT"
ENDINGS = ("_s", "_d", "_g", "_b")
# A row that has both is a request's, though it has not all of the columns.
OF_A_REQUEST = frozenset({"method_s", "responsecode_d"})
OF_A_GATEWAY = frozenset({"backendtime_d", "backendurl_s", "apiid_s", "isrequestsuccess_b"})


def _claims(record: Record) -> bool:
    names = record.keys()
    if "timegenerated" not in record or "properties" in record:
        return False
    if record.get("category") or record.get("resourceprovider"):
        return (
            record.get("category") == "GatewayLogs"
            and str(record.get("resourceprovider", PROVIDER)).upper() == PROVIDER
            and bool(names & (OF_A_REQUEST | OF_A_GATEWAY | {"resourceprovider"}))
        )
    return bool(names & OF_A_REQUEST and names & OF_A_GATEWAY)


def _items(record: Record) -> Iterator[Record]:
    said = {name: value for name, value in record.items() if value not in NOTHING}

    def column(name: str) -> object:
        return next((said[name + ending] for ending in ENDINGS if name + ending in said), None)

    yield {
        "time": said.get("timegenerated"),
        "category": "GatewayLogs",
        # Who asks for some columns may leave this one out.
        "resourceId": said.get("resourceid") or said.get("_resourceid", ""),
        "location": column("location") or column("region") or said.get("region"),
        "correlationId": said.get("correlationid") or column("correlationid"),
        "callerIpAddress": said.get("calleripaddress"),
        "durationMs": said.get("durationms"),
        "isRequestSuccess": column("isrequestsuccess"),
        "properties": {
            **{name: column(name.lower()) for name in FLAT_PROPERTIES},
            "lastError": {
                part: column(f"lasterror_{part}")
                for part in ("elapsed", "source", "section", "reason", "message")
            },
            "errors": listed(column("errors")),
        },
    }


apim_gateway_logs_azure_diagnostics = Source(
    about="API Management GatewayLogs as rows of the table AzureDiagnostics",
    dataset="requests",
    query="apim_gateway_logs",
    record=apim_gateway_logs.record,
    claims=_claims,
    items=_items,
)
