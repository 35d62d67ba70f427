import type { Msg, NatsConnection, Subscription } from 'nats';
import type { Logger } from 'pino';
import { why } from '../runtime/why.js';
import type { Issuer } from './issuer.js';
import { answerSignIn, readSignIn } from './sign-in.js';

/**
 * The AuthCallout: tells the NATS server what a client may do, when it connects.
 *
 *   client --CONNECT nkey, signature--> nats-server --$SYS.REQ.USER.AUTH--> every node's AuthCallout
 *          <------ +OK or -ERR -------             <-- a user JWT, or no --
 *
 * takes   the server's question: which nkey a client names, and whether it signed the server's nonce with it
 * gives   rights to ask the tower (`argus.v1.*`) and to listen at the inbox of that nkey, and at nobody else's
 *
 * A client makes its nkey itself, so it needs no secret of the tower, and no other client can read its answers. Who signs in as a
 * node, as the operator or as an auditor is in the server's configuration, and never asked about.
 *
 * One node answers at once, and one, perhaps another, a second later: the first may be frozen. They are never more, since
 * nats-server (2.15.1) has room for one answer beside the one that it waits for. With a third it stopped reading, for ever,
 * from whoever had sent that: a node, whose every answer to clients was lost from then on, or another server.
 */
export class AuthCallout {
  #subscriptions: readonly Subscription[] = [];
  /** Questions of the last second, by where their answers go. */
  readonly #asked = new Map<string, { readonly timer: NodeJS.Timeout; isFirst: boolean }>();
  #left = BURST;
  #filledAt = performance.now();
  #isFlooded = false;

  constructor(
    private readonly nc: NatsConnection,
    private readonly options: { readonly issuer: Issuer; readonly log: Logger },
  ) {}

  open(): void {
    this.#subscriptions = [
      this.#listen('first', (message) => {
        this.#asking(message).isFirst = true;
        this.#answer(message);
      }),
      this.#listen('second', (message) => void this.#asking(message)),
    ];
  }

  close(): void {
    for (const subscription of this.#subscriptions) subscription.unsubscribe();
    for (const { timer } of this.#asked.values()) clearTimeout(timer);
    this.#asked.clear();
  }

  #listen(queue: string, hear: (message: Msg) => void): Subscription {
    const callback = (error: Error | null, message: Msg) => {
      if (error) this.options.log.error(why(error), 'clients cannot be signed in');
      else hear(message);
    };
    return this.nc.subscribe(SUBJECT, { queue, callback });
  }

  /** A question, as this node is the first to answer it, or the second, or both: then the first answer was enough. */
  #asking(message: Msg) {
    const reply = message.reply ?? '';
    const known = this.#asked.get(reply);
    if (known) return known;
    const late = () => {
      this.#asked.delete(reply);
      if (!asked.isFirst) this.#answer(message);
    };
    const asked = { timer: setTimeout(late, SECOND_MS), isFirst: false };
    this.#asked.set(reply, asked);
    return asked;
  }

  #answer(message: Msg): void {
    const { issuer, log } = this.options;
    if (!this.#mayAnswer()) return;
    const signIn = readSignIn(message.string());
    if (!signIn) {
      log.error('a question of the NATS server about a client was not understood');
      return;
    }
    const { jwt, why } = answerSignIn(signIn, issuer);
    if (why !== undefined) log.debug({ why }, 'a client was not let in');
    message.respond(Buffer.from(jwt));
  }

  /** A node has blocks to watch: of a flood of connections it answers some, and the others are told no by the server in time. */
  #mayAnswer(): boolean {
    const now = performance.now();
    this.#left = Math.min(BURST, this.#left + ((now - this.#filledAt) * EACH_SECOND) / 1000);
    this.#filledAt = now;
    const isFlooded = this.#left < 1;
    if (isFlooded && !this.#isFlooded) this.options.log.warn('more clients sign in than are answered');
    // Said once for each flood: it is over when half as many could come at once as at the beginning.
    if (isFlooded || this.#left > BURST / 2) this.#isFlooded = isFlooded;
    if (isFlooded) return false;
    this.#left -= 1;
    return true;
  }
}

const SUBJECT = '$SYS.REQ.USER.AUTH';
/** How long the second waits for the first, in ms: the client gets its answer before the server gives it up (after 3 s). */
const SECOND_MS = 1_000;
/** As many as may be connected, who all come back at once after a server's restart; and then so many a second. */
const BURST = 1000;
const EACH_SECOND = 200;
