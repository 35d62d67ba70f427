/** What the demo tells on the terminal: steps, facts, and how long each took since the beginning. */

const isTty = process.stdout.isTTY === true && !process.env.NO_COLOR;
const paint = (code: string, text: string) => (isTty ? `\u001b[${code}m${text}\u001b[0m` : text);
const began = Date.now();

const line = (mark: string, text: string) => {
  const seconds = ((Date.now() - began) / 1000).toFixed(1).padStart(5);
  process.stdout.write(`${paint('2', `${seconds}s`)}  ${mark} ${text}\n`);
};

/** A new chapter. */
export const chapter = (title: string): void => void process.stdout.write(`\n${paint('1', title)}\n`);
/** Something that is done, and was checked. */
export const done = (text: string): void => line(paint('32', 'ok'), text);
/** Something that happens now. */
export const now = (text: string): void => line(paint('36', '..'), text);
/** Something bad that happens on purpose. */
export const drama = (text: string): void => line(paint('31', '!!'), text);
/** A plain line. */
export const say = (text: string): void => void process.stdout.write(`${text}\n`);
