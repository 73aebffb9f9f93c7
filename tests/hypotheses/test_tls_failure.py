"""TLS or certificates that did not fit."""

from pipeline.hypotheses.tls_failure import tls_failure
from tests.given import CONNECT_TIMEOUT, SERVER_ERROR, times
from tests.recorded import RecordedMechanism


class TestTlsFailure(RecordedMechanism):
    hypothesis = tls_failure
    kind = times(CONNECT_TIMEOUT, 1, fault="tls")
    other = SERVER_ERROR
    says = "tell of SSL, TLS or a certificate"
