import { TowerRefusedError, TowerUnavailableError } from '../../actors/client/errors.js';
import { until } from './until.js';

/** Asks a tower until it answers otherwise than with "later", as a client does while a stream has no leader; a minute at the most. */
export const again = async <T extends object>(ask: () => Promise<T>): Promise<T> =>
  until('the tower can answer', () =>
    ask().catch((error) => {
      if (isLater(error)) return undefined;
      throw error;
    }),
  );

const isLater = (error: unknown): boolean =>
  error instanceof TowerUnavailableError || (error instanceof TowerRefusedError && error.reason === 'unavailable');
