import { setTimeout as sleep } from 'node:timers/promises';
import { type Operator, OperatorError } from './operator.js';

/** How long nodes are waited for, in ms: a node gives itself ten seconds. */
const PATIENCE_MS = 20_000;
const ASK_MS = 250;

/**
 * Resolves when none of some nodes is there any more; `told` hears of each. Rejects with `OperatorError` if that takes too long. With the
 * last node a server of its own is gone, too, so that nobody answers at all: then all of them are gone.
 */
export async function untilGone(
  operator: Operator,
  names: readonly string[],
  told: (node: string) => void,
): Promise<void> {
  const waiting = new Set(names);
  const deadline = performance.now() + PATIENCE_MS;
  while (waiting.size > 0) {
    const there = await operator.everyNode().catch(() => ({ nodes: [], silent: [] }));
    const known = new Set([...there.nodes.map(({ node }) => node), ...there.silent]);
    for (const node of waiting)
      if (!known.has(node)) {
        waiting.delete(node);
        told(node);
      }
    if (waiting.size === 0) return;
    if (performance.now() > deadline)
      throw new OperatorError(`${Array.from(waiting).join(', ')} was told to stop, and is still there`);
    await sleep(ASK_MS);
  }
}
