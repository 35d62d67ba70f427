import type { TowerId } from '../../events/ids.js';
import type { Appointment } from '../../events/signing/appointment.js';
import { type Client, clients, conclude, concludeRegister, type Known, objectIn } from './teos-clients.js';
import { Asker, type Came, call } from './teos-requests.js';
import { until } from './until.js';

/**
 * A plugin with its retrier (teos-protocol D2 to D4): what it keeps of each appointment, and what it does by itself while a
 * tower does not take them. Its pauses are shorter than the real ones'.
 */
export class Plugin {
  readonly accepted = new Set<Appointment>();
  readonly pending = new Set<Appointment>();
  /** Filed as invalid, lost, or refused by a tower that is not trusted any more: none of it may ever happen. */
  readonly hurt: string[] = [];
  status: 'reachable' | 'temporarily unreachable' | 'subscription error' = 'reachable';
  registrations = 0;
  readonly asker: Asker;
  #known: Known | undefined;
  #isOver = false;
  #retrying: Promise<void> = Promise.resolve();

  constructor(
    private readonly client: Client,
    private readonly url: () => string,
    private readonly towerId: TowerId,
    secret: Uint8Array,
  ) {
    this.asker = new Asker(secret);
  }

  /** What `registertower` does; whether it worked. */
  async register(): Promise<boolean> {
    const came = await this.#call('/register', this.asker.register(this.client.dialect));
    const { userId } = this.asker;
    const learnt = concludeRegister(this.client, came, { towerId: this.towerId, userId, known: this.#known });
    if (learnt === 'subscription error') this.hurt.push(`register: ${describe(came)}`);
    if (typeof learnt === 'string') return false;
    this.#known = learnt;
    this.registrations++;
    return true;
  }

  /** What the hook does with a revoked commitment: offers it, or queues it while the tower is not reachable. */
  async revoked(appointment: Appointment): Promise<void> {
    this.pending.add(appointment);
    if (this.status === 'reachable') await this.#offer(appointment);
    if (this.status !== 'reachable') this.#retrying = this.#retrying.then(() => this.#retry());
  }

  /** Resolves when the retrier has nothing left to do. */
  settled(): Promise<void> {
    return this.#retrying;
  }

  /** What a restart without the tower does: nothing is offered any more. */
  giveUp(): void {
    this.#isOver = true;
  }

  async #retry(): Promise<void> {
    await until(`${this.client.name} is rid of its appointments`, async () => {
      if (this.#isOver) return true;
      if (this.status === 'subscription error') {
        // The python plugin waits for its user here; what a user can do is register, which it must not lose by.
        if (!(await this.register())) return false;
        this.status = 'temporarily unreachable';
      }
      for (const appointment of this.pending) {
        await this.#offer(appointment);
        if (this.pending.has(appointment)) return false;
      }
      this.status = 'reachable';
      return true;
    });
  }

  async #offer(appointment: Appointment): Promise<void> {
    const asked = this.asker.add(appointment);
    const came = await this.#call('/add_appointment', asked);
    const conclusion = conclude(this.client, came, { towerId: this.towerId, signature: asked.signature });
    switch (conclusion) {
      case 'accepted':
        this.accepted.add(appointment);
        this.pending.delete(appointment);
        this.#learn(came);
        break;
      case 'temporarily unreachable':
      case 'subscription error':
        this.status = conclusion;
        break;
      default:
        this.hurt.push(`${conclusion}: ${describe(came)}`);
        this.pending.delete(appointment);
    }
  }

  #learn(came: Came): void {
    const json = came.kind === 'answer' ? objectIn(came.body) : undefined;
    if (this.#known) this.#known = { ...this.#known, slots: Number(json?.available_slots) };
  }

  #call(path: string, value: object): Promise<Came> {
    return call(this.client.dialect, this.url(), path, value);
  }
}

/** A rust or a python plugin. */
export const newPlugin = (
  kind: 'rustPlugin' | 'pythonPlugin',
  { url, towerId, secret }: { readonly url: () => string; readonly towerId: TowerId; readonly secret: Uint8Array },
): Plugin => new Plugin(clients[kind], url, towerId, secret);

/** What came back, for an assertion's message. */
export const describe = (came: Came): string =>
  came.kind === 'answer' ? `${came.status} ${came.body}` : came.kind === 'closed' ? `closed (${came.why})` : came.kind;
