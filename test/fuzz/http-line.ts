import { connect, type Socket } from 'node:net';

/** What came back over a connection that bad input was sent on. */
export interface Heard {
  /** The status and body of each whole answer, in order. */
  readonly answers: readonly { readonly status: number; readonly body: string }[];
  /** What came after those. */
  readonly rest: string;
  readonly refused: boolean;
}

/** Sends bytes on a connection, says that this was all, and hears what comes until the other side has ended it, too. */
export function sendAll(url: string, bytes: Uint8Array): Promise<Heard> {
  const { socket, heard } = open(url);
  socket.end(bytes);
  return heard;
}

/** A connection, and what has come when it is at its end. Rejects if that takes a minute. */
export function open(url: string): { readonly socket: Socket; readonly heard: Promise<Heard> } {
  const { hostname, port } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port), noDelay: true, allowHalfOpen: true });
  const heard = new Promise<Heard>((resolve, reject) => {
    const chunks: Buffer[] = [];
    let refused = false;
    const timer = setTimeout(() => {
      reject(new Error(`a connection did not end; heard: ${Buffer.concat(chunks).toString('latin1').slice(0, 500)}`));
      socket.destroy();
    }, 60_000);
    socket.on('data', (chunk) => chunks.push(chunk));
    socket.on('end', () => socket.destroySoon());
    socket.on('error', (error: Error & { code?: string }) => {
      refused ||= error.code === 'ECONNREFUSED';
    });
    socket.on('close', () => {
      clearTimeout(timer);
      resolve({ ...answersIn(Buffer.concat(chunks)), refused });
    });
  });
  return { socket, heard };
}

/** The whole answers that bytes begin with. */
export function answersIn(bytes: Buffer): Pick<Heard, 'answers' | 'rest'> {
  const answers: { status: number; body: string }[] = [];
  for (let at = 0; ; ) {
    const end = bytes.indexOf('\r\n\r\n', at);
    const head = end < 0 ? '' : bytes.toString('latin1', at, end);
    const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(head)?.[1]);
    const length = status === 100 ? 0 : Number(/^content-length: (\d+)$/im.exec(head)?.[1]);
    const next = end + 4 + length;
    if (!(next <= bytes.length)) return { answers, rest: bytes.toString('latin1', at) };
    if (status !== 100) answers.push({ status, body: bytes.toString('utf8', end + 4, next) });
    at = next;
  }
}
