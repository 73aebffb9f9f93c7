"""Secrets out of texts that callers and backends wrote."""

import polars as pl

REDACTED = "[redacted]"

# Each pattern with what stands in for it. Query strings go whole: any parameter may be a secret.
SECRETS = (
    (r"(?i)((?:https?|wss?)://)[^\s/@\"'<>]*@", "${1}"),
    (r"(?i)((?:https?|wss?)://[^\s?#\"'<>\\]+)[?#][^\s\"'<>\\]*", "${1}"),
    (r"(?i)\b(bearer|basic)\s+[a-z0-9._~+/=-]{12,}", "${1} " + REDACTED),
    (
        r"(?i)((?:[a-z-]*subscription-key|sig|signature|access_token|id_token|refresh_token"
        r"|api[-_]?key|x-functions-key|password|client_secret)"
        r"\\?[\"']?\s*[=:]\s*\\?[\"']?)[^\s&\"',;\\]+",
        "${1}" + REDACTED,
    ),
    # These two hold spaces and separators of their own: all up to the closing quote goes.
    (
        r"(?i)((?:authorization|cookie)\\?[\"']?\s*[=:]\s*\\?[\"']?)[^\"'\\\r\n]+",
        "${1}" + REDACTED,
    ),
    (r"eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_.-]+", REDACTED),
)


def redacted(text: pl.Expr) -> pl.Expr:
    """The text without user info and queries of URLs, tokens, keys, cookies and signatures."""
    for pattern, replacement in SECRETS:
        text = text.str.replace_all(pattern, replacement)
    return text
