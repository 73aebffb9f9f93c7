"""Callers that hung up first."""

from pipeline.hypotheses.client_disconnects import client_disconnects
from tests.given import CONNECT_TIMEOUT, SERVER_ERROR, times
from tests.recorded import RecordedMechanism


class TestClientDisconnects(RecordedMechanism):
    hypothesis = client_disconnects
    kind = times(CONNECT_TIMEOUT, 1, outcome="aborted", reason="ClientConnectionFailure")
    other = SERVER_ERROR
    says = "were given up by their caller"
