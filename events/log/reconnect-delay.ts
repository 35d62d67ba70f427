/** What the clock says, in ms: `wall` may be set by somebody, `steady` only ever goes on. */
export interface Clocks {
  readonly wall: () => number;
  readonly steady: () => number;
}

const real: Clocks = { wall: () => Date.now(), steady: () => performance.now() };

/** The client asks once for each server of a cluster, in turns. */
const ASKED_AT_MOST = 16;
/** Less is a clock that is being steered. */
const JUMP_MS = 1_000;

/**
 * How long the `nats` client waits between two attempts to reach a server: its `reconnectDelayHandler`.
 *
 * It counts from its last attempt, by the wall clock. If that was set back, it would wait as much longer: an hour for an
 * hour. So for the next attempts it is told that it waits as much less.
 */
export function reconnectDelay(ms: number, { wall, steady }: Clocks = real): () => number {
  let ahead = wall() - steady();
  let setBack = 0;
  let asked = 0;
  return () => {
    const now = wall() - steady();
    if (now < ahead - JUMP_MS) {
      setBack = asked < ASKED_AT_MOST ? setBack + ahead - now : ahead - now;
      asked = 0;
    }
    ahead = now;
    if (asked++ < ASKED_AT_MOST && setBack > 0) return ms - setBack;
    setBack = 0;
    return ms * (1 + Math.random() / 2);
  };
}
