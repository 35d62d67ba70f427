import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** What a helper needs of a test: a place to register its cleanup. A `TestContext` is one. */
export interface Cleanup {
  after(end: () => unknown): void;
}

/** A new folder that is removed after the test. Its name holds a space, because a user's may too. */
export function tempDir(t: Cleanup): string {
  const folder = mkdtempSync(join(tmpdir(), 'argus test-'));
  t.after(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 }));
  return folder;
}
