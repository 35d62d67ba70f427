import { parseArgs } from 'node:util';
import { chapter, say } from './narrator.js';
import { buildStage, clearStage, endKept, type Stage } from './stage.js';
import { tellStory } from './story.js';

/**
 * `npm run demo`: the tower's whole job on a real chain, narrated.
 *
 * The last line is JSON. Exit status 0 only if all of it happened.
 */
async function main(): Promise<number> {
  const { keep, stop, http } = options();
  if (stop) {
    say(`ended ${await endKept()} kept demo(s)`);
    return 0;
  }
  endOnSignals();
  chapter('Two servers start');
  const stage = await buildStage();
  try {
    const proof = await tellStory(stage, http);
    if (keep) await leave(stage);
    else await stage.clear();
    say(`\n${JSON.stringify(proof)}`);
  } catch (error) {
    await clearStage();
    throw error;
  }
  return 0;
}

function options(): { keep: boolean; stop: boolean; http: boolean } {
  try {
    const flag = { type: 'boolean', default: false } as const;
    return parseArgs({ options: { keep: flag, stop: flag, http: flag } }).values;
  } catch (error) {
    say(`${error instanceof Error ? error.message : error}\nusage: npm run demo [-- [--http] --keep | --stop]`);
    process.exit(2);
  }
}

let ending = false;

/** Ctrl-C ends every child before it ends us. */
function endOnSignals(): void {
  for (const [signal, status] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)
    process.on(signal, () => {
      if (ending) return;
      ending = true;
      say('\nstopping');
      void clearStage().finally(() => process.exit(status));
    });
}

async function leave({ nats, bitcoind, folder, keep, httpUrl }: Stage): Promise<void> {
  await keep();
  const data = `--data "${folder}/tower"`;
  say(`
Everything is left running:
  clients    ${nats.url}  (argus.v1.>, no credentials)
             ${httpUrl}  (TEOS, both generations)
  operator   npm run argus -- info --network regtest ${data} --nats ${nats.url}
             npm run argus -- appointments --network regtest ${data} --nats ${nats.url}
  the log    nats --server ${nats.url} --nkey "${folder}/tower/nats/node.nkey" stream ls
  bitcoind   bitcoin-cli -regtest -rpcport=${bitcoind.ports.rpc} -rpccookiefile="${bitcoind.cookieFile}" getblockchaininfo
  logs       "${folder}/tower.log"
End it with: npm run demo -- --stop`);
}

try {
  process.exitCode = await main();
} catch (error) {
  if (!ending) say(`\nthe demo failed: ${error instanceof Error ? (error.stack ?? error.message) : error}`);
  process.exitCode = 1;
}
