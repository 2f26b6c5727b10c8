"""Which methods a path takes: those of its routes, HEAD beside GET, and the preflights that the gateway answers."""

from __future__ import annotations

from aws_lambda_powertools.event_handler import APIGatewayRestResolver


def allowed(app: APIGatewayRestResolver, path: str) -> list[str]:
    """Return the methods of a path, as `Allow` names them; none where there is no such path."""
    routes = (*app._static_routes, *app._dynamic_routes)  # Powertools names them nowhere else
    found: set[str] = set()
    for route in routes:
        if route.rule.match(path):
            found |= {route.method} if isinstance(route.method, str) else set(route.method)
    if "GET" in found:
        found.add("HEAD")
    return sorted(found | {"OPTIONS"}) if found else []
