import type { NatsConnection, Service, ServiceMsg } from 'nats';
import type { Logger } from 'pino';
import { z } from 'zod';
import { type Height, InviteId, UserId } from '../../events/ids.js';
import { LogUnavailableError } from '../../events/log/errors.js';
import { InviteCreated, LimitsChanged } from '../../events/policy.js';
import type { Invite, PolicyState } from '../../projections/policy.js';
import { MOST_ALLOWED_AT_ONCE, policySubjects } from '../wire.js';

/**
 * The PolicyDesk: what the operator decides about who may register, over subjects that clients cannot reach.
 *
 *   operator --argus.operator.v1.create_invite, .revoke_invite, .allow, .disallow, .set_limits--> PolicyDesk --> Doorkeeper
 *            --argus.operator.v1.invites, .allowed-------------------------------->            --> what it has folded
 *
 * takes   a JSON object; the lists take `after` (a cursor) and `limit`, and give `next`
 * gives   JSON; an error as `{"error": "..."}` with the headers of the NATS services convention
 *
 * Any node answers, level with the log. Every request may be repeated: what is so already stays so.
 */
export class PolicyDesk {
  #service: Service | undefined;

  constructor(
    private readonly nc: NatsConnection,
    private readonly needs: PolicyDeskNeeds,
  ) {}

  async open(): Promise<void> {
    const { version } = this.needs;
    const service = await this.nc.services.add({
      name: 'argus-policy',
      version,
      description: 'Argus, for its operator: who may register',
      queue: 'argus-policy',
    });
    this.#service = service;
    for (const [name, subject] of Object.entries(policySubjects))
      service.addEndpoint(name, {
        subject,
        handler: (error, message) => {
          if (!error) void this.#serve(message, name as keyof typeof policySubjects);
        },
      });
  }

  async close(): Promise<void> {
    await this.#service?.stop();
  }

  async #serve(message: ServiceMsg, operation: keyof typeof policySubjects): Promise<void> {
    try {
      const answer = await this.#answer(operation, message);
      if (!this.nc.isClosed()) message.respond(JSON.stringify(answer));
    } catch (error) {
      if (this.nc.isClosed()) return;
      const { status, message: text } = this.#told(error, operation);
      message.respondError(status, text, Buffer.from(JSON.stringify({ error: text })));
    }
  }

  #told(error: unknown, operation: string): PolicyDeskError {
    if (error instanceof PolicyDeskError) return error;
    this.needs.log.error({ err: error, operation }, 'the operator is not answered');
    const isAway = error instanceof LogUnavailableError;
    const why = isAway ? `the log cannot be reached: ${error.message}` : 'the question could not be answered';
    return new PolicyDeskError(isAway ? 503 : 500, why);
  }

  async #answer(operation: keyof typeof policySubjects, message: ServiceMsg): Promise<object> {
    const { doorkeeper } = this.needs;
    switch (operation) {
      case 'createInvite':
        return this.#createInvite(read(CreateInvite, message));
      case 'revokeInvite':
        return this.#revokeInvite(read(OneInvite, message).invite_id);
      case 'allow':
      case 'disallow':
        return { changed: await doorkeeper.changeList(operation, read(Users, message).user_ids) };
      case 'setLimits':
        return { limits: await doorkeeper.changeLimits(read(SetLimits, message).limits) };
      case 'invites': {
        const question = read(List, message);
        await doorkeeper.level();
        const { items, next } = pageOf(doorkeeper.state.invites(), question);
        return { invites: items.map(([id, invite]) => this.#row(id, invite)), next };
      }
      case 'allowed': {
        const question = read(List, message);
        await doorkeeper.level();
        const { items, next } = pageOf(doorkeeper.state.allowList.state, question);
        return { user_ids: items, next };
      }
    }
  }

  async #createInvite(asked: z.infer<typeof CreateInvite>): Promise<object> {
    const { invite_id: id, uses, expiry_height: expiryHeight, expiry_time: expiryTime, note } = asked;
    const { kind } = await this.needs.doorkeeper.createInvite(id, { uses, expiryHeight, expiryTime, note });
    if (kind === 'other-invite') throw new PolicyDeskError(409, 'There is an invite of that id, with other terms');
    return this.#invite(id);
  }

  async #revokeInvite(id: InviteId): Promise<object> {
    await this.needs.doorkeeper.level();
    await this.needs.doorkeeper.revokeInvite(id);
    return this.#invite(id);
  }

  #invite(id: InviteId): object {
    const { state } = this.needs.doorkeeper.state.invite(id);
    if (state.status === 'none') throw new PolicyDeskError(404, 'There is no such invite');
    return this.#row(id, state);
  }

  #row(id: InviteId, invite: Invite): object {
    const { uses, users, expiryHeight, expiryTime, note } = invite;
    return {
      invite_id: id,
      status: this.#statusOf(invite),
      uses,
      used: users.size,
      expiry_height: expiryHeight,
      expiry_time: expiryTime,
      note,
    };
  }

  #statusOf({ status, uses, users, expiryHeight, expiryTime }: Invite): string {
    if (status === 'revoked') return status;
    if (users.size >= uses) return 'used-up';
    const height = this.needs.height();
    const isHigh = expiryHeight !== null && height !== undefined && height >= expiryHeight;
    return isHigh || (expiryTime !== null && Date.now() >= Date.parse(expiryTime)) ? 'expired' : status;
  }
}

/** A question that cannot be answered; `status` is an HTTP status. */
class PolicyDeskError extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

const { uses, expiryHeight, expiryTime, note } = InviteCreated.shape;
const OneInvite = z.object({ invite_id: InviteId });
const CreateInvite = OneInvite.extend({
  uses: uses.default(1),
  expiry_height: expiryHeight.default(null),
  expiry_time: expiryTime.default(null),
  note: note.default(null),
});
const Users = z.object({ user_ids: z.array(UserId).min(1).max(MOST_ALLOWED_AT_ONCE) });

const SetLimits = z.object({ limits: LimitsChanged.shape.limits });

const MOST = 1000;
const List = z.object({
  after: z
    .string()
    .regex(/^0\.\d{1,12}$/, 'after is a cursor that a page before gave as next')
    .default('0.0'),
  limit: z.number().int().min(1).max(MOST).default(MOST),
});

function pageOf<T>(all: Iterable<T>, { after, limit }: z.infer<typeof List>): { items: T[]; next: string | null } {
  const from = Number(after.split('.')[1]);
  const items: T[] = [];
  let index = 0;
  for (const item of all) {
    if (index++ < from) continue;
    if (items.length === limit) return { items, next: `0.${from + limit}` };
    items.push(item);
  }
  return { items, next: null };
}

/** Throws `PolicyDeskError`. */
function read<T>(shape: z.ZodType<T>, message: ServiceMsg): T {
  let asked: unknown = {};
  try {
    if (message.data.length > 0) asked = JSON.parse(message.string());
  } catch {
    throw new PolicyDeskError(400, 'the request is not JSON');
  }
  const parsed = shape.safeParse(asked);
  if (parsed.success) return parsed.data;
  throw new PolicyDeskError(400, z.prettifyError(parsed.error).replace(/\s*\n\s*/g, ' '));
}

export interface PolicyDeskNeeds {
  readonly version: string;
  readonly doorkeeper: DoorkeeperFace;
  /** The height of the log's tip, if there is one. */
  readonly height: () => Height | undefined;
  readonly log: Logger;
}

/** What the desk needs of the Doorkeeper. */
export interface DoorkeeperFace {
  readonly state: PolicyState;
  createInvite(id: InviteId, terms: Omit<InviteCreated, 'type'>): Promise<{ readonly kind: string }>;
  revokeInvite(id: InviteId): Promise<unknown>;
  changeList(kind: 'allow' | 'disallow', userIds: readonly UserId[]): Promise<number>;
  changeLimits(wanted: LimitsChanged['limits']): Promise<object>;
  /** Resolves when what other nodes decided is known here, too. */
  level(): Promise<void>;
}
