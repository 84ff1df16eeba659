/**
 * The unit's own random numbers: the same for the same task and index in every client, so that replicas agree.
 *
 * Rule: integer arithmetic on 32 bits only, so that every engine draws the same numbers.
 * Algorithms: xoshiro128** (Blackman and Vigna, "Scrambled linear pseudorandom number generators", 2018), its state filled by
 * SplitMix (Steele, Lea and Flood, 2014) with the 32-bit finalizer of MurmurHash3, from an FNV-1a hash of "task:index".
 */

const imul = Math.imul;

function rotl(x: number, k: number): number {
  return (x << k) | (x >>> (32 - k));
}

function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}

function splitmix(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x9e3779b9) | 0;
    let z = state;
    z = imul(z ^ (z >>> 16), 0x85ebca6b);
    z = imul(z ^ (z >>> 13), 0xc2b2ae35);
    return z ^ (z >>> 16);
  };
}

/** Return a generator of doubles in [0, 1) with 53 random bits each. */
export function seededRandom(task: string, index: number): () => number {
  const next = splitmix(fnv1a(`${task}:${index}`));
  let a = next();
  let b = next();
  let c = next();
  // The all-zero state is the one that xoshiro never leaves.
  let d = next() || 1;
  const draw = (): number => {
    const out = imul(rotl(imul(b, 5), 7), 9);
    const t = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= t;
    d = rotl(d, 11);
    return out >>> 0;
  };
  return () => ((draw() >>> 5) * 67108864 + (draw() >>> 6)) / 9007199254740992;
}
