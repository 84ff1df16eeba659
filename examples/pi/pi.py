"""Hexadecimal digits of pi from position n (0 = the first after the point), as a Python work unit.

The same formula, in the same order, as pi.c and pi.js beside it: Bailey, Borwein and Plouffe (1997),
pi = sum over k of 16^-k (4/(8k+1) - 2/(8k+4) - 1/(8k+5) - 1/(8k+6)).
"""

import math

SERIES = ((1, 4), (4, -2), (5, -1), (6, -1))


def power(exponent, modulus):
    """16^exponent mod modulus, step by step as the others do it; Python's own pow(16, exponent, modulus) is quicker."""
    result, base = 1, 16 % modulus
    while exponent > 0:
        if exponent % 2 == 1:
            result = result * base % modulus
        base = base * base % modulus
        exponent //= 2
    return 0 if modulus == 1 else result


def partial(n, j):
    total = 0.0
    for k in range(n + 1):
        total = (total + power(n - k, 8 * k + j) / (8 * k + j)) % 1.0
    k, scale = n + 1, 1 / 16
    while (term := scale / (8 * k + j)) >= 1e-17:
        total = (total + term) % 1.0
        k, scale = k + 1, scale / 16
    return total


def run(payload, unit):
    n, count = payload["n"], payload["count"]
    if not (0 <= n <= 10_000_000 and 1 <= count <= 8):
        raise ValueError("the payload is no {n: 0..10000000, count: 1..8}")
    total = 0.0
    for at, (j, factor) in enumerate(SERIES):
        # Not Python's %, which would make a negative sum positive at once: the others keep its sign until the end.
        total = math.fmod(total + factor * partial(n, j), 1.0)
        unit.progress((at + 1) / len(SERIES))
    if total < 0:
        total += 1
    digits = ""
    for _ in range(count):
        total *= 16
        digits += f"{int(total):X}"
        total %= 1.0
    return digits
