import { setTimeout as sleep } from 'node:timers/promises';
import { type Courier, NotAnsweredError } from '../../actors/client/courier.js';
import { TowerUnavailableError } from '../../actors/client/errors.js';

/** How long an attempt may take, in ms: by then a node that works has answered, or given up. */
const ATTEMPT_MS = 5_000;
const PAUSE_MS = 1_000;

/** A client's way to the tower that tries once, and then gives up. */
export const askingOnce = (courier: Courier): Courier => ({
  async ask(operation, body) {
    try {
      return await courier.ask(operation, body, ATTEMPT_MS);
    } catch (cause) {
      if (cause instanceof NotAnsweredError) throw new TowerUnavailableError(`${operation}: no answer`, { cause });
      throw cause;
    }
  },
});

/** One that tries a second time when there is no answer, or "come again", and then gives up. */
export const retryingOnce = (courier: Courier, onRetry: () => void): Courier => {
  const once = askingOnce(courier);
  return {
    async ask(operation, body) {
      try {
        const reply = await once.ask(operation, body, ATTEMPT_MS);
        if (reply.status !== 503) return reply;
      } catch (error) {
        if (!(error instanceof TowerUnavailableError)) throw error;
      }
      onRetry();
      await sleep(PAUSE_MS);
      return once.ask(operation, body, ATTEMPT_MS);
    },
  };
};
