/**
 * The memory of a Python interpreter, held to a limit: its heap, and the files it keeps in memory.
 *
 * Rule: at the limit the unit gets a MemoryError or an OSError (no space left), never more memory. Nothing is limited before `limit`
 * is called: what the interpreter itself needs is not the unit's.
 */

const PAGE = 65_536;
/** Emscripten's number for "no space left on device". */
const ENOSPC = 51;

/** Keeps one interpreter's heap under a limit. */
export class Heap {
  private memory: WebAssembly.Memory | null = null;
  private maximum = Infinity;

  /** The imports, with what asks for more heap guarded. */
  guarded(imports: WebAssembly.Imports): WebAssembly.Imports {
    const grow = imports["env"]?.["emscripten_resize_heap"] as (size: number) => boolean;
    const guard = (size: number): boolean => size >>> 0 <= this.maximum && grow(size);
    return { ...imports, env: { ...imports["env"], emscripten_resize_heap: guard } };
  }

  /** Take the memory of the instance that was made with the guarded imports. */
  watch(instance: WebAssembly.Instance): void {
    const memory = instance.exports["memory"] as WebAssembly.Memory;
    const grow = memory.grow.bind(memory);
    // More is asked for than is needed, to ask less often; what is needed was let pass by the guard.
    memory.grow = (pages) => grow(Math.min(pages, Math.floor((this.maximum - memory.buffer.byteLength) / PAGE)));
    this.memory = memory;
  }

  /** What it takes now. Files come on top: a quarter of what the unit may use, at most. */
  get bytes(): number {
    return this.memory?.buffer.byteLength ?? 0;
  }

  /** From now on at most `mb` MiB more. */
  limit(mb: number): void {
    this.maximum = this.bytes + mb * 1024 * 1024;
  }
}

interface FileNode {
  /** Of a file: an array of bytes of either sign. */
  contents?: Uint8Array | Int8Array | Record<string, FileNode> | null;
}

type Write = (stream: { node: FileNode }, data: Uint8Array, offset: number, length: number, position: number, canOwn?: boolean) => number;
type Resize = (node: FileNode, size: number) => void;

/** The parts of Emscripten's file system that are used. */
export interface FileSystem {
  root: FileNode;
  streams: ({ node?: FileNode } | null | undefined)[];
  ErrnoError: new (errno: number) => Error;
  filesystems: { MEMFS: { ops_table: { file: { stream: { write: Write } } }; resizeFileStorage: Resize } };
}

/** Hold all files together to `mb` MiB beyond what they are now. */
export function limitFiles(files: FileSystem, mb: number): void {
  let used = usedBytes(files);
  const maximum = used + mb * 1024 * 1024;
  const within = <T>(node: FileNode, size: number, change: () => T): T => {
    const before = sizeOf(node);
    // Files that were removed are noticed only when room runs out.
    if (used + size - before > maximum) used = usedBytes(files);
    if (size > before && used + size - before > maximum) throw new files.ErrnoError(ENOSPC);
    const done = change();
    used += sizeOf(node) - before;
    return done;
  };
  const { MEMFS } = files.filesystems;
  const { stream } = MEMFS.ops_table.file;
  const { write } = stream;
  stream.write = (open, data, offset, length, position, canOwn) =>
    within(open.node, position + length, () => write(open, data, offset, length, position, canOwn));
  const resize = MEMFS.resizeFileStorage.bind(MEMFS);
  MEMFS.resizeFileStorage = (node, size) => {
    within(node, size, () => {
      resize(node, size);
    });
  };
}

function isBytes(contents: FileNode["contents"]): contents is Uint8Array | Int8Array {
  return ArrayBuffer.isView(contents);
}

function sizeOf(node: FileNode): number {
  return isBytes(node.contents) ? node.contents.length : 0;
}

/** Bytes of all files in the tree, and of those that are open and in no folder any more. */
function usedBytes(files: FileSystem): number {
  const seen = new Set<FileNode>();
  const left: FileNode[] = [files.root];
  for (const stream of files.streams) if (stream?.node) left.push(stream.node);
  let bytes = 0;
  for (let node = left.pop(); node !== undefined; node = left.pop()) {
    if (seen.has(node)) continue;
    seen.add(node);
    bytes += sizeOf(node);
    if (node.contents && !isBytes(node.contents)) left.push(...Object.values(node.contents));
  }
  return bytes;
}
