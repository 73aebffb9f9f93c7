"""The `gateway-rca.toml` of the simulated gateway: what its owner would know about it."""

from tests.simulation.azure_logs import RESOURCE_ID
from tests.simulation.world import Destination, World

SETTINGS_NAME = "gateway-rca.toml"


def settings(world: World, egress_resource_id: str | None = None) -> str:
    """The settings file. The number of ports per unit is left out: nobody is told it."""
    gateway = (
        "# Synthetic: the topology of a simulated gateway.\n\n"
        "[[gateway]]\n"
        f'resource_id = "{RESOURCE_ID.lower()}"\n'
        'kind        = "apim"\n'
        f"units       = {len(world.units)}\n"
        f'egress      = "{world.egress.kind}"\n'
        "public_ips  = 1\n"
        "sampling    = 1.0\n"
    )
    if egress_resource_id:
        gateway += f'egress_resource_id = "{egress_resource_id.lower()}"\n'
    objective = "[slo]\navailability = 0.999\nwindow_days  = 30\n"
    return "\n".join([gateway, *map(destination_entry, world.destinations), objective])


def destination_entry(destination: Destination) -> str:
    """One destination."""
    return (
        "[[destination]]\n"
        f'host = "{destination.host}"\n'
        f'ips  = ["{destination.endpoint.ip}"]\n'
        f"port = {destination.endpoint.port}\n"
        f'path = "{destination.path}"\n'
    )
