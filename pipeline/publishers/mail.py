"""Mail: the report attached, sent by SMTP or written as a ready .eml file.

The password comes from the environment. Times and names come from the report, so that the same
report is the same message.
"""

import mimetypes
import os
import smtplib
import ssl
import tempfile
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from pipeline.errors import PipelineError
from pipeline.location import put
from pipeline.publisher import Issued, Publisher, PublishError

TIMEOUT_S = 20
SUBMISSION, SUBMISSIONS = 587, 465
# A boundary that no attachment holds: base64 knows no underscore.
BOUNDARY = "==_gateway_rca_=="


class Mail(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"sender": "from"}):
    """Sent to ``smtp`` (HOST:PORT, by TLS unless ``tls`` is false), or put in ``folder``.

    TLS begins after a greeting (STARTTLS), but at port 465 at once.
    """

    kind: Literal["mail"]
    to: Annotated[tuple[str, ...], msgspec.Meta(min_length=1)]
    sender: str
    smtp: str | None = None
    folder: str | None = None
    tls: bool = True
    username_from: str = "GATEWAY_RCA_SMTP_USERNAME"
    password_from: str = "GATEWAY_RCA_SMTP_PASSWORD"  # noqa: S105  # a variable's name


def message(target: Mail, issued: Issued) -> EmailMessage:
    """The message, the same each time."""
    mail = EmailMessage(policy=SMTP)
    mail["From"] = target.sender
    mail["To"] = ", ".join(target.to)
    mail["Subject"] = issued.title
    mail["Date"] = format_datetime(issued.at)
    mail["Message-ID"] = f"<{issued.kind}.{issued.id}.r{issued.revision}@gateway-rca>"
    mail.set_content("\n".join((issued.title, "", *issued.says)) + "\n")
    for file in issued.files:
        kind, _, sub = (mimetypes.guess_type(file.name)[0] or "application/octet-stream").partition(
            "/"
        )
        mail.add_attachment(file.read_bytes(), kind, sub, filename=file.name)
    if mail.is_multipart():
        mail.set_boundary(BOUNDARY)
    return mail


def _publish(target: Mail, issued: Issued) -> None:
    mail = message(target, issued)
    if target.folder is not None:
        _written(target.folder, issued, mail)
    if target.smtp is not None:
        _sent(target, target.smtp, mail)


def _written(to: str, issued: Issued, mail: EmailMessage) -> None:
    with tempfile.NamedTemporaryFile() as file:
        file.write(mail.as_bytes())
        file.flush()
        try:
            put(to, f"{issued.kind}-{issued.id}-r{issued.revision}.eml", Path(file.name))
        except PipelineError as error:
            raise PublishError(f"{error}") from error


def _sent(target: Mail, server: str, mail: EmailMessage) -> None:
    host, _, told = server.partition(":")
    port = int(told or SUBMISSION)
    # The password is for no host but the one that the certificate names.
    trusted = ssl.create_default_context()
    try:
        with (
            smtplib.SMTP_SSL(host, port, timeout=TIMEOUT_S, context=trusted)
            if target.tls and port == SUBMISSIONS
            else smtplib.SMTP(host, port, timeout=TIMEOUT_S)
        ) as session:
            if target.tls and port != SUBMISSIONS:
                session.starttls(context=trusted)
            if password := os.environ.get(target.password_from):
                session.login(os.environ.get(target.username_from, target.sender), password)
            session.send_message(mail)
    except smtplib.SMTPResponseException as error:
        raise PublishError(f"{server} refused the mail with status {error.smtp_code}") from error
    except ssl.SSLCertVerificationError as error:
        raise PublishError(
            f"{server} has a certificate that is not trusted here ({error.verify_message}); "
            "SSL_CERT_FILE names those that are"
        ) from error
    except (OSError, smtplib.SMTPException, ValueError) as error:
        raise PublishError(f"{server} did not take the mail ({type(error).__name__})") from error


def _lacks(target: Mail) -> str | None:
    if target.smtp is None and target.folder is None:
        return "it names neither smtp nor folder; state where the mail goes"
    return None


mail = Publisher(
    about="Mail by SMTP, or as a ready .eml file in a folder",
    settings=Mail,
    name=lambda target: f"mail {', '.join(target.to)}",
    lacks=_lacks,
    publish=_publish,
)
