/**
 * The import module `disio`: what other languages' units have as `unit`, for WebAssembly.
 *
 * Rule: it is optional, and a unit that does not import it misses nothing but progress and saved states. Addresses outside of the
 * unit's memory end the unit.
 */

import * as p from "./primordials";
import type { World } from "./wasi";

const NOTHING = new p.Bytes(0);

export function disioImports(world: World): Record<string, (...args: number[]) => unknown> {
  return {
    progress: (fraction) => {
      world.unit?.progress(fraction);
    },
    save_state: (at, length) => {
      const state = p.sliceBytes(part(world, "save_state", at, length));
      try {
        world.unit?.save_state(state);
      } catch (error) {
        world.end(error);
      }
    },
    state_size: () => saved(world).length,
    state: (at) => {
      const state = saved(world);
      p.setBytes(part(world, "state", at, state.length), state, 0);
    },
    index: () => p.BigIntOf(world.unit?.index ?? -1),
  };
}

/** What an earlier client saved; a state that is no bytes comes as its JSON text, as payloads do. */
function saved(world: World): Uint8Array {
  const state = world.unit?.state ?? null;
  if (state === null) return NOTHING;
  return p.isBytes(state) ? state : p.encodeText(p.stringify(state));
}

function part(world: World, name: string, at: number, length: number): Uint8Array {
  const { memory } = world;
  const [from, size] = [at >>> 0, length >>> 0];
  memory.refresh();
  if (!memory.holds(from, size)) world.end(new Error(`disio.${name}: ${size} bytes at address ${from} lie outside of the unit's memory`));
  return p.subarray(memory.bytes, from, from + size);
}
