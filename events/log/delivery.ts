import type { Position } from '../ids.js';

/** Where a delivered message stands: in its stream, and among those that its consumer has delivered. */
export interface Place {
  readonly position: Position;
  readonly delivery: number;
}

/** The same, when it was stored, by the server's clock, in milliseconds since 1970, and how many messages come after it. */
export interface Delivery extends Place {
  readonly time: number;
  readonly pending: number;
}

/**
 * From the reply subject of a delivered message:
 * `$JS.ACK.[<domain>.<hash>.]<stream>.<consumer>.<delivered>.<stream seq>.<consumer seq>.<time>.<pending>[.<random>]`.
 *
 * What is not such a subject comes to numbers that are not any (`NaN`).
 */
export function placeReader(): (reply: string | undefined) => Place {
  const startOf = startReader();
  return (reply = '') => {
    const start = startOf(reply);
    return { position: wholeNumber(reply, start), delivery: wholeNumber(reply, reply.indexOf('.', start) + 1) };
  };
}

/** As `placeReader`, with all that there is. */
export function deliveryReader(): (reply: string | undefined) => Delivery {
  const startOf = startReader();
  return (reply = '') => {
    const position = startOf(reply);
    const delivery = reply.indexOf('.', position) + 1;
    const time = reply.indexOf('.', delivery) + 1;
    const pending = reply.indexOf('.', time) + 1;
    const end = pending - 1 - NANOSECONDS_OF_A_MILLISECOND;
    return {
      position: wholeNumber(reply, position),
      delivery: wholeNumber(reply, delivery),
      time: wholeNumber(`${reply.slice(time, end)}.`, 0),
      pending: wholeNumber(reply, pending, true),
    };
  };
}

/** Digits that are cut off, since a number of nanoseconds is more than a double holds. */
const NANOSECONDS_OF_A_MILLISECOND = 6;

/**
 * Where the stream's sequence begins. What stands before it is the same in all messages of a consumer that delivers each once,
 * so it is gone through once.
 */
function startReader(): (reply: string) => number {
  let before: string | undefined;
  return (reply) => {
    if (before === undefined || !reply.startsWith(before)) {
      const tokens = reply.split('.');
      before = `${tokens.slice(0, tokens.length === 9 ? 5 : 7).join('.')}.`;
    }
    return before.length;
  };
}

/** The number in decimal that begins there and ends at a dot, or may end with the text; NaN if there is none. */
function wholeNumber(text: string, from: number, isLast = false): number {
  let value = 0;
  for (let at = from; ; at++) {
    const digit = text.charCodeAt(at) - 48;
    if (digit >= 0 && digit <= 9) value = 10 * value + digit;
    else return at > from && (text[at] === '.' || (isLast && at === text.length)) ? value : Number.NaN;
  }
}
