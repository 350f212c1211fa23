import { rmSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const alive = new Set<string>();
let hooked = false;

/** Runs `work` with a folder of its own under the system's temporary folder, which is gone afterwards. */
export async function withTempDir<T>(work: (dir: string) => Promise<T>): Promise<T> {
  removeAtExit();
  const dir = await mkdtemp(join(tmpdir(), 'neonarrow-'));
  alive.add(dir);
  try {
    return await work(dir);
  } finally {
    alive.delete(dir);
    await rm(dir, { recursive: true, force: true });
  }
}

/** `process.exit`, e.g. from an interrupt's handler, skips every `finally`. */
function removeAtExit(): void {
  if (hooked) return;
  hooked = true;
  process.once('exit', () => {
    for (const dir of alive) rmSync(dir, { recursive: true, force: true });
  });
}
