import { type ChildProcessByStdio, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { type Cleanup, tempDir } from '../support/temp-dir.js';
import { ipCommand } from './own-network.js';
import type { Place } from './place.js';

/** Is all that keeps a namespace there. It ends with its pipe: when we do, in whatever way. */
type Holder = ChildProcessByStdio<Writable, Readable, null>;

interface Machine extends Place {
  readonly holder: Holder;
}

/** The hardware address of nobody. */
const NOBODY = '02:00:00:00:00:00';

const addressOf = (number: number): string => `10.77.0.${number}`;

/**
 * Machines on one wire, each a network namespace. The wire and this process are in the one that `ownNetwork` has made.
 *
 *   this process: hub, 10.77.0.1 --+-- eth0, 10.77.0.2: a machine, with the programs that run there
 *                                  +-- eth0, 10.77.0.3: another
 *
 * A cut is as it is in life: what is sent does not arrive, and nobody is told. For that, the sender is made to believe that
 * the other has the hardware address of nobody. So each direction between two machines can be cut by itself.
 */
export class Network {
  readonly #machines = new Map<string, Machine>();
  readonly #folder: string;
  /** Of the machines that there are, and of this process. */
  #addresses = 1;

  constructor(t: Cleanup) {
    this.#folder = tempDir(t);
    t.after(() => {
      for (const { holder } of this.#machines.values()) holder.stdin.end();
    });
    ip(`link add name hub type bridge
      link set dev hub up
      address add ${addressOf(1)}/24 dev hub`);
  }

  /** The machine of that name; it is made when it is first asked for. */
  async machine(name: string): Promise<Place> {
    return this.#machines.get(name) ?? this.#make(name, addressOf(++this.#addresses));
  }

  /** From now on nothing arrives at the machine of that name that one of those sends; what it sends does. */
  deafen(name: string, those: readonly string[]): void {
    const { host } = this.#find(name);
    for (const from of those)
      ip(`neighbour replace ${host} lladdr ${NOBODY} dev eth0 nud permanent`, this.#find(from).holder);
  }

  /** From now on nothing arrives on one side that the other sends. */
  part(side: readonly string[], other: readonly string[]): void {
    for (const name of side) this.deafen(name, other);
    for (const name of other) this.deafen(name, side);
  }

  /** From now on everything arrives. */
  heal(): void {
    for (const { holder } of this.#machines.values()) ip('neighbour flush dev eth0 nud permanent', holder);
  }

  #find(name: string): Machine {
    const found = this.#machines.get(name);
    if (!found) throw new TypeError(`there is no machine ${name}`);
    return found;
  }

  async #make(name: string, host: string): Promise<Machine> {
    const holder = spawn('unshare', ['--net', 'cat'], { stdio: ['pipe', 'pipe', 'inherit'] });
    const machine = { host, program: (path: string) => this.#launcher(name, holder, path), holder };
    this.#machines.set(name, machine);
    holder.stdin.write('\n');
    await once(holder.stdout, 'data'); // what comes back comes from inside
    ip(`link add name ${name} type veth peer name eth0 netns ${holder.pid}
      link set dev ${name} master hub up`);
    ip(
      `link set dev lo up
      address add ${host}/24 dev eth0
      link set dev eth0 up`,
      holder,
    );
    return machine;
  }

  /** A script that becomes a program on a machine, so that a signal to it is a signal to the program. */
  #launcher(name: string, holder: Holder, path: string): string {
    const file = join(this.#folder, `${basename(path)} on ${name}`);
    writeFileSync(file, `#!/bin/sh\nexec nsenter ${namespaceOf(holder)} -- '${path}' "$@"\n`, { mode: 0o755 });
    return file;
  }
}

const namespaceOf = ({ pid }: Holder): string => `--net=/proc/${pid}/ns/net`;

/** Has `ip` do what the lines say, here or on a machine. */
function ip(lines: string, holder?: Holder): void {
  const command = [ipCommand(), '-batch', '-'];
  const [program = '', ...args] = holder ? ['nsenter', namespaceOf(holder), '--', ...command] : command;
  const { status, stderr, error } = spawnSync(program, args, { input: `${lines}\n`, encoding: 'utf8' });
  if (status !== 0) throw new Error(`ip: ${stderr}`, { cause: error });
}
