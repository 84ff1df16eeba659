"""The outbox on its way to the managers: which link takes what, what is repeated, what is read back.

Rule: results go to the manager of their block, and to another one of its cluster when that one stays away; a link
has at most ``max_flights`` unanswered messages, so old results never keep fresh ones waiting behind them.
"""

import msgspec

from disio_distributor.core import commands
from disio_distributor.core.blocks import Block
from disio_distributor.core.events import OutboxRead
from disio_distributor.core.links import Link
from disio_distributor.core.outbox import Flight, Place
from disio_distributor.core.state import State

FLIGHT = "flight"


class Delivery:
    """Sends what waits in the outbox."""

    def __init__(self, state: State) -> None:
        self._state = state

    def pump(self, now: float) -> None:
        """Send as much as each link takes."""
        outbox = self._state.outbox
        if not outbox.anything_to_send():
            return
        for link in self._state.links.values():
            room = self._state.settings.max_flights - len(outbox.flights_of(link.name))
            if room > 0:
                self._fill(link, self._places(link, now), room, now)

    def lost(self, link: str) -> None:
        """A link's session is over: its messages are to be sent again."""
        for flight in self._state.outbox.flights_of(link):
            flight.link = None
            self._state.deadlines.discard((FLIGHT, flight.message.batch))

    def resend(self, batch: str, now: float) -> None:
        """Repeat a Deliver that was not answered."""
        flight = self._state.outbox.flights.get(batch)
        if flight is not None and flight.link is not None:
            self._fly(flight, flight.link, now)

    def committed(self, batch: str) -> None:
        """A manager has a batch."""
        self._state.deadlines.discard((FLIGHT, batch))
        self._state.committed(self._state.outbox.committed(batch))

    def was_read(self, event: OutboxRead) -> list[Block]:
        """Take in what was read back; return the blocks of what the cache has lost."""
        lost = self._state.outbox.was_read(event.entries, event.missing)
        return [block for _, block in self._state.lost(lost)] if lost else []

    def _places(self, link: Link, now: float) -> list[Place]:
        """Return whose results a link takes: its own manager's, and those of managers that stay away."""
        state, own = self._state, (link.cluster, link.manager)
        others = [each for each in state.outbox.places(link.cluster) if each != own and state.is_given_up(*each, now)]
        return [own, *others]

    def _fill(self, link: Link, places: list[Place], room: int, now: float) -> None:
        outbox, settings = self._state.outbox, self._state.settings
        for flight in outbox.lost_flights(places)[:room]:
            flight.link = link.name
            self._fly(flight, link.name, now)
            room -= 1
        idle: set[Place] = set()
        while room > 0 and len(idle) < len(places):
            for place in [each for each in places if each not in idle][:room]:
                launched = outbox.launch(place, link.name, settings.deliver_results, settings.deliver_bytes)
                if launched is None:
                    idle.add(place)
                else:
                    self._fly(launched, link.name, now)
                    room -= 1
        for place in places:
            ids = outbox.to_read(place, 4 * settings.deliver_results, settings.read_ahead)
            if ids:
                self._state.do(commands.ReadOutbox(ids))

    def _fly(self, flight: Flight, link: str, now: float) -> None:
        self._state.deadlines.set((FLIGHT, flight.message.batch), now + self._state.settings.resend_s)
        message = flight.message
        tasks = {part.task for part in message.results} | {part.task for part in message.failures}
        self._state.send(link, msgspec.structs.replace(message, tallies=self._state.tallies_of.of(sorted(tasks))))
