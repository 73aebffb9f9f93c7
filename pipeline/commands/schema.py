"""``schema``: the datasets, and what a report's JSON holds."""

import click

from pipeline.command import answered, print_json


@click.command()
@click.argument("what", required=False, type=click.Choice(["datasets", "findings"]))
@click.option("--json", "as_json", is_flag=True, help="Print the datasets as JSON.")
@answered
def schema(what: str | None, as_json: bool) -> None:
    """Print the datasets, or the findings' JSON Schema.

    \b
    gateway-rca schema
    gateway-rca schema findings > findings.schema.json
    """
    if what == "findings":
        import msgspec

        from pipeline.schema import schema as findings_schema

        made = msgspec.json.encode(findings_schema(), order="deterministic")
        click.echo(msgspec.json.format(made, indent=2).decode())
        return
    from pipeline.datasets import datasets

    if as_json:
        print_json(datasets())
        return
    for name, dataset in datasets().items():
        click.echo(f"{name}: {dataset.about}\n  one row: {dataset.grain}")
        for column in dataset.columns:
            unit = f" [{column.unit}]" if column.unit else ""
            click.echo(f"  {column.name:<18} {column.type:<10} {column.meaning}{unit}")
        click.echo()
