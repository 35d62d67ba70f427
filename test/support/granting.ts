import assert from 'node:assert/strict';
import { TowerRefusedError } from '../../actors/client/errors.js';
import type { TowerClient } from '../../actors/client/tower-client.js';
import { until } from './until.js';

/** Resolves when the tower grants a user's requests again: until then it may only call itself unavailable. */
export async function untilGranting(client: TowerClient): Promise<void> {
  await until('it grants requests again', () =>
    client.register().then(
      () => true,
      (error: unknown) => {
        assert.ok(error instanceof TowerRefusedError && error.reason === 'unavailable');
        return false;
      },
    ),
  );
}
