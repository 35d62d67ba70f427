import type { Command } from 'commander';
import type { Config } from '../../actors/config.js';
import { printJson } from '../print.js';
import { addNodeFlags, sourcesOf } from '../settings.js';
import { examineBitcoind } from './bitcoind.js';
import { examineConfig } from './configuration.js';
import { about, type Finding, type FindingState, said } from './finding.js';
import { examineMachine } from './machine.js';
import { examineNats } from './nats.js';
import { examineDoors } from './ports.js';
import { examineSecrets } from './secrets.js';
import { examineTor } from './tor.js';

/** `argus doctor`: looks at everything that a start needs, and changes nothing. */
export function addDoctorCommand(program: Command): void {
  addNodeFlags(program.command('doctor'))
    .description('check everything that a start of a node needs, and say what to change; takes the flags of `up`')
    .option('--json', 'one line of JSON')
    .addHelpText(
      'after',
      '\nExit status: 0 if nothing is in the way of a start, 1 if something is.\n\nExample:\n  argus doctor --network mainnet --bitcoind http://127.0.0.1:8332 --zmq tcp://127.0.0.1:28332',
    )
    .action(async (_options, command: Command) => {
      const { config, findings } = examineConfig(sourcesOf(command));
      const all = [...findings, ...(config ? await examineAll(config) : [])];
      const ok = !all.some(({ state }) => state === 'problem');
      if (command.opts().json === true) printJson({ ok, findings: all });
      else print(all);
      process.exitCode = ok ? 0 : 1;
    });
}

/** Everything at once; each part has an end of its own. */
async function examineAll(config: Config): Promise<Finding[]> {
  const parts = {
    keys: examineSecrets,
    machine: examineMachine,
    bitcoind: examineBitcoind,
    nats: examineNats,
    doors: examineDoors,
    tor: examineTor,
  };
  const findings = await Promise.all(
    Object.entries(parts).map(async ([area, examine]) =>
      examine(config).catch((error) => [about(area).unknown(`this check broke off: ${said(error)}`)]),
    ),
  );
  return findings.flat();
}

const LABEL: Readonly<Record<FindingState, string>> = {
  ok: 'ok',
  warning: 'WARNING',
  problem: 'PROBLEM',
  unknown: '?',
};

function print(findings: readonly Finding[]): void {
  const width = Math.max(...findings.map(({ area }) => area.length));
  for (const { state, area, what, cure } of findings) {
    write(`${LABEL[state].padEnd(9)}${area.padEnd(width + 2)}${what}`);
    if (cure !== null) write(`${' '.repeat(width + 11)}-> ${cure}`);
  }
  const count = (state: FindingState) => findings.filter((finding) => finding.state === state).length;
  const [problems, warnings] = [count('problem'), count('warning')];
  write('');
  write(
    problems > 0
      ? `${problems} problem${problems === 1 ? '' : 's'} to be mended before a node is started, ${warnings} warning${warnings === 1 ? '' : 's'}`
      : `nothing is in the way of a start; ${warnings} warning${warnings === 1 ? '' : 's'}`,
  );
}

/** Some of it is what others said, who may be anybody. */
const write = (line: string): void => void process.stdout.write(`${line.replace(/[\p{Cc}\p{Cf}]/gu, ' ')}\n`);
