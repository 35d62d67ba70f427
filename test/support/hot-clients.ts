import { connect } from 'node:net';
import { parentPort, workerData } from 'node:worker_threads';

/**
 * A thread of clients that ask one thing after another without a pause, each on a connection of its own; told anything, it says how often
 * what became of them and ends. A thread, since clients on the tower's would never connect while that closes its door.
 */

const { port, clients }: { readonly port: number; readonly clients: number } = workerData;
const seen: Record<string, number> = {};
let isOver = false;

function ask(): Promise<string> {
  const socket = connect({ host: '127.0.0.1', port, noDelay: true });
  socket.write('GET /ping HTTP/1.1\r\nhost: tower\r\n\r\n');
  return new Promise<string>((resolve) => {
    socket.once('data', () => resolve('answered'));
    socket.once('error', (error: Error & { code?: string }) => resolve(error.code ?? error.message));
    socket.once('close', () => resolve('closed'));
  }).finally(() => socket.destroy());
}

async function client(): Promise<void> {
  while (!isOver) {
    const what = await ask();
    seen[what] = (seen[what] ?? 0) + 1;
  }
}

parentPort?.once('message', () => (isOver = true));
await Promise.all(Array.from({ length: clients }, client));
parentPort?.postMessage(seen);
