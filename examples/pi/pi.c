/* Hexadecimal digits of pi from position n (0 = the first after the point), as a WebAssembly work unit.
 *
 * The same formula, in the same order, as pi.js and pi.py beside it: Bailey, Borwein and Plouffe (1997),
 * pi = sum over k of 16^-k (4/(8k+1) - 2/(8k+4) - 1/(8k+5) - 1/(8k+6)).
 *
 * The payload, {"n":8,"count":4}, comes on standard input; the digits go to standard output as JSON.
 * Build: python -m ziglang cc -target wasm32-wasi -O2 -s -o pi.wasm pi.c
 */

#include <string.h>
#include <unistd.h>

static const int SERIES[4][2] = {{1, 4}, {4, -2}, {5, -1}, {6, -1}};

/* 16^exponent mod modulus; exact while modulus^2 < 2^53 */
static double power(long exponent, long modulus) {
  unsigned long long result = 1, base = 16 % modulus;
  for (; exponent > 0; exponent /= 2) {
    if (exponent % 2 == 1) result = result * base % modulus;
    base = base * base % modulus;
  }
  return modulus == 1 ? 0.0 : (double)result;
}

static double fraction_of(double x) { return x - (double)(long long)x; }

static double partial(long n, int j) {
  double sum = 0.0, scale = 1.0 / 16.0;
  for (long k = 0; k <= n; k += 1) sum = fraction_of(sum + power(n - k, 8 * k + j) / (double)(8 * k + j));
  for (long k = n + 1;; k += 1, scale /= 16.0) {
    double term = scale / (double)(8 * k + j);
    if (term < 1e-17) return sum;
    sum = fraction_of(sum + term);
  }
}

static long number(const char *json, const char *key) {
  const char *at = strstr(json, key);
  long value = 0;
  if (at == NULL) return -1;
  for (at += strlen(key); *at >= '0' && *at <= '9'; at += 1) value = 10 * value + (*at - '0');
  return value;
}

static int refuse(const char *reason) {
  write(2, reason, strlen(reason));
  return 2;
}

int main(void) {
  char in[256], out[32];
  size_t got = 0, size = 0;
  for (ssize_t more; got < sizeof in - 1 && (more = read(0, in + got, sizeof in - 1 - got)) > 0;) got += more;
  in[got] = 0;
  long n = number(in, "\"n\":"), count = number(in, "\"count\":");
  if (n < 0 || n > 10000000 || count < 1 || count > 8) return refuse("the payload is no {\"n\":0..10000000,\"count\":1..8}");
  double sum = 0.0;
  for (int s = 0; s < 4; s += 1) sum = fraction_of(sum + SERIES[s][1] * partial(n, SERIES[s][0]));
  if (sum < 0.0) sum += 1.0;
  out[size++] = '"';
  for (long d = 0; d < count; d += 1) {
    sum *= 16.0;
    out[size++] = "0123456789ABCDEF"[(int)sum];
    sum = fraction_of(sum);
  }
  out[size++] = '"';
  return write(1, out, size) == (ssize_t)size ? 0 : 1;
}
