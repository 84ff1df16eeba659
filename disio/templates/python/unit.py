"""How many primes there are from 1000 * block to 1000 * block + 999. A payload of the task is one block."""

from typing import Any


def run(block: Any, unit: Any) -> int:
    """Return the number of primes in a block."""
    if not isinstance(block, int) or block < 0:
        raise ValueError("the payload is no whole number from 0 on")
    primes = sum(is_prime(n) for n in range(1000 * block, 1000 * (block + 1)))
    unit.log(f"block {block} has {primes} primes")
    return primes


def is_prime(n: int) -> bool:
    """Tell whether a number is a prime."""
    divisor = 2
    while divisor * divisor <= n:
        if n % divisor == 0:
            return False
        divisor += 1
    return n >= 2
