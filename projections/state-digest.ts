import { createHash } from 'node:crypto';

/** A state that two nodes with the same log agree on to the byte. */
export interface Canonical {
  toJSON(): unknown;
}

/** SHA-256, in hex, of the JSON of a folded state. */
export function stateDigest(state: Canonical): string {
  const hash = createHash('sha256');
  for (const piece of piecesOf(state.toJSON())) hash.update(piece);
  return hash.digest('hex');
}

/** That JSON, the lists in it item by item: the whole of a large tower is longer than a string can be. */
function* piecesOf(state: unknown): Generator<string> {
  if (typeof state !== 'object' || state === null || 'toJSON' in state) {
    yield JSON.stringify(state);
    return;
  }
  let before = '{';
  for (const [name, value] of Object.entries(state)) {
    if (value === undefined) continue;
    yield `${before}${JSON.stringify(name)}:`;
    if (Array.isArray(value)) yield* itemsOf(value);
    else yield JSON.stringify(value);
    before = ',';
  }
  yield before === '{' ? '{}' : '}';
}

function* itemsOf(items: readonly unknown[]): Generator<string> {
  yield '[';
  for (const [i, item] of items.entries()) yield `${i > 0 ? ',' : ''}${JSON.stringify(item)}`;
  yield ']';
}
