import { homedir } from 'node:os';
import { type Command, Option } from 'commander';
import { connect, ErrorCode, NatsError } from 'nats';
import { BadReceiptError, TowerUnavailableError } from '../actors/client/errors.js';
import { overHttp } from '../actors/client/http-courier.js';
import { asClient, overNats } from '../actors/client/nats-courier.js';
import { makeAppointment, TowerClient } from '../actors/client/tower-client.js';
import { toHex } from '../events/bytes.js';
import { Locator, TowerId, Txid } from '../events/ids.js';
import type { Dialect } from '../events/signing/receipts.js';
import { notUnderstood, parseArgument, wholeNumber } from './arguments.js';
import { ClientFolder, DEFAULT_FOLDER } from './client-folder.js';
import { readText } from './input.js';
import { printFields, printJson } from './print.js';
import { readTransaction } from './raw-transaction.js';

/** `argus client register`, `add`, `get` and so on: a tower's client without a Lightning node's plugin. */
export function addUserCommands(client: Command): void {
  asking(
    client,
    'register',
    'register with a tower, or renew: the answer is kept',
    'argus client register --tower ID@HOST:9814',
  )
    .option('--invite <token>', 'where the tower asks newcomers for one')
    .action(
      act(async ({ tower, folder, options }) => {
        const answer = await tower.register(options.invite);
        const file = folder.keep(`subscription-${answer.subscription_expiry}`, answer);
        return { ...answer, file };
      }),
    );

  asking(
    client,
    'add',
    'entrust a tower with a penalty: the appointment and its receipt are kept',
    'argus client add --tower ID@HOST:9814 --dispute 7f506f8d... --delay 144 penalty.hex',
  )
    .argument('<file>', 'the raw penalty transaction, as hex (- is stdin)')
    .requiredOption('--dispute <txid>', 'the id of the transaction that is not to be published')
    .requiredOption('--delay <blocks>', 'in how many blocks the penalty must be mined, at the latest (to_self_delay)')
    .action(
      act(async ({ tower, folder, options, argument }) => {
        const penalty = readTransaction(await readText(argument, MOST_HEX));
        const delay = wholeNumber('--delay', options.delay, 0xffffffff);
        const appointment = makeAppointment(
          tower.dialect,
          parseArgument(Txid, options.dispute, '--dispute'),
          penalty,
          delay,
        );
        const { locator, encryptedBlob, toSelfDelay } = appointment;
        const receipt = await tower.addAppointment(appointment);
        const name = ClientFolder.nameOf(receipt);
        const sent = { locator, encrypted_blob: toHex(encryptedBlob), to_self_delay: toSelfDelay };
        folder.keep(`${name}.appointment`, sent);
        const file = folder.keep(`${name}.receipt`, receipt);
        return { ...receipt, file };
      }),
    );

  asking(client, 'get', 'what a tower has under a locator', 'argus client get --tower ID@HOST:9814 ed38f79d...')
    .argument('<locator>', 'of the appointment')
    .action(act(({ tower, argument }) => tower.getAppointment(parseArgument(Locator, argument, 'locator'))));

  asking(
    client,
    'subscription',
    'the slots that are left, until when, and all locators',
    'argus client subscription --tower ID@HOST:9814',
  ).action(
    act(async ({ tower }) => {
      const { appointments: _same, ...info } = await tower.getSubscriptionInfo();
      return info;
    }),
  );

  asking(
    client,
    'proof',
    'have a tower prove that an appointment is on its log: the proof is verified, and kept',
    'argus client proof --tower ID@HOST:9814 ed38f79d...',
  )
    .argument('<locator>', 'of the appointment')
    .action(
      act(async ({ tower, folder, argument }) => {
        const receipt = folder.receipt(parseArgument(Locator, argument, 'locator'));
        const evidence = await tower.getProof(receipt);
        const { head, position } = evidence.proof;
        const file = folder.keep(`${ClientFolder.nameOf(receipt)}.proof`, evidence);
        return { locator: receipt.locator, position, head_size: head.treeSize, head_height: head.height, file };
      }),
    );

  asking(
    client,
    'delete',
    'have a tower forget an appointment: its slots are given back',
    'argus client delete --tower ID@HOST:9814 ed38f79d...',
  )
    .argument('<locator>', 'of the appointment')
    .action(
      act(async ({ tower, folder, argument }) => {
        const receipt = folder.receipt(parseArgument(Locator, argument, 'locator'));
        const deletion = await tower.deleteAppointment(receipt);
        const file = folder.keep(`${ClientFolder.nameOf(receipt)}.deletion`, deletion);
        return { ...deletion, file };
      }),
    );
}

/** A command that asks a tower. */
function asking(client: Command, name: string, description: string, example: string): Command {
  return client
    .command(name)
    .description(description)
    .addOption(
      new Option(
        '--tower <id@address>',
        'the id of the tower, and where it is: HOST:PORT, http(s)://, nats:// or tls://',
      )
        .env('ARGUS_TOWER')
        .makeOptionMandatory(),
    )
    .option('--folder <folder>', 'where the key and what the tower gives are kept', DEFAULT_FOLDER)
    .addOption(
      new Option('--dialect <dialect>', 'which generation to speak as').choices(['rust', 'python']).default('rust'),
    )
    .option('--timeout <seconds>', 'how long to wait for an answer', '10')
    .option('--nats-ca <file>', 'who certifies the server of tls:// (PEM)')
    .option('--json', 'one line of JSON')
    .addHelpText('after', `\nExample:\n  ${example}`);
}

interface Asking {
  readonly tower: TowerClient;
  readonly folder: ClientFolder;
  readonly options: Readonly<Record<string, string>>;
  /** The first argument, for commands that have one. */
  readonly argument: string;
}

/** Runs a command's act with the tower that it was told of, and prints what that gives. */
function act(run: (asking: Asking) => Promise<object>) {
  return async (...given: unknown[]): Promise<void> => {
    const command = given.at(-1) as Command;
    const options = command.opts<Record<string, string>>();
    const { towerId, url } = whereIs(options.tower ?? '');
    const folder = new ClientFolder(options.folder?.replace(/^~(?=\/)/, homedir()) ?? DEFAULT_FOLDER, towerId);
    const timeoutMs = 1_000 * wholeNumber('--timeout', options.timeout, 3_600);
    const { courier, close } = await courierTo(url, options.natsCa);
    try {
      const dialect = options.dialect as Dialect;
      const tower = new TowerClient(courier, { towerId, secretKey: folder.secretKey(), dialect, timeoutMs });
      const fields = await run({ tower, folder, options, argument: command.args[0] ?? '' }).catch((error) => {
        if (error instanceof TowerUnavailableError) throw new Error(`${url.href}: ${error.message}`, { cause: error });
        if (!(error instanceof BadReceiptError)) throw error;
        const file = folder.keep(`bad-answer-${Date.now()}`, error.answer);
        throw new Error(`${error.message}; what it answered is in ${file}`, { cause: error });
      });
      const told = { user_id: tower.userId, ...fields };
      if ('json' in options) printJson(told);
      else printFields(told);
    } finally {
      await close();
    }
  };
}

async function courierTo(url: URL, caFile: string | undefined) {
  if (url.protocol.startsWith('http')) return { courier: overHttp(url.href), close: async () => {} };
  const tls = caFile !== undefined || url.protocol === 'tls:';
  const options = { servers: url.host, ...asClient(), ...(tls && { tls: caFile === undefined ? {} : { caFile } }) };
  const nc = await connect({ ...options, timeout: 5_000, maxReconnectAttempts: 3 }).catch((cause: unknown) => {
    const code = cause instanceof NatsError ? cause.code : undefined;
    const isOut = code === ErrorCode.AuthorizationViolation || code === ErrorCode.AuthenticationTimeout;
    throw new Error(`${url.href} ${isOut ? 'lets nobody in: no node of the tower is up' : 'does not answer'}`, {
      cause,
    });
  });
  return { courier: overNats(nc), close: () => nc.close() };
}

/** As plugins have it: `ID@HOST:PORT` is HTTP. */
function whereIs(text: string): { readonly towerId: TowerId; readonly url: URL } {
  const [, id = '', address = ''] = /^([^@]*)@(.+)$/.exec(text) ?? [];
  const url = URL.parse(/^[a-z]+:\/\//.test(address) ? address : `http://${address}`);
  if (address === '' || !url || !PROTOCOLS.has(url.protocol)) throw notUnderstood(`--tower: ${text} is not ID@ADDRESS`);
  return { towerId: parseArgument(TowerId, id, '--tower'), url };
}

const PROTOCOLS = new Set(['http:', 'https:', 'nats:', 'tls:']);
/** A transaction that can be sent has 400,000 bytes at the most. */
const MOST_HEX = 1_000_000;
