"""An export whose every name is chosen to do harm: tags, links, turned text, great length."""

import json
from pathlib import Path

from tests.exports import blob, record

MINUTES = 60
FAILING = range(30, 40)
TEXTS = (
    "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "{{ 7 * 7 }}{% for x in y %}",
    "file:///etc/passwd",
    "\u202eturned round \u05e9\u05dc\u05d5\u05dd",
    "pile \N{PILE OF POO}\N{COMBINING ACUTE ACCENT} of it",
    "https://evil.example/" + "a" * 4000,
    '"><link rel="attachment" href="file:///etc/passwd">',
    "`code` **bold** [link](javascript:alert(1)) | a cell",
    "$x^2$ & <!-- a comment -->",
    "=cmd|' /C calc'!A0",
)
HOSTS = [
    "<script>alert(1)</script>.evil.example",
    "a-host-with-a-name-that-goes-on-and-on-until-it-is-too-long-for-any-column.evil.example",
    "x" * 4000 + ".evil.example",
    *(
        f"tenant-{number:02}-of-a-rather-long-backend-pool.westeurope.evil.example"
        for number in range(57)
    ),
]


def export(folder: Path) -> Path:
    """A folder with an hour of requests to 60 hosts, ten minutes of which fail."""
    lines = []
    for number in range(MINUTES * 40):
        failed = number // 40 in FAILING and number % 4
        text = TEXTS[number % len(TEXTS)]
        told: dict[str, object] = {
            "backendUrl": f"https://{HOSTS[number % (7 if failed else len(HOSTS))]}/items",
            "apiId": f"api {text}",
            "operationId": f"operation {text}",
            "apimSubscriptionId": f"subscription {text}",
            "responseCode": 500 if failed else 200,
        }
        if failed:
            told["lastError"] = {
                "elapsed": 21000,
                "source": "forward-request",
                "reason": "BackendConnectionFailure" if number % 5 else f"reason {text}",
                "message": f"Unable to connect to 203.0.113.{number % 9}:443, said {text}",
            }
        lines.append(
            json.dumps(
                record(
                    number,
                    time=f"2026-03-10T08:{number // 40:02}:{number % 40:02}.{number % 1000:03}Z",
                    callerIpAddress=f"198.51.100.{number % 12}",
                    correlationId=f"correlation {number} {text}",
                    isRequestSuccess=not failed,
                    location=f"place {text}"[:60],
                    properties=told,
                ),
                separators=(",", ":"),
            ).encode()
        )
    blob(
        folder / "PT1H.json", b"\n".join(lines) + b"\nnot JSON, of host-of-the-quarantine.example\n"
    )
    return folder
