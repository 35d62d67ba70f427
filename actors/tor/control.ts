import { connect, type Socket } from 'node:net';

/**
 * A line to tor's control port: questions of one line, one at a time, and their answers (control-spec, section 2.3).
 *
 *   ask('PROTOCOLINFO 1') -> ['PROTOCOLINFO 1', 'AUTH METHODS=...', 'VERSION Tor="0.4.9.15"', 'OK']
 */
export class TorControl {
  #received = '';
  #lines: string[] = [];
  /** Of those. */
  #size = 0;
  #asked: { readonly answer: (lines: string[]) => void; readonly fail: (error: TorError) => void } | undefined;
  /** Resolves when the line is gone. */
  readonly closed: Promise<void>;

  /** Rejects with `TorError`, `away`, if nobody is there, and `refused` if this user may not go there. */
  static connect(place: ControlPlace, patienceMs = PATIENCE_MS): Promise<TorControl> {
    return new Promise((resolve, reject) => {
      const socket = connect(place);
      const fail = (why: string, cause?: Error) => {
        socket.destroy();
        const isForbidden = cause !== undefined && 'code' in cause && cause.code === 'EACCES';
        const what = isForbidden ? 'this user may not talk to tor' : 'no tor answers';
        reject(new TorError(isForbidden ? 'refused' : 'away', `${what} at ${placeText(place)}: ${why}`, { cause }));
      };
      socket.setTimeout(patienceMs, () => fail('it takes too long'));
      socket.once('error', (error) => fail(error.message, error));
      socket.once('connect', () => {
        socket.removeAllListeners('error').removeAllListeners('timeout').setTimeout(0);
        resolve(new TorControl(socket, placeText(place), patienceMs));
      });
    });
  }

  private constructor(
    private readonly socket: Socket,
    private readonly place: string,
    private readonly patienceMs: number,
  ) {
    this.closed = new Promise((resolve) => {
      socket.once('close', () => {
        this.#fail(new TorError('away', `tor at ${place} hung up`));
        resolve();
      });
    });
    socket.on('error', () => {}); // it is closed then
    socket.setEncoding('latin1').on('data', (text: unknown) => this.#take(String(text)));
  }

  /** The lines of the answer, without their numbers. Rejects with `TorError`: `odd`, with what tor says, where it says no. */
  ask(question: string): Promise<string[]> {
    if (this.#asked) throw new TypeError('one question at a time');
    if (/[\r\n\0]/.test(question)) throw new TypeError('a question is one line');
    if (this.socket.destroyed) return Promise.reject(new TorError('away', `tor at ${this.place} hung up`));
    return new Promise((resolve, reject) => {
      const late = setTimeout(
        () => this.#hangUp(new TorError('away', `tor at ${this.place} is silent`)),
        this.patienceMs,
      );
      this.#asked = {
        answer: (lines) => {
          clearTimeout(late);
          resolve(lines);
        },
        fail: (error) => {
          clearTimeout(late);
          reject(error);
        },
      };
      this.socket.write(`${question}\r\n`);
    });
  }

  /** Ends the line; what was asked for on it ends with it. */
  close(): void {
    this.socket.destroy();
  }

  #take(text: string): void {
    this.#received += text;
    if (this.#received.length + this.#size > MOST_CHARACTERS) this.#hangUp(this.#odd('endless lines'));
    for (let end = this.#received.indexOf('\n'); end >= 0; end = this.#received.indexOf('\n')) {
      if (this.socket.destroyed) return;
      const line = this.#received.slice(0, end).replace(/\r$/, '');
      this.#received = this.#received.slice(end + 1);
      this.#takeLine(line);
    }
  }

  #takeLine(line: string): void {
    const [, code = '', mark, text = ''] = /^(\d{3})([ -])(.*)$/.exec(line) ?? [];
    // Of what begins with a plus, or without a number, nothing was asked.
    if (mark === undefined) this.#hangUp(this.#odd(JSON.stringify(line.slice(0, 100))));
    // A 6: something happened, which we did not ask to be told.
    if (mark === undefined || code.startsWith('6')) return;
    this.#lines.push(text);
    this.#size += line.length;
    if (mark === '-') return;
    const lines = this.#lines.splice(0);
    this.#size = 0;
    if (code.startsWith('2')) {
      const { answer } = this.#asked ?? {};
      this.#asked = undefined;
      answer?.(lines);
    } else {
      const reason = code === '515' || code === '514' ? 'refused' : 'odd';
      this.#fail(new TorError(reason, `tor at ${this.place} says: ${shown(lines.join(' '))}`));
    }
  }

  readonly #odd = (what: string) => new TorError('odd', `what answers at ${this.place} is not tor: it says ${what}`);

  #hangUp(error: TorError): void {
    this.#fail(error);
    this.socket.destroy();
  }

  #fail(error: TorError): void {
    const { fail } = this.#asked ?? {};
    this.#asked = undefined;
    fail?.(error);
  }
}

/** Tor is not there, will not have us, or is not tor. */
export class TorError extends Error {
  readonly code = 'tor';
  constructor(
    /** `away`: nobody answers; `refused`: it does not let us in; `odd`: it says no, or what tor does not say. */
    readonly reason: 'away' | 'refused' | 'odd',
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** Where a control port is. */
export type ControlPlace = { readonly host: string; readonly port: number } | { readonly path: string };

export const placeText = (place: ControlPlace): string => {
  if ('path' in place) return place.path;
  return `${place.host.includes(':') ? `[${place.host}]` : place.host}:${place.port}`;
};

/** How long tor may take for an answer, in ms. */
const PATIENCE_MS = 10_000;
/** No answer that we ask for is longer. */
const MOST_CHARACTERS = 65_536;

const shown = (text: string): string => text.replace(/[^\x20-\x7e]/g, ' ').slice(0, 300);
