import { randomBytes } from 'node:crypto';
import { policySubjects } from '../../actors/wire.js';
import type { UserId } from '../../events/ids.js';
import { EventLog } from '../../events/log/log.js';
import { POLICY } from '../../events/log/streams.js';
import { type InviteToken, inviteIdOf, inviteToken, TOKEN_BYTES } from '../../events/policy.js';
import type { TestTower } from './tower.js';

/** What an operator decides about who may register, as `argus invite` and `argus allow` ask for it. */
export async function policyOf({ nats }: Pick<TestTower, 'nats'>) {
  const nc = await nats.connect('operator');
  const ask = async (what: keyof typeof policySubjects, question: object): Promise<Record<string, unknown>> => {
    const answer = await nc.request(policySubjects[what], JSON.stringify(question), { timeout: 10_000 });
    if (answer.headers?.get('Nats-Service-Error-Code')) throw new Error(answer.string());
    return answer.json();
  };
  return {
    ask,
    /** A new invite's token. */
    invite: async (terms: object = {}): Promise<InviteToken> => {
      const token = inviteToken(randomBytes(TOKEN_BYTES));
      await ask('createInvite', { invite_id: inviteIdOf(token), ...terms });
      return token;
    },
    revoke: (token: InviteToken) => ask('revokeInvite', { invite_id: inviteIdOf(token) }),
    allow: (...user_ids: UserId[]) => ask('allow', { user_ids }),
    disallow: (...user_ids: UserId[]) => ask('disallow', { user_ids }),
  };
}

/** The texts of all messages of `POLICY`. */
export async function policyMessages({ nats }: Pick<TestTower, 'nats'>): Promise<string[]> {
  const { jsm } = await EventLog.open(await nats.connect('node'));
  const { last_seq: last } = (await jsm.streams.info(POLICY)).state;
  const all = Array.from({ length: last }, (_, i) => jsm.streams.getMessage(POLICY, { seq: i + 1 }));
  return (await Promise.all(all)).map(({ data }) => Buffer.from(data).toString());
}
