import type { Command } from 'commander';
import type { z } from 'zod';
import type { BitcoindRpc } from '../actors/bitcoind/rpc.js';
import { lookUpEvidence, type OnChain } from '../actors/client/chain-evidence.js';
import { ChainError } from '../actors/client/dispute-search.js';
import type { TowerId } from '../events/ids.js';
import { Evidence, wrongWith } from '../events/proofs/appointment-proof.js';
import { type MissedBreach, readMissedBreach } from '../events/proofs/missed-breach.js';
import { type Breach, verifyBreach } from '../events/proofs/verify-breach.js';
import { addUserCommands } from './client-user.js';
import { addBitcoind, addEvidenceCommand, bitcoindOf, towerOf } from './evidence.js';
import { inputName, readText } from './input.js';
import { printFields, printJson } from './print.js';

/** `argus client`: what a tower's client asks of it, and what it can do with what it keeps, without any tower. */
export function addClientCommands(program: Command): void {
  const client = program
    .command('client')
    .description('for clients of a tower: register, add appointments, verify what it gave');
  addUserCommands(client);
  const command = client
    .command('verify <file...>')
    .description(
      'verify proofs, and evidence of missed breaches (- is stdin); nobody is asked but a bitcoind, if one is given',
    )
    .requiredOption('--tower <id>', 'the id of the tower')
    .option('--json', 'one line of JSON for each file');
  addBitcoind(command, 'look evidence up in the chain of this bitcoind, too')
    .addHelpText(
      'after',
      '\nExample:\n  argus client verify --tower 0256cc1f... proof.json\nExit status: 0 all prove it, 1 not.',
    )
    .action((files: string[], _options, command: Command) => verify(files, command));
  addEvidenceCommand(client);
}

/** Evidence has headers by the thousand, and transactions. */
const MOST_BYTES = 32 * 1024 * 1024;

async function verify(files: readonly string[], command: Command): Promise<void> {
  const { json = false } = command.opts<{ json?: boolean }>();
  const towerId = towerOf(command);
  const rpc = bitcoindOf(command);
  for (const [i, file] of files.entries()) {
    const found = await verdict(await readText(file, MOST_BYTES), towerId, rpc);
    if (!found.ok) process.exitCode = 1;
    const fields = { file: inputName(file), ...found };
    if (json) printJson(fields);
    else {
      if (i > 0) process.stdout.write('\n');
      printFields(fields);
    }
  }
}

type Verdict = { readonly ok: boolean } & Readonly<Record<string, unknown>>;

async function verdict(text: string, towerId: TowerId, rpc: BitcoindRpc | undefined): Promise<Verdict> {
  const json = parsed(text);
  const missed = readMissedBreach(json);
  if (missed) return 'why' in missed ? { ok: false, ...missed } : breachVerdict(missed.breach, towerId, rpc);
  const { data: evidence } = Evidence.safeParse(json);
  if (!evidence) return { ok: false, why: 'this is no proof as the client library writes it, and no evidence' };
  const why = wrongWith(evidence, towerId);
  return why === undefined ? { ok: true, ...provenBy(evidence) } : { ok: false, why };
}

/** What is certain by a piece of evidence that proves it. */
function provenBy({ receipt, proof: { head, position }, older }: z.infer<typeof Evidence>) {
  return {
    locator: receipt.locator,
    start_block: receipt.startBlock,
    shard: head.shard,
    position,
    head_size: head.treeSize,
    head_height: head.height,
    head_block: head.blockHash,
    ...(older && { continues_size: older.treeSize }),
  };
}

/** That a breach was missed is shown by what took the output instead, in the file, or by the chain. */
async function breachVerdict(file: MissedBreach, towerId: TowerId, rpc: BitcoindRpc | undefined): Promise<Verdict> {
  const verified = verifyBreach(file, towerId);
  if (!verified.ok) return verified;
  const { breach } = verified;
  const facts = breachFacts(file, breach);
  if (!rpc) {
    if (breach.spend) return { ok: true, ...facts, ...spendFacts(breach.spend), chain: 'not asked' };
    const why = 'promise and breach are shown; that no penalty was mined only a chain can show: give --bitcoind';
    return { ok: false, why, ...facts };
  }
  try {
    return { ok: true, ...facts, ...chainFacts(await lookUpEvidence(rpc, file, breach)) };
  } catch (error) {
    if (error instanceof ChainError) return { ok: false, why: error.message, ...facts };
    throw error;
  }
}

/** A signature is of one text under its user's key, and of any other text under some other key: docs/audit.md. */
const BY_RECEIPT = 'by receipt alone: the tower may answer with the commit that has this signature for something else';

const breachFacts = (file: MissedBreach, breach: Breach) => ({
  locator: file.appointment.locator,
  user: file.userId,
  promise: file.proof ? 'on the signed log' : BY_RECEIPT,
  start_block: file.receipt.startBlock,
  expiry: file.subscription?.expiry ?? null,
  network: file.network,
  dispute: breach.disputeTxid,
  dispute_height: breach.disputeHeight,
  dispute_block: breach.disputeBlock,
  headers: breach.confirmations,
  work_log2: breach.work,
  penalty: breach.penaltyTxid,
  unchecked_inputs: breach.unchecked.length,
});

const spendFacts = (spend: { readonly txid: string; readonly height: number; readonly taking: string }) => ({
  taken_by: spend.txid,
  taken_height: spend.height,
  taken: spend.taking,
});

const chainFacts = ({ height, taken, ranScripts }: OnChain) => ({
  ...(taken && spendFacts(taken)),
  chain: taken ? 'confirms it' : `has no penalty up to height ${height}`,
  scripts: ranScripts ? 'bitcoind finds them valid' : 'not run',
});

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
