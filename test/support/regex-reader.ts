/** Regular expressions as they stand in a source, and what in them repeats without end. */

/** What may stand before a literal; after anything else a slash divides. */
const BEFORE = /(?:^|[=(,:;!&|?{}[\n>]|\breturn|\bof)\s*$/;

/** The literals in a TypeScript source, without their slashes and flags. Comments and texts are passed over. */
export function regexesIn(source: string): string[] {
  const found: string[] = [];
  for (let at = 0; at < source.length; ) {
    const two = source.slice(at, at + 2);
    const char = source[at] ?? '';
    if (two === '//') at = endOf(source, '\n', at);
    else if (two === '/*') at = endOf(source, '*/', at + 2);
    else if (char === "'" || char === '"') at = endOfText(source, char, at + 1);
    else if (char === '/' && BEFORE.test(source.slice(Math.max(0, at - 40), at))) {
      const end = endOfLiteral(source, at + 1);
      found.push(source.slice(at + 1, end));
      at = end + 1;
    } else at++;
  }
  return found;
}

const endOf = (source: string, what: string, from: number): number => {
  const at = source.indexOf(what, from);
  return at < 0 ? source.length : at + what.length;
};

function endOfText(source: string, quote: string, from: number): number {
  for (let at = from; at < source.length; at++) {
    if (source[at] === '\\') at++;
    else if (source[at] === quote || source[at] === '\n') return at + 1;
  }
  return source.length;
}

function endOfLiteral(source: string, from: number): number {
  let isInClass = false;
  for (let at = from; at < source.length; at++) {
    const char = source[at];
    if (char === '\\') at++;
    else if (char === '[') isInClass = true;
    else if (char === ']') isInClass = false;
    else if (char === '/' && !isInClass) return at;
  }
  return source.length;
}

/** A part of an expression that repeats without end. */
export interface Repetition {
  /** Where what repeats begins, and where the sign ends that says so. */
  readonly begin: number;
  readonly end: number;
  /** The set of characters, as an expression; of a group all. */
  readonly set: string;
  readonly isGroup: boolean;
  /** How many repetitions it is in, itself counted. */
  readonly depth: number;
  /** Of parts in different branches only one is ever used. */
  readonly branch: string;
}

interface Group {
  readonly begin: number;
  readonly first: number;
  branch: number;
}

export function repetitionsOf(regex: string): Repetition[] {
  const found: { begin: number; end: number; set: string; isGroup: boolean; branch: string }[] = [];
  const groups: Group[] = [{ begin: 0, first: 0, branch: 0 }];
  for (let at = 0; at < regex.length; ) {
    const char = regex[at] ?? '';
    if (char === '(') {
      groups.push({ begin: at, first: found.length, branch: 0 });
      at += /^\((?:\?(?:[:=!]|<[=!]|<\w+>))?/.exec(regex.slice(at))?.[0].length ?? 1;
      continue;
    }
    if (char === '|') {
      (groups.at(-1) as Group).branch++;
      at++;
      continue;
    }
    const isGroup = char === ')';
    const begin = isGroup ? ((groups.pop() as Group).begin ?? 0) : at;
    const end = isGroup ? at + 1 : endOfAtom(regex, at);
    const sign = /^(?:[*+]|\{\d+,\})\??/.exec(regex.slice(end))?.[0] ?? '';
    const set = isGroup ? '[\\s\\S]' : regex.slice(at, end);
    // Where alternatives are on the way, each is a branch of its own.
    const branch = groups
      .map((group) =>
        group.branch === 0 && !hasAlternatives(regex, group.begin) ? '' : `${group.begin}:${group.branch}`,
      )
      .join();
    if (sign !== '') found.push({ begin, end: end + sign.length, set, isGroup, branch });
    at =
      end + sign.length + (sign === '' ? (/^(?:\?|\{\d+(?:,\d+)?\})\??/.exec(regex.slice(end))?.[0].length ?? 0) : 0);
  }
  return found.map((one) => ({
    ...one,
    depth: found.filter((outer) => outer.isGroup && outer.begin < one.begin && one.end < outer.end).length + 1,
  }));
}

/** Whether the group that begins there, or all, has alternatives. */
function hasAlternatives(regex: string, begin: number): boolean {
  let depth = 0;
  for (let at = regex[begin] === '(' ? begin + 1 : begin; at < regex.length; at = endOfAtom(regex, at)) {
    if (regex[at] === '(') depth++;
    else if (regex[at] === ')' && depth-- === 0) return false;
    else if (regex[at] === '|' && depth === 0) return true;
  }
  return false;
}

/** Where a single character, an escape or a class ends. */
function endOfAtom(regex: string, at: number): number {
  if (regex[at] === '\\') return at + (regex[at + 1] === 'u' ? 6 : regex[at + 1] === 'x' ? 4 : 2);
  if (regex[at] !== '[') return at + 1;
  for (let end = at + 1; end < regex.length; end++) {
    if (regex[end] === '\\') end++;
    else if (regex[end] === ']' && end > at + 1) return end + 1;
  }
  return regex.length;
}
