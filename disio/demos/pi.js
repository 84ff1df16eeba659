// Hexadecimal digits of pi from position n (0 = the first after the point), as a classic dis.io work unit.
// Bailey-Borwein-Plouffe: pi = sum over k of 16^-k (4/(8k+1) - 2/(8k+4) - 1/(8k+5) - 1/(8k+6)).

var SERIES = [[1, 4], [4, -2], [5, -1], [6, -1]];
var SAVE_EVERY = 2000000; // terms; far more than a position below 100,000 needs

// 16^exponent mod modulus; exact while modulus^2 < 2^53
function power(exponent, modulus) {
  var result = 1, base = 16 % modulus;
  while (exponent > 0) {
    if (exponent % 2 === 1) result = (result * base) % modulus;
    base = (base * base) % modulus;
    exponent = Math.floor(exponent / 2);
  }
  return modulus === 1 ? 0 : result;
}

worker.onStart = function (data) {
  var n = data.payload.n, at = data.state || { series: 0, k: 0, partial: 0, sum: 0 }, terms = 0;
  for (; at.series < SERIES.length; at.series += 1, at.k = 0, at.partial = 0) {
    var j = SERIES[at.series][0];
    for (; at.k <= n; at.k += 1) {
      at.partial = (at.partial + power(n - at.k, 8 * at.k + j) / (8 * at.k + j)) % 1;
      terms += 1;
      if (terms % SAVE_EVERY === 0) communication.saveState({ series: at.series, k: at.k + 1, partial: at.partial, sum: at.sum });
    }
    for (var k = n + 1, term = 1; term > 1e-17; k += 1) {
      term = Math.pow(16, n - k) / (8 * k + j);
      at.partial = (at.partial + term) % 1;
    }
    at.sum = (at.sum + SERIES[at.series][1] * at.partial) % 1;
  }
  var fraction = at.sum < 0 ? at.sum + 1 : at.sum, digits = '';
  for (var d = 0; d < data.payload.count; d += 1) {
    fraction *= 16;
    digits += Math.floor(fraction).toString(16).toUpperCase();
    fraction -= Math.floor(fraction);
  }
  communication.end(digits);
};
