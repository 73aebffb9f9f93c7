"""A webhook of Teams or Slack: a card with the summary, and a link to the report.

The URL is a secret: it comes from the environment, and stands in no message and no log.
"""

import os
import time
import urllib.error
import urllib.request
from http.client import HTTPException
from typing import Literal

import msgspec

from pipeline.publisher import Issued, Publisher, PublishError

TIMEOUT_S = 10
# Seconds before each further try.
PAUSES_S: tuple[float, ...] = (1, 4)
LONGEST_PAUSE_S = 30.0
# What one text of a card may hold: Slack refuses the card that has more.
MOST_SAID = 2_800
AGAIN = (408, 429, 500, 502, 503, 504)


class Webhook(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``url_from`` names the variable that holds the URL; ``link`` is where a folder is served."""

    kind: Literal["webhook"]
    card: Literal["teams", "slack"]
    url_from: str = "GATEWAY_RCA_WEBHOOK_URL"
    link: str | None = None


def _publish(target: Webhook, issued: Issued) -> None:
    url = os.environ.get(target.url_from, "")
    if not url.startswith(("https://", "http://")):
        raise PublishError(f"{target.url_from} holds no URL; set it to that of the webhook")
    card = _teams(target, issued) if target.card == "teams" else _slack(target, issued)
    request = urllib.request.Request(  # noqa: S310  # the scheme was looked at
        url, msgspec.json.encode(card), {"Content-Type": "application/json"}, method="POST"
    )
    for pause in (*PAUSES_S, None):
        why, wait = _posted(request)
        if why is None:
            return
        if pause is None or wait is None:
            raise PublishError(f"the webhook in {target.url_from} {why}")
        time.sleep(min(max(pause, wait), LONGEST_PAUSE_S))


def _posted(request: urllib.request.Request) -> tuple[str | None, float | None]:
    """Why it was not taken, null if it was; and the seconds to wait before it is tried again."""
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_S):  # noqa: S310
            return None, None
    except urllib.error.HTTPError as error:
        with error:
            after = error.headers.get("Retry-After", "0")
            wait = float(after) if after.isdigit() else 0.0
            return f"answered with HTTP status {error.code}", wait if error.code in AGAIN else None
    except (OSError, ValueError, HTTPException) as error:
        # What it says may hold the URL; what it died of does not.
        reason = getattr(error, "reason", None)
        died_of = reason if isinstance(reason, OSError) else error
        return f"cannot be reached ({type(died_of).__name__})", 0.0


def _linked(target: Webhook, issued: Issued) -> str | None:
    pages = [file.name for file in issued.files if file.suffix == ".html"]
    if not target.link or not pages:
        return None
    return f"{target.link.rstrip('/')}/{issued.folder}/{pages[0]}"


def _said(issued: Issued) -> list[str]:
    """What a card says below its title, as much of it as a card may hold."""
    room = MOST_SAID - len(_escaped(issued.title))
    said: list[str] = []
    for each in issued.says:
        room -= len(_escaped(each)) + 1
        if room < 0:
            return [*said, "… and more, in the report and in the run's manifest"]
        said.append(each)
    return said


def _teams(target: Webhook, issued: Issued) -> dict[str, object]:
    """What a Teams workflow takes: a message that holds an Adaptive Card."""
    link = _linked(target, issued)
    texts: list[dict[str, object]] = [
        {"type": "TextBlock", "text": issued.title, "weight": "Bolder", "wrap": True},
        *({"type": "TextBlock", "text": each, "wrap": True} for each in _said(issued)),
    ]
    actions = [{"type": "Action.OpenUrl", "title": "Open the report", "url": link}] if link else []
    card = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": texts,
        "actions": actions,
    }
    of_card = "application/vnd.microsoft.card.adaptive"
    return {"type": "message", "attachments": [{"contentType": of_card, "content": card}]}


def _slack(target: Webhook, issued: Issued) -> dict[str, object]:
    """What a Slack incoming webhook takes: blocks, and a text for notifications."""
    link = _linked(target, issued)
    lines = [f"*{_escaped(issued.title)}*", *map(_escaped, _said(issued))]
    if link:
        lines.append(f"<{link}|Open the report>")
    text = {"type": "mrkdwn", "text": "\n".join(lines)}
    return {"text": _escaped(issued.title), "blocks": [{"type": "section", "text": text}]}


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _lacks(target: Webhook) -> str | None:
    if os.environ.get(target.url_from):
        return None
    return f"the environment does not hold {target.url_from}, the webhook's URL; set it"


webhook = Publisher(
    about="A Teams or Slack webhook: a card with summary and link",
    settings=Webhook,
    name=lambda target: f"webhook {target.url_from}",
    lacks=_lacks,
    publish=_publish,
)
