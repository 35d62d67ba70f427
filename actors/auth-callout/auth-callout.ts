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
 * node, as the operator or as an auditor is in the server's configuration, and never asked about. Every node answers, and the
 * server takes the first answer: a node that is frozen keeps nobody out.
 */
export class AuthCallout {
  #subscription: Subscription | undefined;
  #left = BURST;
  #filledAt = performance.now();
  #isFlooded = false;

  constructor(
    private readonly nc: NatsConnection,
    private readonly options: { readonly issuer: Issuer; readonly log: Logger },
  ) {}

  open(): void {
    this.#subscription = this.nc.subscribe(SUBJECT, {
      callback: (error, message) => {
        if (error) this.options.log.error(why(error), 'clients cannot be signed in');
        else this.#answer(message);
      },
    });
  }

  close(): void {
    this.#subscription?.unsubscribe();
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
/** As many as may be connected, who all come back at once after a server's restart; and then so many a second. */
const BURST = 1000;
const EACH_SECOND = 200;
