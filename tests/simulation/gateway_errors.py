"""The errors that the gateway writes down, in its own words."""

from tests.simulation.exchange import GatewayError, Kind

CONNECT_TIMED_OUT = (
    "Unable to connect to the remote server A connection attempt failed because the connected "
    "party did not properly respond after a period of time, or established connection failed "
    "because connected host has failed to respond"
)
CONNECT_REFUSED = (
    "Unable to connect to the remote server No connection could be made because the target machine "
    "actively refused it"
)
CONNECTION_RESET = (
    "Unable to read data from the transport connection: An existing connection was forcibly closed "
    "by the remote host."
)
NOT_RESOLVED = "The remote name could not be resolved:"
NOT_TRUSTED = (
    "The underlying connection was closed: Could not establish trust relationship for the SSL/TLS "
    "secure channel. The remote certificate is invalid according to the validation procedure."
)
CUT_WHILE_SILENT = "Underlying transport connection was unexpectedly closed."
CUT_WHILE_IDLE = (
    "The underlying connection was closed: A connection that was expected to be kept alive was "
    "closed by the server."
)
FORWARD_TIMED_OUT = "The operation has timed out."
CLIENT_GONE = "The operation was canceled."

FORWARD_REQUEST = "forward-request"

EARLY = {
    Kind.SCANNER: (
        404,
        "configuration",
        "",
        "OperationNotFound",
        "Unable to match incoming request to an operation.",
        "backend",
    ),
    Kind.BAD_KEY: (
        401,
        "authorization",
        "authorization",
        "SubscriptionKeyInvalid",
        "Access denied due to invalid subscription key. Make sure to provide a valid key for an "
        "active subscription.",
        "inbound",
    ),
    Kind.POLICY_ERROR: (
        500,
        "set-variable",
        "set-variable[1]",
        "ExpressionValueEvaluationFailure",
        "Expression evaluation failed. Object reference not set to an instance of an object.",
        "inbound",
    ),
}


POLICY_BROKEN = "Expression evaluation failed. The given key was not present in the dictionary."


def policy_error(elapsed_s: float) -> GatewayError:
    """An error of a policy that somebody changed."""
    reason = "ExpressionValueEvaluationFailure"
    return GatewayError(elapsed_s, "set-header", "set-header[2]", reason, POLICY_BROKEN, "inbound")


def forward_error(elapsed_s: float, reason: str, message: str) -> GatewayError:
    """An error of the step that calls the back end."""
    path = f"{FORWARD_REQUEST}\\{FORWARD_REQUEST}"
    return GatewayError(elapsed_s, FORWARD_REQUEST, path, reason, message, "backend")


def early_error(kind: Kind, elapsed_s: float) -> tuple[int, GatewayError]:
    """Status and error of a request that never got as far as a back end."""
    status, source, path, reason, message, section = EARLY[kind]
    return status, GatewayError(elapsed_s, source, path, reason, message, section)
