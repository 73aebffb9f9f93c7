"""One row a request: that a gateway answered, an app was asked, or an app made itself."""

from pipeline.dataset import Column, Dataset, Type


def _told(name: str, meaning: str) -> Column:
    """A text as the record tells it: whoever wrote it may have put a secret into it."""
    return Column(name, Type.VARCHAR, meaning, may_hold_secrets=True)


requests = Dataset(
    about="Requests that came through a gateway, and the backend call that each one made.",
    grain="one request, as one log record tells it",
    # A gateway gives each request an id of its own. Other logs have none, or one for all calls of
    # an operation: there, only rows that agree in all that parts requests are one event told twice.
    identity=(
        "time",
        "resource_id",
        "correlation_id",
        "instance",
        "caller_ip",
        "status",
        "total_ms",
        "backend_ms",
        "method",
        "url",
        "request_bytes",
        "response_bytes",
        "backend_host",
        "backend_url",
        "backend_status",
    ),
    partition="date",
    columns=(
        Column("date", Type.DATE, "day on which the request started", "UTC"),
        Column("time", Type.TIMESTAMP, "moment the gateway started the request", "UTC"),
        _told("resource_id", "gateway's Azure resource id, in lower case"),
        _told("region", "region of the gateway that served it"),
        _told("instance", "worker or instance that served it, where the data tells them apart"),
        _told("correlation_id", "id which the gateway gave the request"),
        _told("caller_ip", "address of the immediate caller, maybe a proxy"),
        _told("subscription", "API Management subscription of the caller"),
        _told("api", "id of the API"),
        _told("api_revision", "revision of the API"),
        _told("operation", "id of the operation"),
        _told("product", "id of the product"),
        _told("method", "HTTP method the caller used"),
        _told("url", "URL the caller asked for, without query and user info"),
        _told("protocol", "protocol between caller and gateway"),
        Column("status", Type.INTEGER, "HTTP status sent to the caller; 0 where none was"),
        Column("success", Type.BOOLEAN, "whether the gateway calls the request a success"),
        Column("total_ms", Type.BIGINT, "from request received to response fully sent", "ms"),
        Column("client_ms", Type.BIGINT, "input and output with the caller", "ms"),
        _told("cache", "none, hit or miss"),
        Column("cache_ms", Type.BIGINT, "input and output with the cache", "ms"),
        Column("request_bytes", Type.BIGINT, "received from the caller", "bytes"),
        Column("response_bytes", Type.BIGINT, "sent to the caller", "bytes"),
        _told("backend", "id of the backend entity, where one is configured"),
        _told("backend_method", "HTTP method towards the backend"),
        _told("backend_url", "URL towards the backend, without query"),
        _told("backend_protocol", "protocol between gateway and backend"),
        _told("backend_host", "host in backend_url, in lower case"),
        Column("backend_port", Type.INTEGER, "port in backend_url, or its scheme's"),
        Column("backend_status", Type.INTEGER, "HTTP status that the backend answered"),
        Column(
            "backend_ms",
            Type.BIGINT,
            "all input and output with the backend, connecting included",
            "ms",
        ),
        _told("error_source", "policy or step that failed last"),
        _told("error_section", "policy section that failed last"),
        _told("error_reason", "the last error's machine code"),
        _told("error_message", "the last error's text, secrets removed"),
        Column("error_elapsed_ms", Type.BIGINT, "from request start to the last error", "ms"),
        Column("error_ip", Type.VARCHAR, "address that the last error's text names"),
        Column("error_port", Type.INTEGER, "port that the last error's text names"),
        Column("errors", Type.INTEGER, "errors recorded, retries among them", "count"),
        Column("weight", Type.DOUBLE, "requests this row stands for, above 1 if sampled", "count"),
        Column("blob", Type.VARCHAR, "where the record was read from"),
        Column("position", Type.BIGINT, "its place in the blob: line or record, counted from 1"),
        Column("item", Type.BIGINT, "its place in that record, counted from 1"),
    ),
)
