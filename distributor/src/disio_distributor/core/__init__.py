"""What a distributor decides: which client gets which payloads and how many, liveness, the outbox, offline behaviour.

Rule: pure. No clock, no randomness, no I/O; import-linter checks it.
"""
