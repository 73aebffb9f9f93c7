"""What measures would leave as headroom, for the way out that there is."""

import pytest

from pipeline.config import Egress
from pipeline.transforms.options import Demand, Option, options
from tests.given import way

FULL = Demand(share=0.9, reuse=0.5, service_s=1.0)


def by_id(found: list[Option]) -> dict[str, Option]:
    return {each.id: each for each in found}


def test_what_callers_can_do_comes_before_what_costs_most() -> None:
    found = [each.id for each in options(FULL, way())]
    assert (
        found.index("connection_pooling") < found.index("scale_units") < found.index("nat_gateway")
    )


def test_more_reuse_takes_as_many_times_fewer_ports() -> None:
    assert by_id(options(FULL, way()))["connection_pooling"].share == pytest.approx(0.9 / 5)
    pooled = Demand(share=0.9, reuse=0.95, service_s=1.0)
    assert "connection_pooling" not in by_id(options(pooled, way()))


def test_a_rate_is_limited_only_where_it_is_too_high() -> None:
    assert by_id(options(FULL, way()))["rate_limiting"].share == 0.7
    calm = Demand(share=0.3, reuse=0.5, service_s=1.0)
    assert "rate_limiting" not in by_id(options(calm, way()))


def test_units_that_share_a_pool_get_addresses_and_no_more_units() -> None:
    found = by_id(options(FULL, way(egress=Egress.NAT_GATEWAY)))
    assert "scale_units" not in found
    assert "nat_gateway" not in found
    assert found["more_public_ips"].share == pytest.approx(0.45)


def test_a_faster_backend_helps_little_where_ports_are_held_for_long() -> None:
    assert by_id(options(FULL, way()))["faster_backend"].share > 0.89
