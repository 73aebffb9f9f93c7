"""SNAT metrics are asked of a real HTTP server that answers in Azure Monitor's recorded shape."""

import json
from collections.abc import Iterator
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import parse_qs, urlsplit

import pytest
from click.testing import CliRunner

from pipeline import azure_blobs, metrics_api
from pipeline.cli import main
from tests.azurite import managed_identity
from tests.exports import rows

NAT = "/subscriptions/S/resourceGroups/RG/providers/Microsoft.Network/natGateways/egress"
BALANCER = "/subscriptions/S/resourceGroups/RG/providers/Microsoft.Network/loadBalancers/out"
WINDOW = ("--from", "2026-03-10T23:00", "--to", "2026-03-11T01:00")


class Monitor:
    """Azure Monitor: what it was asked, and the statuses that it answers with first."""

    def __init__(self) -> None:
        self.asked: list[dict[str, str]] = []
        self.statuses: list[int] = []

    def answer(self, path: str, query: dict[str, str]) -> dict[str, object]:
        """The shape of Microsoft's recorded example of "Metrics - List"."""
        start = query["timespan"].split("/")[0]
        resource = path.removesuffix("/providers/Microsoft.Insights/metrics")
        names = [each.split()[0].lower() for each in query["$filter"].split(" and ")]
        state = {"connectionstate": "Failed", "protocol": "6"}
        dimensions = [
            {"name": {"value": name, "localizedValue": name}, "value": state.get(name, "10.0.0.4")}
            for name in names
        ]
        values = {each.lower(): 7.0 for each in query["aggregation"].split(",")}
        name = query["metricnames"]
        series = [{"metadatavalues": dimensions, "data": [{"timeStamp": start, **values}]}]
        return {
            "cost": 0,
            "timespan": query["timespan"],
            "interval": "PT1M",
            "namespace": "Microsoft.Network/natGateways",
            "resourceregion": "westeurope",
            "value": [
                {
                    "id": f"{resource}/providers/Microsoft.Insights/metrics/{name}",
                    "type": "Microsoft.Insights/metrics",
                    "name": {"value": name, "localizedValue": name},
                    "unit": "Count",
                    "timeseries": series,
                    "errorCode": "Success",
                }
            ],
        }


@pytest.fixture
def monitor(monkeypatch: pytest.MonkeyPatch) -> Iterator[Monitor]:
    """A server on loopback, and an identity that it knows."""
    held = Monitor()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            url = urlsplit(self.path)
            query = {key: values[0] for key, values in parse_qs(url.query).items()}
            status = held.statuses.pop(0) if held.statuses else 200
            if not self.headers.get("Authorization", "").startswith("Bearer "):
                status = 401
            told = held.answer(url.path, query) if status == 200 else {"error": {"code": "Busy"}}
            held.asked.append(query)
            content = json.dumps(told).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    azure_blobs.close()
    monkeypatch.setattr(metrics_api, "PAUSES_S", (0.01, 0.01))
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server, managed_identity() as identity:
        Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        for name, value in identity.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv(metrics_api.ENDPOINT, f"http://127.0.0.1:{server.server_port}")
        yield held
        server.shutdown()
    azure_blobs.close()


def fetch(lake: Path, *words: str) -> tuple[int, str]:
    result = CliRunner().invoke(main, ["fetch-metrics", *words, "--lake", str(lake)])
    return result.exit_code, result.stderr


def test_the_counters_of_a_nat_gateway_land_once(monitor: Monitor, tmp_path: Path) -> None:
    assert fetch(tmp_path / "lake", NAT, *WINDOW) == (0, "")
    told = rows(tmp_path / "lake", "metrics")
    names = sorted((each["metric"], each["time"].replace(tzinfo=None)) for each in told)
    hours = datetime(2026, 3, 10, 23), datetime(2026, 3, 11)
    assert names == [
        (name, hour) for name in ("SNATConnectionCount", "TotalConnectionCount") for hour in hours
    ]
    (failed, _) = [each for each in told if each["metric"] == "SNATConnectionCount"]
    assert (failed["total"], failed["resource_id"]) == (7.0, NAT.lower())
    assert "failed" in failed["dimensions"].lower()
    first = monitor.asked[0]
    assert first["$filter"] == "Protocol eq '*' and ConnectionState eq '*'"
    assert (first["interval"], first["top"]) == ("PT1M", "1000")
    assert fetch(tmp_path / "lake", NAT, *WINDOW) == (0, "")
    assert len(rows(tmp_path / "lake", "metrics")) == len(told)


def test_settings_name_the_way_out(monitor: Monitor, tmp_path: Path) -> None:
    file = tmp_path / "gateway-rca.toml"
    file.write_text(
        f'[land]\nsources = ["in"]\nlake = "{tmp_path}/lake"\n'
        f'[[gateway]]\nresource_id = "/g"\negress_resource_id = "{BALANCER}"\n'
    )
    result = CliRunner().invoke(main, ["fetch-metrics", "--config", str(file), *WINDOW])
    assert result.exit_code == 0, result.stderr
    asked = {each["metricnames"] for each in monitor.asked}
    assert asked == {"SnatConnectionCount", "AllocatedSnatPorts", "UsedSnatPorts"}


def test_a_busy_interface_is_asked_again(monitor: Monitor, tmp_path: Path) -> None:
    monitor.statuses = [429, 503]
    assert fetch(tmp_path / "lake", NAT, *WINDOW) == (0, "")


@pytest.mark.parametrize(
    ("status", "says"),
    [(403, "ask for the role Monitoring Reader"), (404, "no such resource"), (500, "500 Busy")],
)
def test_what_is_not_answered_is_told(
    status: int, says: str, monitor: Monitor, tmp_path: Path
) -> None:
    monitor.statuses = [status] * 3
    code, err = fetch(tmp_path / "lake", NAT, *WINDOW)
    assert code == 2
    assert says in err


def test_a_resource_without_snat_counters_is_refused(tmp_path: Path) -> None:
    code, err = fetch(tmp_path / "lake", "/subscriptions/S/providers/x", *WINDOW)
    assert code == 2
    assert "name one by its whole id" in err
