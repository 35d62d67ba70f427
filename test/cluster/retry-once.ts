import { setTimeout as sleep } from 'node:timers/promises';
import { type Courier, NotAnsweredError, type Reply } from '../../actors/client/courier.js';
import { TowerUnavailableError } from '../../actors/client/errors.js';

/** How long an attempt may take, in ms: by then a node that works has answered, or given up. */
const ATTEMPT_MS = 5_000;
/** Before the second attempt, in ms. The clients that exist go on trying for an hour. */
const PAUSE_MS = 3_000;

type Ask = Courier['ask'];

/** What an attempt comes to, in words: undefined if the tower could do its part. */
const troubleOf = (outcome: Reply | NotAnsweredError): string | undefined => {
  if (outcome instanceof NotAnsweredError) return outcome.message;
  return outcome.status === 503 ? 'come again' : undefined;
};

const attempt = (courier: Courier, ...[operation, body]: Parameters<Ask>): Promise<Reply | NotAnsweredError> =>
  courier.ask(operation, body, ATTEMPT_MS).catch((error: unknown) => {
    if (error instanceof NotAnsweredError) return error;
    throw error;
  });

/** What a client is told that has given up. */
function given(outcome: Reply | NotAnsweredError): Reply {
  if (outcome instanceof NotAnsweredError) throw new TowerUnavailableError(outcome.message, { cause: outcome });
  return outcome;
}

/** A client's way to the tower that tries once, and then gives up. */
export const askingOnce = (courier: Courier): Courier => ({
  ask: async (...request) => given(await attempt(courier, ...request)),
});

/** One that tries a second time when there is no answer, or "come again", and then gives up. `note` hears of either. */
export const retryingOnce = (courier: Courier, note: (what: string) => void): Courier => ({
  async ask(...request) {
    const first = await attempt(courier, ...request);
    const trouble = troubleOf(first);
    if (trouble === undefined) return given(first);
    note(`requests tried again: ${trouble}`);
    await sleep(PAUSE_MS);
    const second = await attempt(courier, ...request);
    const again = troubleOf(second);
    if (again !== undefined) note(`requests that failed twice: ${trouble}, ${again}`);
    return given(second);
  },
});
