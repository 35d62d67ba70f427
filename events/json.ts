/** JSON from outside, looked at before it is read. */

/** Nothing that Argus reads is nested half as deep. */
const MOST_DEPTH = 32;

const [QUOTE, BACKSLASH, OPEN_LIST, CLOSE_LIST, OPEN_OBJECT, CLOSE_OBJECT] = [0x22, 0x5c, 0x5b, 0x5d, 0x7b, 0x7d];
const UTF8 = new TextDecoder('utf-8', { fatal: true });

/**
 * The value in JSON's bytes. Throws a `SyntaxError` for what is not UTF-8, not JSON, or nested deeper than `mostDepth`: that
 * is counted first, since to read it costs far more than its length, and who walks through it afterwards runs out of stack.
 * How long the bytes may be is for the caller to say, before they come here.
 */
export function parseJson(bytes: Uint8Array, mostDepth = MOST_DEPTH): unknown {
  if (!isShallow(bytes, mostDepth)) throw new SyntaxError(`JSON that is nested deeper than ${mostDepth}`);
  let text: string;
  try {
    text = UTF8.decode(bytes);
  } catch (cause) {
    throw new SyntaxError('JSON that is not UTF-8', { cause });
  }
  return JSON.parse(text);
}

/** The value in a JSON text; as `parseJson`. */
export const parseJsonText = (text: string, mostDepth = MOST_DEPTH): unknown =>
  parseJson(Buffer.from(text, 'utf8'), mostDepth);

/** Whether no list or object in JSON's bytes is deeper than that. Of what is not JSON it may say either. */
export function isShallow(bytes: Uint8Array, mostDepth: number): boolean {
  let depth = 0;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at];
    if (byte === QUOTE) at = endOfString(bytes, at + 1);
    else if (byte === OPEN_LIST || byte === OPEN_OBJECT) {
      if (++depth > mostDepth) return false;
    } else if (byte === CLOSE_LIST || byte === CLOSE_OBJECT) depth--;
  }
  return true;
}

/** Where the quote is that ends a string; past the end if none does. */
function endOfString(bytes: Uint8Array, from: number): number {
  for (let at = from; ; ) {
    const end = bytes.indexOf(QUOTE, at);
    if (end < 0) return bytes.length;
    let backslashes = 0;
    while (end - 1 - backslashes >= from && bytes[end - 1 - backslashes] === BACKSLASH) backslashes++;
    if (backslashes % 2 === 0) return end;
    at = end + 1;
  }
}
