/** How far long work is, on stderr where that is a terminal: a share, a rate and an estimate, on one line that is written anew. */
export class Progress {
  readonly #began = performance.now();
  #done = 0;
  #shown = 0;
  #total = 0;

  /** `what` is counted: messages, say. */
  constructor(
    private readonly what: string,
    private readonly out: Pick<NodeJS.WriteStream, 'isTTY' | 'write'> = process.stderr,
    private readonly now: () => number = () => performance.now(),
  ) {}

  /** So many more there are to do in all. */
  expect(count: number): void {
    this.#total += count;
  }

  /** So many more are done. */
  add(count: number): void {
    this.#done += count;
    if (!this.out.isTTY || this.now() - this.#shown < REDRAW_MS) return;
    this.#shown = this.now();
    this.out.write(`\r${this.text()}\u001b[K`);
  }

  /** Takes the line away. */
  end(): void {
    if (this.out.isTTY && this.#shown > 0) this.out.write('\r\u001b[K');
    this.#shown = 0;
  }

  /** `41%  1,234,567 of 3,000,000 messages  81,000/s  22 s left` */
  text(): string {
    const seconds = Math.max(0.001, (this.now() - this.#began) / 1000);
    const rate = this.#done / seconds;
    const share = this.#total === 0 ? 100 : Math.floor((100 * this.#done) / this.#total);
    const left = rate > 0 ? `  ${duration((this.#total - this.#done) / rate)} left` : '';
    const counts = `${number(this.#done)} of ${number(this.#total)} ${this.what}`;
    return `${share}%  ${counts}  ${number(rate)}/s${left}`;
  }
}

const REDRAW_MS = 200;
const number = (value: number): string => Math.round(value).toLocaleString('en');

/** `22 s`, `3 min 05 s`, `2 h 10 min` */
function duration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${minutes} min ${String(whole % 60).padStart(2, '0')} s`;
  return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, '0')} min`;
}
