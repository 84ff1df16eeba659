"""Every call of the REST interface.

Rule: routes, the OpenAPI document and the page for people are all made of this one table; a call that is not in it
does not exist.
"""

from disio_manager.api.data_operations import DATA
from disio_manager.api.fleet_operations import FLEET
from disio_manager.api.operation import Operation
from disio_manager.api.orders_operations import ORDERS
from disio_manager.api.people_operations import PEOPLE
from disio_manager.api.sites_operations import SITES
from disio_manager.api.task_operations import TASKS
from disio_manager.api.watching_operations import WATCHING

OPERATIONS: tuple[Operation, ...] = (*TASKS, *DATA, *FLEET, *ORDERS, *SITES, *PEOPLE, *WATCHING)
