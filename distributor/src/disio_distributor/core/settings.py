"""Every number the distributor's core decides by.

Rule: no other module of the core holds a limit or a time of its own.
"""

from dataclasses import dataclass

from disio_shared.codec import MAX_PAYLOAD_BYTES


@dataclass(frozen=True, slots=True)
class CoreSettings:
    """Times in seconds, sizes in bytes."""

    lookahead_s: float = 600.0
    """Work to hold, at the rate the clients have now: managers may be away for minutes."""
    refill: float = 0.75
    """Share of that below which more is asked for."""
    target_s: float = 3.0
    """Work in one batch."""
    long_unit_s: float = 30.0
    """Units from here on are not fetched ahead: a slot that is free asks in time."""
    lease_s: float = 60.0
    """An assignment lives so long without a sign of life."""
    unstarted_s: float = 600.0
    """A batch that waits in a living client's queue is kept so long at most."""
    grace_s: float = 15.0
    """A client whose connection broke has so long to come back."""
    drain_s: float = 10.0
    """A drain waits so long for results, and again so long for the managers to take them."""
    resend_s: float = 10.0
    """An unanswered Deliver or FetchWorkunit is sent again."""
    hurry_s: float = 0.5
    """Managers learn within this time that clients came or went."""
    reask_s: float = 30.0
    """An Ask that earned nothing is repeated."""
    recheck_s: float = 5.0
    """How often a client is reconsidered for payloads that it failed itself."""
    active_s: float = 120.0
    """A client that asked or answered within this time counts as one that takes part: it can take a failed payload
    over, and blocks are held for it."""
    tidy_s: float = 20.0
    """How often tasks that nobody needs are looked for."""
    unservable_rounds: int = 3
    """Tidy rounds without a client that can run a task and takes part before its blocks go back."""
    rate_s: float = 10.0
    """Time over which the rate is averaged."""
    max_outstanding: int = 1_000_000
    """Open payloads held at most, per cluster. Generated ones are ranges, so their number costs next to nothing."""
    max_held_bytes: int = 256 << 20
    """Payloads that came with their blocks: above it nothing is asked for. One Grant may go beyond it."""
    max_batch: int = 5_000
    """Payloads in one batch."""
    max_batch_bytes: int = 4 << 20
    """Payloads and saved states in one batch, unless a single one is larger."""
    max_payload_bytes: int = MAX_PAYLOAD_BYTES
    """A larger payload fits in no message and fails at once."""
    max_runs: int = 64
    """Runs of indexes in one batch; bounds the length of tokens."""
    growth: int = 8
    """A client's next batch is at most so many times its last one."""
    prior_part: float = 0.5
    """A client's first batch of a task that others know is so much of what it would get by their pace."""
    copy_factor: float = 2.0
    """A unit that takes so many times as long as nine of ten is copied to a client that waits for nothing else."""
    copy_min_s: float = 1.0
    """But not sooner than this."""
    copy_samples: int = 5
    """Unit times to know before anything is copied."""
    max_slots: int = 1_024
    """Slots believed of one client."""
    max_result_bytes: int = 8 << 20
    max_state_bytes: int = 1 << 20
    max_error_chars: int = 4_000
    max_states_bytes: int = 256 << 20
    """Saved states kept altogether; beyond it new ones are not taken."""
    max_outbox_memory: int = 64 << 20
    """Content of undelivered results that is kept in memory; the rest is in the cache only."""
    max_outbox_entries: int = 1_000_000
    """Undelivered entries at which the cache counts as full: each takes half a kilobyte of memory."""
    read_ahead: int = 8 << 20
    """Undelivered content read back from the cache at a time."""
    space_stop: float = 0.80
    """Share of the cache's space from which on nothing is asked for or handed out."""
    space_start: float = 0.75
    """Share below which that begins again."""
    space_full: float = 0.95
    """Share from which on results are not taken in."""
    patience_s: float = 10.0
    """Results wait so long for a manager that is away before another one of its cluster gets them."""
    deliver_bytes: int = 1 << 20
    deliver_results: int = 5_000
    max_flights: int = 4
    """Unanswered Deliver messages per link."""
    max_spare_workunits: int = 16
    """Code kept although no task held now needs it."""
    max_tallies: int = 1_000
    """Tasks whose tallies are remembered, and told to managers."""
    max_holding: int = 1_024
    """Tokens of a rejoining client that are looked at."""
