/* How many primes there are from 1000 * block to 1000 * block + 999. A payload of the task is one block.
   The payload comes on standard input, the result goes to standard output, and standard error is the log. */

#include <stdio.h>
#include <stdlib.h>

static int is_prime(long long n) {
    for (long long divisor = 2; divisor * divisor <= n; divisor++)
        if (n % divisor == 0) return 0;
    return n >= 2;
}

int main(void) {
    char text[32] = "";
    size_t length = fread(text, 1, sizeof text - 1, stdin);
    char *end = text;
    long long block = strtoll(text, &end, 10);
    if (end == text || end != text + length || block < 0 || block > 1000000000) {
        fputs("the payload is no whole number from 0 to 1000000000\n", stderr);
        return 1; /* the unit has failed, and this is why */
    }
    int primes = 0;
    for (long long n = 1000 * block; n < 1000 * (block + 1); n++) primes += is_prime(n);
    fprintf(stderr, "block %lld has %d primes\n", block, primes);
    printf("%d", primes);
    return 0;
}
