"""Secrets out of texts that callers and backends wrote."""

import polars as pl

REDACTED = "[redacted]"

# A word whose value is a secret, wherever it ends: x-api-key, AccountKey, client_secret.
NAMED = (
    r"(?:(?:subscription|api|functions|access|account|shared)[-_ ]?key|authorization|cookie"
    r"|session[-_]?id|secret|password|passwd|pwd|token|assertion|signature|sig)"
)
URL = r"[a-z][a-z0-9+.-]*:\\*/\\*/"
# JSON may stand within JSON within JSON: backslashes before the quotes around a text, and the
# text, in which a quote has more of them.
IN_QUOTES = {
    escape: rf"\\{{{escape}}}\"(?:[^\"\\]|\\+[^\"\\]|\\{{{escape + 1},}}\")+"
    for escape in (0, 1, 3, 7)
}
# Each pattern with what stands in for it. Query strings go whole: any parameter may be a secret.
SECRETS = (
    (rf"(?i)\b({URL})[^\s/?#\"<>\\]*@", "${1}"),
    (
        rf"(?i)\b({URL}(?:[^\s?#\"<>\\]|\\+/)+)[?#](?:[^\s\"<>\\]|\\+/|\\+u[0-9a-f]{{4}})*",
        "${1}",
    ),
    # Lists of values, and names and values in objects of their own.
    (rf"(?i)({NAMED}\\*[\"']?\s*[=:]\s*)\[[^\]]*", "${1}[" + REDACTED),
    *(
        (
            rf"(?i)({quote}(?:name|key){quote}\s*:\s*{quote}[^\"\\]*{NAMED}{quote}\s*,"
            rf"\s*{quote}value{quote}\s*:\s*){text}",
            "${1}" + "\\" * escape + '"' + REDACTED,
        )
        for escape, text in IN_QUOTES.items()
        for quote in [rf"\\{{{escape}}}\""]
    ),
    # A value in quotes goes up to the quote that ends it.
    *(
        (rf"(?i)({NAMED}\\*[\"']?\s*[=:]\s*){text}", "${1}" + "\\" * escape + '"' + REDACTED)
        for escape, text in IN_QUOTES.items()
    ),
    (rf"(?i)({NAMED}\\*[\"']?\s*[=:]\s*')[^'\r\n]+", "${1}" + REDACTED),
    # These two hold spaces and separators of their own: all up to the line's end goes.
    (
        r"(?i)((?:authorization|cookie)\s*[=:]\s*)(?:=\"[^\"]*\"|[^\"\\\r\n\[]|\\[^rn])+",
        "${1}" + REDACTED,
    ),
    (rf"(?i)({NAMED}\s*[=:]\s*)[^\s&\"',;\\\[]+", "${1}" + REDACTED),
    (r"(?i)((?:[?&]|\\+u0026)[\w$.~%-]+=)[^\s&\"'<>\\\[]+", "${1}" + REDACTED),
    (
        r"(?i)\b(bearer|basic)\s+(?:[a-z._~+/=-]*[0-9][a-z0-9._~+/=-]{4,}|[a-z._~+/=-]{20,})",
        "${1} " + REDACTED,
    ),
    (r"eyJ[A-Za-z0-9_-]{8,}[A-Za-z0-9_.=-]*", REDACTED),
)

ANY_SECRET = "|".join(f"(?:{pattern})" for pattern, _ in SECRETS)


def redacted(texts: pl.Series) -> pl.Series:
    """The texts without user info and queries of URLs, tokens, keys, cookies and signatures."""
    # Few texts hold a secret, and looking for any is much cheaper than replacing each.
    held = texts.filter(holds_secret(texts)).unique()
    return texts if held.is_empty() else texts.replace(held, without_secrets(held))


def holds_secret(texts: pl.Series) -> pl.Series:
    """Which of the texts hold anything that is to be removed."""
    return texts.str.contains(ANY_SECRET)


def without_secrets(texts: pl.Series) -> pl.Series:
    """Each of the texts with its secrets removed."""
    for pattern, replacement in SECRETS:
        texts = texts.str.replace_all(pattern, replacement)
    return texts
