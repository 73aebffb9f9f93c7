"""The command line: the words that it takes; what each does stands in ``commands/``."""

import click

from pipeline.commands import commands

SETTINGS = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


@click.group(context_settings=SETTINGS, commands=list(commands().values()))
@click.version_option(package_name="gateway-rca")
def main() -> None:
    """Find out why calls through an Azure gateway failed, and write the report.

    \b
    gateway-rca demo
    gateway-rca incident exports/ --output rca.pdf
    """
