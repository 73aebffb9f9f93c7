"""Names that did not resolve."""

from pipeline.hypotheses.dns_failure import dns_failure
from tests.given import CONNECT_TIMEOUT, SERVER_ERROR, times
from tests.recorded import RecordedMechanism


class TestDnsFailure(RecordedMechanism):
    hypothesis = dns_failure
    kind = times(CONNECT_TIMEOUT, 1, fault="dns")
    other = SERVER_ERROR
    says = "say that a name could not be resolved"
