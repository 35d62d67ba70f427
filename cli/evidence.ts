import { writeFileSync } from 'node:fs';
import type { Command } from 'commander';
import { z } from 'zod';
import { BitcoindRpc } from '../actors/bitcoind/rpc.js';
import { gatherEvidence } from '../actors/client/chain-evidence.js';
import { RegisterAnswer } from '../actors/wire.js';
import { fromHex } from '../events/bytes.js';
import { Locator, TowerId } from '../events/ids.js';
import { AppointmentProof } from '../events/proofs/appointment-proof.js';
import type { Promised } from '../events/proofs/missed-breach.js';
import { serializeAppointment } from '../events/signing/appointment.js';
import { recoverSigner, signerIs } from '../events/signing/message.js';
import { appointmentReceipt, type Dialect } from '../events/signing/receipts.js';
import { notUnderstood, parseArgument } from './arguments.js';
import { InputError, inputName, readText } from './input.js';
import { printFields, printJson } from './print.js';

/** `argus client evidence`: makes a file of what a client kept and a bitcoind's chain that shows a missed breach to anybody. */

/** How a command is told of a bitcoind. */
export function addBitcoind(command: Command, help: string): Command {
  return command
    .option('--bitcoind <url>', help)
    .option('--bitcoind-cookie <file>', "bitcoind's cookie file")
    .option('--bitcoind-user <name>', "bitcoind's rpcuser, instead of a cookie")
    .option('--bitcoind-password <text>', "bitcoind's rpcpassword; better in ARGUS_BITCOIND_PASSWORD");
}

/** The bitcoind that a command was told of; undefined if it was told of none. */
export function bitcoindOf(command: Command): BitcoindRpc | undefined {
  const {
    bitcoind: url,
    bitcoindCookie: cookieFile,
    bitcoindUser: user,
    ...rest
  } = command.opts<Record<string, string>>();
  if (url === undefined) return undefined;
  if (!URL.canParse(url)) throw notUnderstood(`--bitcoind: ${url} is no URL`);
  const password = rest.bitcoindPassword ?? process.env.ARGUS_BITCOIND_PASSWORD;
  if (cookieFile !== undefined && user === undefined) return new BitcoindRpc({ url, auth: { cookieFile } });
  if (cookieFile === undefined && user !== undefined && password !== undefined)
    return new BitcoindRpc({ url, auth: { user, password } });
  throw notUnderstood('--bitcoind needs either --bitcoind-cookie, or both --bitcoind-user and a password');
}

/** The id of a tower that was given. */
export function towerOf(command: Command): TowerId {
  return parseArgument(TowerId, command.opts<{ tower: string }>().tower);
}

export function addEvidenceCommand(client: Command): void {
  const command = client
    .command('evidence')
    .description('make a file that shows a missed breach to anybody, of what a client kept and what a bitcoind knows')
    .requiredOption('--tower <id>', 'the id of the tower')
    .requiredOption('--appointment <file>', 'the appointment as it was sent: locator, encrypted_blob, to_self_delay')
    .requiredOption('--receipt <file>', 'the receipt, or the receipt and its proof, as the client library gives them')
    .option('--subscription <file>', "the tower's answer to the last registration before the dispute")
    .requiredOption('--out <file>', 'where to write it; a file that exists is not touched')
    .option('--json', 'one line of JSON');
  addBitcoind(command, "bitcoind's RPC, such as http://127.0.0.1:8332")
    .addHelpText(
      'after',
      '\nExample:\n  argus client evidence --tower 0256cc1f... --appointment appointment.json --receipt proof.json \\\n' +
        '    --bitcoind http://127.0.0.1:8332 --bitcoind-cookie ~/.bitcoin/.cookie --out evidence.json\n' +
        'Exit status: 0 made, 1 there is no such evidence.',
    )
    .action(async (_options, command: Command) => {
      const rpc = bitcoindOf(command);
      if (!rpc) throw notUnderstood('evidence is made with a bitcoind: give --bitcoind');
      await evidence(rpc, towerOf(command), command);
    });
}

async function evidence(rpc: BitcoindRpc, towerId: TowerId, command: Command): Promise<void> {
  const options = command.opts<{
    appointment: string;
    receipt: string;
    subscription?: string;
    out: string;
    json?: true;
  }>();
  const file = await gatherEvidence(rpc, await promisedIn(options, towerId), towerId);
  writeFileSync(options.out, `${JSON.stringify(file)}\n`, { flag: 'wx' });
  const { made, headers, spend } = file;
  const fields = {
    file: options.out,
    network: file.network,
    headers: headers.length,
    chain_height: made.height,
    has_proof: file.proof !== undefined,
    has_subscription: file.subscription !== undefined,
    has_spend: spend !== undefined,
  };
  if (options.json) printJson(fields);
  else printFields(fields);
}

const Fields = z.object({ locator: Locator, encrypted_blob: z.string(), to_self_delay: z.number() });
const Appointment = z.union([Fields, z.object({ appointment: Fields }).transform(({ appointment }) => appointment)]);
const Kept = z.object({ locator: Locator, startBlock: z.number(), userSignature: z.string(), signature: z.string() });
const Receipt = z.union([
  z.object({ receipt: Kept, proof: AppointmentProof }),
  Kept.transform((receipt) => ({ receipt, proof: undefined })),
]);

/** What the files of a client say that was promised to it; by whose key and in which dialect, the signatures tell. */
export async function promisedIn(
  files: { readonly appointment: string; readonly receipt: string; readonly subscription?: string },
  towerId: TowerId,
): Promise<Promised> {
  const {
    locator,
    encrypted_blob: encryptedBlob,
    to_self_delay: toSelfDelay,
  } = await read(files.appointment, Appointment);
  const { receipt, proof } = await read(files.receipt, Receipt);
  if (receipt.locator !== locator)
    throw new InputError(`${inputName(files.receipt)} is not of the appointment in ${inputName(files.appointment)}`);
  const message = serializeAppointment({ locator, encryptedBlob: fromHex(encryptedBlob), toSelfDelay });
  const userId = recoverSigner(message, receipt.userSignature);
  if (!userId) throw new InputError(`${inputName(files.receipt)} has no signature of a user`);
  const dialects: readonly Dialect[] = ['rust', 'python'];
  const dialect = dialects.find((one) => signerIs(appointmentReceipt(one, receipt), receipt.signature, towerId));
  if (!dialect) throw new InputError(`${inputName(files.receipt)} is not signed by tower ${towerId}`);
  const { startBlock, userSignature, signature } = receipt;
  const appointment = { locator, encryptedBlob: encryptedBlob.toLowerCase(), toSelfDelay };
  const answer = files.subscription === undefined ? undefined : await read(files.subscription, RegisterAnswer);
  const subscription = answer && {
    slots: answer.available_slots,
    start: answer.subscription_start,
    expiry: answer.subscription_expiry,
    signature: answer.subscription_signature,
  };
  const kept = { startBlock, userSignature, signature };
  return {
    userId,
    dialect,
    appointment,
    receipt: kept,
    ...(proof && { proof }),
    ...(subscription && { subscription }),
  };
}

async function read<T>(file: string, shape: z.ZodType<T>): Promise<T> {
  let json: unknown;
  const text = await readText(file, MOST_BYTES);
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new InputError(`${inputName(file)} is not JSON`, { cause });
  }
  const { data, error } = shape.safeParse(json);
  if (data !== undefined) return data;
  const [issue] = error?.issues ?? [];
  throw new InputError(`${inputName(file)}: ${issue?.path.join('.') || 'it'}: ${issue?.message}`);
}

/** A blob of 64 KiB in hex, with room. */
const MOST_BYTES = 1_000_000;
