/** How much memory a client promises to one unit, and keeps for later. Rule: pure; what the browser does not tell is unknown, not guessed. */

/** What one computing frame gets of a computer's memory at most, in MiB: browsers hold a process to little more. */
const FRAME_MB = 4096;
/** What a slot may keep of it for tasks that come again. */
export const MAX_KEEP_MB = 256;

/** Memory that one of `slots` units may use, in MiB; 0 = the browser does not tell how much there is. */
export function unitMemory(device_gb: number, slots: number): number {
  return Math.floor(Math.min(FRAME_MB, device_gb * 1024) / slots);
}
