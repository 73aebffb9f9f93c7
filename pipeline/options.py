"""Options that several commands take."""

from pathlib import Path

import click

lake_option = click.option(
    "--lake", required=True, help="Lake: a folder, or az://ACCOUNT/CONTAINER/PREFIX."
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print as JSON on stdout.")

# Of commands that write a document.
own_lake_option = click.option("--lake", help="Lake to read, or to land into: a folder or az://…")
formats_option = click.option(
    "--format",
    "formats",
    multiple=True,
    type=click.Choice(["pdf", "html", "json", "md"]),
    help="Write only this; may be repeated. Of md, the figures lie in NAME-figures/ beside it.",
)
config_option = click.option(
    "--config",
    type=click.Path(path_type=Path),
    help="Settings; else gateway-rca.toml beside the sources or in the current folder.",
)
