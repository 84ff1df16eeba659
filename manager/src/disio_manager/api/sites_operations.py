"""Calls about the sites that embed distributors.

Rule: see ``operations``.
"""

from disio_manager.api import sites
from disio_manager.api.operation import Answer, Operation

SITES: tuple[Operation, ...] = (
    Operation(
        "list_sites",
        "GET",
        "/api/sites",
        sites.list_sites,
        "sites",
        "List the sites that embed distributors, the most visited first",
        {200: Answer("One page", sites.SiteList)},
        query=sites.SitesQuery,
        role="viewer",
    ),
    Operation(
        "get_site",
        "GET",
        "/api/sites/{site}",
        sites.get_site,
        "sites",
        "What was counted of one site, by day",
        {200: Answer("The site", sites.Site)},
        query=sites.DaysQuery,
        role="viewer",
    ),
)
