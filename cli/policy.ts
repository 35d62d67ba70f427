import { randomBytes } from 'node:crypto';
import { type Command, InvalidArgumentError } from 'commander';
import { z } from 'zod';
import { MOST_ALLOWED_AT_ONCE } from '../actors/wire.js';
import { Height, InviteId, UserId } from '../events/ids.js';
import { InviteCreated, inviteIdOf, inviteToken, TOKEN_BYTES } from '../events/policy.js';
import { parseArgument } from './arguments.js';
import { connectOperator, type Operator } from './operator.js';
import { printFields, printJson, Table } from './print.js';
import { addWhereabouts, configOf } from './settings.js';

/** `argus invite` and `argus allow`: who may register, where not everybody may (`registration.policy`). */

export function addPolicyCommands(program: Command): void {
  addInviteCommands(program.command('invite').description('invites, for a tower that takes new users by invite'));
  addAllowCommands(
    program.command('allow').description('the users who need no invite, or the only ones that are taken'),
  );
}

function addInviteCommands(invite: Command): void {
  command(invite, 'create')
    .description('make an invite; its token is shown this once, and kept nowhere')
    .option('--uses <n>', 'how many users it lets in', parser(Whole.pipe(InviteCreated.shape.uses)), 1)
    .option('--expires <time>', 'how long it is good for, such as 12h or 30d', parser(Duration))
    .option('--height <n>', 'the height from which on it is no good any more', parser(Whole.pipe(Height)))
    .option('--note <text>', 'what it is for; on the log for ever', parser(InviteCreated.shape.note))
    .addHelpText('after', '\nExample:\n  argus invite create --uses 5 --expires 30d --note "the meeting in May"')
    .action(
      asking(({ json, uses, expires, height = null, note = null }) => async (operator) => {
        const token = inviteToken(randomBytes(TOKEN_BYTES));
        const expiry = expires === undefined ? null : new Date(Date.now() + Number(expires)).toISOString();
        const terms = { invite_id: inviteIdOf(token), uses, expiry_time: expiry, expiry_height: height, note };
        const made = { token, ...(await operator.ask('createInvite', terms)) };
        if (json) printJson(made);
        else printFields(made);
      }),
    );
  command(invite, 'list')
    .description('all invites that were ever made')
    .addHelpText('after', '\nExample:\n  argus invite list')
    .action(
      asking(({ json }) => async (operator) => {
        const rows: Row[] = [];
        for await (const row of operator.list('invites', 'invites')) {
          if (json) printJson(row);
          else rows.push(Row.parse(row));
        }
        if (!json) new Table(INVITE_COLUMNS).print(rows);
      }),
    );
  command(invite, 'revoke <id>')
    .description('have an invite let in nobody any more; whoever has a subscription keeps it')
    .addHelpText('after', '\nExample:\n  argus invite revoke 6a3f...')
    .action(
      asking(({ json }, [id]) => {
        const asked = { invite_id: parseArgument(InviteId, id) };
        return async (operator) => {
          const row = await operator.ask('revokeInvite', asked);
          if (json) printJson(row);
          else printFields(row);
        };
      }),
    );
}

function addAllowCommands(allow: Command): void {
  for (const [name, what, description] of [
    ['add', 'allow', 'put users on the list'],
    ['remove', 'disallow', 'take users off the list; whoever has a subscription keeps it until it ends'],
  ] as const)
    command(allow, `${name} <user-id...>`)
      .description(description)
      .addHelpText('after', `\nExample:\n  argus allow ${name} 02e5...`)
      .action(
        asking(({ json }, given) => {
          const ids = given.map((id) => parseArgument(UserId, id));
          return async (operator) => {
            let changed = 0;
            for (let i = 0; i < ids.length; i += MOST_ALLOWED_AT_ONCE) {
              const answer = await operator.ask(what, { user_ids: ids.slice(i, i + MOST_ALLOWED_AT_ONCE) });
              changed += z.number().parse(answer.changed);
            }
            if (json) printJson({ changed });
            else printFields({ changed });
          };
        }),
      );
  command(allow, 'list')
    .description('the users on the list')
    .addHelpText('after', '\nExample:\n  argus allow list')
    .action(
      asking(({ json }) => async (operator) => {
        for await (const user of operator.list('allowed', 'user_ids')) {
          if (json) printJson(user);
          else process.stdout.write(`${user}\n`);
        }
      }),
    );
}

const INVITE_COLUMNS = {
  INVITE: 'invite_id',
  STATUS: 'status',
  USES: 'uses',
  USED: 'used',
  'UNTIL HEIGHT': 'expiry_height',
  UNTIL: 'expiry_time',
  NOTE: 'note',
};

const Row = z.record(z.string(), z.unknown());
type Row = z.infer<typeof Row>;

const command = (parent: Command, usage: string): Command =>
  addWhereabouts(parent.command(usage)).option('--json', 'one line of JSON for each answer');

type Options = Readonly<Record<string, unknown>> & { readonly json?: boolean };
type Prepare = (options: Options, given: readonly string[]) => (operator: Operator) => Promise<void>;

/** What a command does that asks a running tower. What is wrong with its arguments is found out before. */
const asking =
  (prepare: Prepare) =>
  async (...all: unknown[]): Promise<void> => {
    const command = all.at(-1) as Command;
    const act = prepare(command.opts<Options>(), command.args);
    const operator = await connectOperator(configOf(command));
    try {
      await act(operator);
    } finally {
      await operator.close();
    }
  };

/** A flag's value, which commander complains of by the flag's name. */
const parser =
  <T>(schema: z.ZodType<T>) =>
  (text: string): T => {
    const { data, error } = schema.safeParse(text);
    if (data !== undefined) return data;
    throw new InvalidArgumentError(error?.issues[0]?.message ?? 'not well formed');
  };

const Whole = z
  .string()
  .regex(/^\d{1,10}$/, 'a whole number is expected')
  .transform(Number);

const MS = { m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** `30m`, `12h`, `30d`, in ms. */
const Duration = z
  .string()
  .regex(/^[1-9]\d{0,4}[mhd]$/, 'a time is given as 30m, 12h or 30d')
  .transform((text) => Number(text.slice(0, -1)) * MS[text.slice(-1) as keyof typeof MS]);
