// How many primes there are from 1000 * block to 1000 * block + 999. A payload of the task is one block.
export default function run(block, unit) {
  if (!Number.isInteger(block) || block < 0) throw new Error("the payload is no whole number from 0 on");
  let primes = 0;
  for (let n = 1000 * block; n < 1000 * (block + 1); n++) if (isPrime(n)) primes++;
  unit.log(`block ${block} has ${primes} primes`);
  return primes;
}

function isPrime(n) {
  for (let divisor = 2; divisor * divisor <= n; divisor++) if (n % divisor === 0) return false;
  return n >= 2;
}
