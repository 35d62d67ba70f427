/** What people read: tables and fields. Machines are given JSON. */

/** One line of JSON. */
export const printJson = (value: unknown): void => print(JSON.stringify(value));

/** Fields of an object, aligned, one a line. */
export function printFields(fields: Readonly<Record<string, unknown>>): void {
  const width = Math.max(...Object.keys(fields).map(({ length }) => length));
  for (const [name, value] of Object.entries(fields)) print(`${label(name).padEnd(width + 2)}${cell(value)}`);
}

/** Rows under headings, as wide as the widest cell of the first page. */
export class Table {
  #widths: number[] | undefined;

  /** `columns`: what is read from each row, by heading. */
  constructor(private readonly columns: Readonly<Record<string, string>>) {}

  print(rows: readonly Readonly<Record<string, unknown>>[]): void {
    const keys = Object.values(this.columns);
    const cells = rows.map((row) => keys.map((key) => cell(row[key])));
    if (!this.#widths) {
      const headings = Object.keys(this.columns);
      this.#widths = headings.map((heading, i) => Math.max(heading.length, ...cells.map((row) => row[i]?.length ?? 0)));
      this.#line(headings);
    }
    for (const row of cells) this.#line(row);
  }

  #line(cells: readonly string[]): void {
    print(
      cells
        .map((text, i) => text.padEnd(this.#widths?.[i] ?? 0))
        .join('  ')
        .trimEnd(),
    );
  }
}

const label = (name: string) => name.replaceAll('_', ' ');

function cell(value: unknown): string {
  if (value === null || value === undefined) return '-';
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

const print = (line: string): void => void process.stdout.write(`${line}\n`);
