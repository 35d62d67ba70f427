import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';

/** The person broke off: nothing of what was answered is to have an effect. */
export class BrokenOff extends Error {
  readonly code = 'broken-off';
}

/** Questions to the person at the terminal, one line each. */
export interface Terminal {
  /** Asks; what is in brackets is what Enter alone says. Rejects with `BrokenOff` at Ctrl-C and at the end of input. */
  ask(question: string, fallback: string): Promise<string>;
  /** The same without a fallback, and without showing what is typed. */
  askSecret(question: string): Promise<string>;
  say(line: string): void;
  close(): void;
}

/** The terminal that stdin and stdout are. */
export function openTerminal(): Terminal {
  let isSecret = false;
  const output = new Writable({
    write(chunk, _encoding, done) {
      if (isSecret) done();
      else process.stdout.write(chunk, () => done());
    },
  });
  const lines = createInterface({ input: process.stdin, output, terminal: true, historySize: 0 });
  // What is typed ahead waits here.
  const typed: string[] = [];
  let waiting: { resolve: (line: string) => void; reject: (error: Error) => void } | undefined;
  let isOver = false;
  const breakOff = () => {
    isOver = true;
    waiting?.reject(new BrokenOff('broken off: nothing was written'));
    waiting = undefined;
  };
  lines.on('SIGINT', breakOff).on('close', breakOff);
  lines.on('line', (line) => {
    if (waiting) waiting.resolve(line);
    else typed.push(line);
    waiting = undefined;
  });
  const next = (): Promise<string> =>
    new Promise((resolve, reject) => {
      const ahead = typed.shift();
      if (ahead !== undefined) return resolve(ahead);
      waiting = { resolve, reject };
      if (isOver) breakOff();
    });
  return {
    async ask(question, fallback) {
      lines.setPrompt(`${question}${fallback === '' ? '' : ` [${fallback}]`}: `);
      lines.prompt();
      return (await next()).trim() || fallback;
    },
    async askSecret(question) {
      process.stdout.write(`${question}: `);
      lines.setPrompt('');
      isSecret = true;
      try {
        return await next();
      } finally {
        isSecret = false;
        process.stdout.write('\n');
      }
    },
    say: (line) => void process.stdout.write(`${line}\n`),
    close: () => lines.close(),
  };
}
