"""Scale-in: units and ports that were taken away, by autoscale or by the settings' history."""

from datetime import UTC, datetime, timedelta

from pipeline.config import Change, Egress, Gateway, Kind
from pipeline.limits import way_out
from pipeline.transforms.changes import changes
from pipeline.transforms.scale_in import scale_in
from tests.given import EIGHT, GATEWAY, at, change, changes_around

NODES = "/subscriptions/0/resourcegroups/rg/providers/microsoft.compute/virtualmachinescalesets/n"


def taken(*told: dict[str, object], **stated: object) -> list[tuple[datetime, str]]:
    gateway = Gateway(GATEWAY, **stated)  # type: ignore[arg-type]
    steps = changes(changes_around(*told), GATEWAY) if told else []
    return [
        (each.at, each.says) for each in scale_in(steps, gateway, way_out(GATEWAY, gateway, EIGHT))
    ]


def step(old: int, new: int, **said: object) -> dict[str, object]:
    return change(category="autoscale", old_value=str(old), new_value=str(new), **said)  # type: ignore[arg-type]


def since(minute: float, units: int) -> Change:
    return Change(since=at(minute).replace(tzinfo=UTC), units=units)


def test_a_step_to_fewer_instances_took_units_away_when_it_ended() -> None:
    [(moment, says)] = taken(step(3, 2, began=10, ended=12))
    assert moment == at(12)
    assert "from 3 to 2 instances" in says


def test_a_step_to_more_instances_took_nothing_away() -> None:
    assert taken(step(2, 3)) == []


def test_a_step_that_failed_or_whose_end_is_not_told_took_nothing_away() -> None:
    assert taken(step(3, 2, status="failed"), step(3, 2, ended=None, status="started")) == []


def test_a_step_without_counts_proves_nothing() -> None:
    assert taken(change(category="autoscale")) == []


def test_the_51st_node_leaves_each_fewer_ports() -> None:
    [(_, says)] = taken(
        step(50, 51, resource_id=NODES, near="group"),
        kind=Kind.AKS,
        egress=Egress.LOAD_BALANCER,
    )
    assert "each 512 ports of 1,024" in says
    assert "whether the gateway runs on it, the log does not tell" in says


def test_ports_that_the_settings_state_are_not_cut_by_the_pools_size() -> None:
    assert taken(step(50, 51), kind=Kind.AKS, ports_per_unit=1024) == []


def test_something_else_of_the_group_is_not_what_the_gateway_runs_on() -> None:
    assert taken(step(3, 2, resource_id=NODES, near="group")) == []
    assert taken(step(3, 2, near="subscription")) == []


def test_units_behind_one_pool_have_none_of_their_own_to_lose() -> None:
    assert taken(step(3, 2), egress=Egress.NAT_GATEWAY) == []


def test_the_settings_history_tells_of_units_that_were_taken_away() -> None:
    [(moment, says)] = taken(units=4, history=(since(30, 2), since(60, 3)))
    assert moment == at(30)
    assert says == "By the settings' history the gateway went from 4 to 2 units"


def test_the_settings_history_tells_of_a_tier_that_was_crossed() -> None:
    [(moment, says)] = taken(units=50, kind=Kind.AKS, history=(since(30, 51),))
    assert moment == EIGHT + timedelta(minutes=30)
    assert says.endswith("from 50 to 51 units, which left each 512 ports of 1,024")


def test_tiers_crossed_up_and_down_leave_fewer_and_more() -> None:
    nodes = {60: 50, 120: 51, 180: 50, 240: 101, 300: 102}
    steps = tuple(since(minute, units) for minute, units in nodes.items())
    # Back to 50 nodes there are more ports each, and a node fewer; to 102 nothing is fewer.
    found = taken(units=40, kind=Kind.AKS, history=steps)
    assert [moment for moment, _ in found] == [at(120), at(180), at(240)]
    assert found[0][1].endswith("which left each 512 ports of 1,024")
    assert found[2][1].endswith("which left each 256 ports of 1,024")


def test_changes_at_one_moment_are_one_step() -> None:
    both = (since(30, 101), Change(since=at(30).replace(tzinfo=UTC), public_ips=2))
    [(_, says)] = taken(units=50, kind=Kind.AKS, history=both)
    assert says.endswith("which left each 512 ports of 1,024")


def test_where_the_ports_are_stated_no_tier_takes_any() -> None:
    assert taken(units=50, kind=Kind.AKS, ports_per_unit=1024, history=(since(30, 51),)) == []


def test_nodes_that_were_deleted_took_units_away_though_no_number_is_told() -> None:
    gone = change(
        ended=12,
        near="group",
        resource_id=NODES,
        operation="microsoft.compute/virtualmachinescalesets/delete/action",
    )
    [(moment, says)] = taken(gone, kind=Kind.AKS)
    assert moment == at(12)
    assert says.startswith("microsoft.compute/virtualmachinescalesets/delete/action on scale set n")


def test_a_step_that_two_logs_tell_of_is_one() -> None:
    assert len(taken(step(3, 2, ended=12), step(3, 2, ended=13))) == 1
    assert len(taken(step(3, 2, ended=12), step(3, 2, ended=40))) == 2
