// Tasks to start from; each one runs as it is.

import type { Draft } from "./draft";

type Template = { key: string; label: string; about: string } & Pick<
  Draft,
  "name" | "workunit.language" | "workunit.source" | "payloads"
>;

const PI = `// Hexadecimal digits of pi from position n by the Bailey-Borwein-Plouffe formula,
// as a classic dis.io work unit.

// 16^exponent mod modulus
function power(exponent, modulus) {
  var result = 1 % modulus, base = 16 % modulus;
  for (; exponent > 0; exponent = Math.floor(exponent / 2)) {
    if (exponent % 2 === 1) result = (result * base) % modulus;
    base = (base * base) % modulus;
  }
  return result;
}

// The fraction of the sum of 16^(n-k) / (8k + j)
function series(n, j) {
  var sum = 0, term = 1, k = 0;
  for (; k <= n; k += 1) sum = (sum + power(n - k, 8 * k + j) / (8 * k + j)) % 1;
  for (; term > 1e-17; k += 1) {
    term = Math.pow(16, n - k) / (8 * k + j);
    sum = (sum + term) % 1;
  }
  return sum;
}

worker.onStart = function (data) {
  var n = data.payload.n;
  var fraction = (4 * series(n, 1) - 2 * series(n, 4) - series(n, 5) - series(n, 6)) % 1;
  if (fraction < 0) fraction += 1;
  var digits = '';
  for (var i = 0; i < data.payload.digits; i += 1) {
    fraction *= 16;
    digits += Math.floor(fraction).toString(16).toUpperCase();
    fraction %= 1;
  }
  communication.end(digits);
};
`;

const SQUARES = `// The sum of the squares below payload.n, as an ES module.
export default function run(payload, unit) {
  let sum = 0;
  for (let i = 0; i < payload.n; i += 1) sum += i * i;
  unit.progress(1);
  return { n: payload.n, sum };
}
`;

const SWEEP = `// One point of a parameter sweep: a damped oscillator, how far it still swings after \`time\` seconds.
export default function run({ damping, frequency, time }) {
  const step = 1e-4;
  let position = 1;
  let speed = 0;
  for (let t = 0; t < time; t += step) {
    speed -= (2 * damping * speed + frequency * frequency * position) * step;
    position += speed * step;
  }
  return { position, energy: speed * speed + frequency * frequency * position * position };
}
`;

export const TEMPLATES: Template[] = [
  {
    key: "pi",
    label: "Digits of pi",
    about: "Classic dis.io script; eight hexadecimal digits for each payload.",
    name: "pi hex digits",
    "workunit.language": "javascript",
    "workunit.source": PI,
    payloads: '{"grid": {"n": {"range": [0, 800, 8]}, "digits": [8]}}',
  },
  {
    key: "squares",
    label: "Sum of squares",
    about: "The smallest ES module: one object in, one object out.",
    name: "sum of squares",
    "workunit.language": "javascript",
    "workunit.source": SQUARES,
    payloads: '{"grid": {"n": "1-1000"}}',
  },
  {
    key: "sweep",
    label: "Parameter sweep",
    about: "Every combination of three axes.",
    name: "oscillator sweep",
    "workunit.language": "javascript",
    "workunit.source": SWEEP,
    payloads: '{"grid": {"damping": {"linspace": [0, 2, 21]}, "frequency": {"range": [1, 11]}, "time": [10, 20]}}',
  },
];
