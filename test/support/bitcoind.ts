import { type Bitcoind, type BitcoindOptions, startBitcoind } from '../../cli/servers/bitcoind.js';
import { findServer } from '../../cli/servers/find.js';
import { type Cleanup, tempDir } from './temp-dir.js';

/** Starts a real bitcoind in regtest on free ports, in a folder of its own; both are gone after the test. */
export async function startTestBitcoind(
  t: Cleanup,
  options: Pick<BitcoindOptions, 'listen' | 'extraArgs'> = {},
): Promise<Bitcoind> {
  let bitcoind: Bitcoind | undefined;
  t.after(() => bitcoind?.stop()); // registered before the folder's removal, hence run before it
  bitcoind = await startBitcoind({ program: findServer('bitcoind'), dataDir: tempDir(t), ...options });
  return bitcoind;
}
