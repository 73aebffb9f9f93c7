"""The invented company of all scenarios: back ends, APIs and callers, drawn from the seed."""

from dataclasses import replace

import numpy as np

from tests.simulation.ports import Endpoint
from tests.simulation.world import (
    Api,
    Caller,
    Client,
    Destination,
    Noise,
    Operation,
    Path,
    UnitPlan,
    World,
)

PAYMENTS = "payments-api.contoso.example"
PAYMENTS_AUTH = "payments-auth.contoso.example"
ORDERS = "orders.contoso.example"
CATALOGUE = "catalogue.contoso.example"
INVENTORY = "inventory.internal.contoso.example"
PARTNER = "rates.fabrikam.example"

CLIENTS = (
    Client("web-shop", "internal", "1", False, 30.0, 2, 1.0),
    Client("mobile-app", "internal", "1", False, 60.0, 1, 2.0),
    Client("point-of-sale", "internal", "14", False, 45.0, 2, 0.5),
    Client("partner-north", "partners", "23", True, 100.0, 3, 1.0),
    Client("partner-south", "partners", "27", True, 100.0, 0, 1.0),
    Client("back-office", "internal", "1", False, 100.0, 0, 1.0),
    Client("reporting", "batch", "31", False, 300.0, 1, 10.0),
    Client("monitoring", "batch", "31", False, 15.0, 0, 1.0),
)


def contoso(rng: np.random.Generator, locations: tuple[str, ...] = ("West Europe",) * 2) -> World:
    """The company with one gateway unit for each of `locations`."""
    destinations = draw_destinations(rng)
    return World(
        units=tuple(UnitPlan(place, 8 * int(rng.integers(120, 136))) for place in locations),
        pool_idle_s=float(rng.uniform(45.0, 100.0)),
        destinations=destinations,
        apis=build_apis({item.host: item for item in destinations}),
        callers=draw_callers(rng),
        noise=Noise(),
        described_failures=float(rng.uniform(0.1, 0.25)),
    )


def draw_destinations(rng: np.random.Generator) -> tuple[Destination, ...]:
    """The back ends. The payments pair drops most connections after an answer, others keep them."""
    payments = Endpoint("203.0.113.10", 443)
    dropping = float(rng.uniform(0.65, 0.85))

    def keeping() -> float:
        return float(rng.uniform(0.1, 0.3))

    def handshake() -> float:
        return float(rng.uniform(0.008, 0.04))

    return (
        Destination(PAYMENTS, payments, "https", Path.PUBLIC, dropping, handshake()),
        Destination(PAYMENTS_AUTH, payments, "https", Path.PUBLIC, dropping, handshake()),
        Destination(
            ORDERS, Endpoint("203.0.113.20", 443), "https", Path.PUBLIC, keeping(), handshake()
        ),
        Destination(
            CATALOGUE, Endpoint("203.0.113.30", 443), "https", Path.PUBLIC, keeping(), handshake()
        ),
        Destination(
            INVENTORY,
            Endpoint("10.1.2.4", 443),
            "https",
            Path.PRIVATE_ENDPOINT,
            keeping(),
            handshake(),
        ),
        Destination(
            PARTNER, Endpoint("203.0.113.40", 8080), "http", Path.PUBLIC, keeping(), handshake()
        ),
    )


def build_apis(by_host: dict[str, Destination]) -> tuple[Api, ...]:
    """The seven APIs; weights add up to about one."""
    signed = "asset={word}&sig=SYNTHETIC%2B{sig}%3D"
    return (
        Api(
            "payments-api",
            "/payments/v1",
            "3",
            by_host[PAYMENTS],
            60.0,
            (
                Operation("create-payment", "POST", "/payments", 0.14, 0.18, status=201),
                Operation("get-payment", "GET", "/payments/{id}", 0.14, 0.05, missing_share=0.01),
                Operation("refund-payment", "POST", "/payments/{id}/refunds", 0.02, 0.25),
            ),
        ),
        Api(
            "payments-auth",
            "/payments-auth/v1",
            "1",
            by_host[PAYMENTS_AUTH],
            60.0,
            (
                Operation("authorise", "POST", "/authorisations", 0.10, 0.12),
                Operation("get-mandate", "GET", "/mandates/{id}", 0.04, 0.04),
            ),
        ),
        Api(
            "orders-api",
            "/orders/v2",
            "7",
            by_host[ORDERS],
            25.0,
            (
                Operation("list-orders", "GET", "/orders", 0.07, 0.14, query="top=50"),
                Operation("get-order", "GET", "/orders/{id}", 0.08, 0.06, missing_share=0.02),
                Operation("create-order", "POST", "/orders", 0.04, 0.22, status=201),
            ),
        ),
        Api(
            "catalogue-api",
            "/catalogue/v1",
            "2",
            by_host[CATALOGUE],
            30.0,
            (
                Operation("search", "GET", "/search", 0.06, 0.11, query="q={word}"),
                Operation(
                    "get-product",
                    "GET",
                    "/products/{id}",
                    0.10,
                    0.04,
                    cached_share=0.6,
                    missing_share=0.01,
                ),
                Operation("get-image", "GET", "/images/{id}", 0.02, 0.03, query=signed),
            ),
        ),
        Api(
            "inventory-api",
            "/inventory/v1",
            "1",
            by_host[INVENTORY],
            60.0,
            (
                Operation("get-stock", "GET", "/stock/{id}", 0.09, 0.02),
                Operation("reserve-stock", "POST", "/reservations", 0.03, 0.05, status=201),
            ),
        ),
        Api(
            "rates-api",
            "/rates/v1",
            "4",
            by_host[PARTNER],
            20.0,
            (
                Operation(
                    "get-quote",
                    "GET",
                    "/quotes",
                    0.04,
                    0.30,
                    query="to={word}",
                    backend_query="code=SYNTHETIC-not-a-key",
                ),
                Operation("list-carriers", "GET", "/carriers", 0.01, 0.15, cached_share=0.9),
            ),
        ),
        Api(
            "status-api",
            "/status",
            "1",
            None,
            60.0,
            (Operation("get-status", "GET", "/live", 0.02, 0.0, response_bytes=120),),
        ),
    )


def draw_callers(rng: np.random.Generator) -> tuple[Caller, ...]:
    """Forty addresses, with heavy-tailed shares, dealt out to eight clients."""
    weights = rng.lognormal(0.0, 1.3, 40)
    owners = [*range(len(CLIENTS)), *rng.choice(len(CLIENTS), 32, p=client_shares()).tolist()]
    return tuple(
        Caller(f"198.51.100.{20 + number}", CLIENTS[owner], float(weight))
        for number, (owner, weight) in enumerate(zip(owners, weights, strict=True))
    )


def client_shares() -> list[float]:
    """How the addresses spread over the clients: each has about two thirds of the one before."""
    shares = [0.67**rank for rank in range(len(CLIENTS))]
    return [share / sum(shares) for share in shares]


def with_close_share(world: World, host: str, close_share: float) -> World:
    """The same world, but a host closes another share of its connections after an answer."""
    changed = replace(world.destination(host), close_share=close_share)
    return with_destination(world, changed)


def with_multiplexing(world: World, host: str) -> World:
    """The same world, but a host speaks HTTP/2."""
    return with_destination(world, replace(world.destination(host), multiplexed=True))


def with_destination(world: World, changed: Destination) -> World:
    """The same world, but one host is another."""
    return replace(
        world,
        destinations=tuple(
            changed if each.host == changed.host else each for each in world.destinations
        ),
        apis=tuple(
            replace(api, destination=changed)
            if api.destination and api.destination.host == changed.host
            else api
            for api in world.apis
        ),
    )


def with_timeout(world: World, host: str, timeout_s: float) -> World:
    """The same world, but the APIs of a host wait so long for an answer."""
    return replace(
        world,
        apis=tuple(
            replace(api, timeout_s=timeout_s)
            if api.destination and api.destination.host == host
            else api
            for api in world.apis
        ),
    )


def with_operation(world: World, host: str, operation: Operation, timeout_s: float) -> World:
    """The same world, but the API of a host has one operation more, and waits for it."""
    waiting = with_timeout(world, host, timeout_s)
    return replace(
        waiting,
        apis=tuple(
            replace(api, operations=(*api.operations, operation))
            if api.destination and api.destination.host == host
            else api
            for api in waiting.apis
        ),
    )
