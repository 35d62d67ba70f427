import type { ServerResponse } from 'node:http';
import type { Commit, Recorded } from '../../events/commit.js';
import { inWords } from '../event-words.js';
import { FRESH, HEADERS } from './headers.js';

/** Something that happened, as the page shows it. */
interface Line {
  readonly time: string;
  /** `TOWER_0:17`: its place on the log. */
  readonly place: string;
  readonly type: string;
  readonly words: string;
}

/**
 * The LiveFeed: tells browsers what happens, as it happens (server-sent events): `happened`, lines of the log, and `glance`, the
 * tower at a glance whenever that may have changed.
 *
 * Whatever is folded passes here, so nothing is done with it but to keep the last of it. Words are made for browsers that are
 * there, few times a second, and who does not take what it is told is let go.
 */
export class LiveFeed {
  readonly #last: { readonly stream: string; readonly commit: Recorded }[] = [];
  readonly #followers = new Set<ServerResponse>();
  /** How many of the last have not been told yet. */
  #untold = 0;
  #timer: NodeJS.Timeout | undefined;
  #told = 0;

  constructor(private readonly glance: () => Promise<object>) {}

  folded(stream: string, commit: Recorded): void {
    if (commit.aggregate.kind === 'scan' && commit.events.every(({ type }) => type === 'BlockScanned')) return;
    this.#last.push({ stream, commit });
    this.#untold = Math.min(this.#untold + 1, MOST_LINES);
    // Seldom, so that it costs nothing.
    if (this.#last.length >= 2 * MOST_LINES) this.#last.splice(0, this.#last.length - MOST_LINES);
  }

  /** False if there are too many. */
  follow(response: ServerResponse): boolean {
    if (this.#followers.size >= MOST_FOLLOWERS) return false;
    response.writeHead(200, { ...HEADERS, ...FRESH, 'Content-Type': 'text/event-stream' });
    response.on('close', () => this.#gone(response));
    this.#followers.add(response);
    response.write(spell('happened', { lines: this.#lines(MOST_LINES), from: 'start' }));
    this.#untold = this.#followers.size === 1 ? 0 : this.#untold;
    void this.#showGlance([response]);
    this.#timer ??= setInterval(() => this.#tell(), TELL_MS);
    return true;
  }

  stop(): void {
    clearInterval(this.#timer);
    for (const follower of this.#followers) follower.end();
    this.#followers.clear();
  }

  #gone(response: ServerResponse): void {
    this.#followers.delete(response);
    if (this.#followers.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #tell(): void {
    const now = performance.now();
    const isNews = this.#untold > 0;
    if (isNews) this.#say(this.#followers, spell('happened', { lines: this.#lines(this.#untold), from: 'now' }));
    this.#untold = 0;
    if (now - this.#told < (isNews ? NEWS_MS : QUIET_MS)) {
      // What was news and could not be shown now is shown with the next.
      if (isNews) this.#told = Math.min(this.#told, now - QUIET_MS + NEWS_MS);
      return;
    }
    this.#told = now;
    void this.#showGlance(this.#followers);
  }

  async #showGlance(to: Iterable<ServerResponse>): Promise<void> {
    const text = spell('glance', await this.glance().catch(() => ({})));
    this.#say(to, text);
  }

  #say(to: Iterable<ServerResponse>, text: string): void {
    for (const follower of to)
      if (follower.writableLength > MOST_UNREAD) follower.destroy();
      else if (!follower.writableEnded) follower.write(text);
  }

  /** The newest first. */
  #lines(count: number): Line[] {
    const lines = this.#last.slice(-count).flatMap(({ stream, commit }) =>
      commit.events.map((event) => ({
        time: commit.time,
        place: `${stream}:${commit.position}`,
        type: event.type,
        words: wordsOf(commit, event),
      })),
    );
    return lines.toReversed().slice(0, MOST_LINES);
  }
}

/** With whom it is about, where the words do not say it. */
function wordsOf({ aggregate }: Recorded, event: Commit['events'][number]): string {
  const words = inWords(event);
  if (aggregate.kind === 'user') return `user ${aggregate.id}: ${words}`;
  return aggregate.kind === 'tracker' ? `appointment ${aggregate.id}: ${words}` : words;
}

const spell = (event: string, data: object): string => `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;

const MOST_LINES = 60;
const MOST_FOLLOWERS = 16;
/** What a browser may leave unread, in bytes. */
const MOST_UNREAD = 1 << 20;
const TELL_MS = 250;
/** How often the glance is made anew while something happens, and while nothing does, in ms. */
const NEWS_MS = 1_000;
const QUIET_MS = 10_000;
