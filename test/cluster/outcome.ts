import { TowerRefusedError, TowerUnavailableError } from '../../actors/client/errors.js';
import type { User } from '../torture/user.js';

/** What a request of the user comes to: a receipt, or why there is none. */
export async function outcomeOf(user: User): Promise<string> {
  try {
    await user.watchForNothing();
    return 'a receipt';
  } catch (error) {
    if (error instanceof TowerUnavailableError) return 'no answer';
    if (error instanceof TowerRefusedError) return error.reason;
    throw error;
  }
}
