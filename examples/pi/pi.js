// Hexadecimal digits of pi from position n (0 = the first after the point), as a JavaScript work unit.
//
// The same formula, in the same order, as pi.c and pi.py beside it: Bailey, Borwein and Plouffe (1997),
// pi = sum over k of 16^-k (4/(8k+1) - 2/(8k+4) - 1/(8k+5) - 1/(8k+6)).

const SERIES = [[1, 4], [4, -2], [5, -1], [6, -1]];

// 16^exponent mod modulus; exact while modulus^2 < 2^53
function power(exponent, modulus) {
  let result = 1;
  let base = 16 % modulus;
  for (; exponent > 0; exponent = Math.floor(exponent / 2)) {
    if (exponent % 2 === 1) result = (result * base) % modulus;
    base = (base * base) % modulus;
  }
  return modulus === 1 ? 0 : result;
}

function partial(n, j) {
  let sum = 0;
  for (let k = 0; k <= n; k += 1) sum = (sum + power(n - k, 8 * k + j) / (8 * k + j)) % 1;
  for (let k = n + 1, scale = 1 / 16; ; k += 1, scale /= 16) {
    const term = scale / (8 * k + j);
    if (term < 1e-17) return sum;
    sum = (sum + term) % 1;
  }
}

export default function run({ n, count }, unit) {
  if (!(n >= 0 && n <= 10_000_000 && count >= 1 && count <= 8)) throw new RangeError("the payload is no {n: 0..10000000, count: 1..8}");
  let sum = 0;
  SERIES.forEach(([j, factor], at) => {
    sum = (sum + factor * partial(n, j)) % 1;
    unit.progress((at + 1) / SERIES.length);
  });
  if (sum < 0) sum += 1;
  let digits = "";
  for (let d = 0; d < count; d += 1) {
    sum *= 16;
    digits += Math.floor(sum).toString(16).toUpperCase();
    sum %= 1;
  }
  return digits;
}
