import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Command } from 'commander';
import { addAlertCommand } from '../../cli/alert/alert.js';
import { addArchiveCommands } from '../../cli/archive.js';
import { addAuditCommands } from '../../cli/audit/audit.js';
import { addClientCommands } from '../../cli/client.js';
import { addDescribeCommand } from '../../cli/describe/describe.js';
import { addDoctorCommand } from '../../cli/doctor/doctor.js';
import { addDutyCommands } from '../../cli/duty.js';
import { addFeedCommand } from '../../cli/feed/feed.js';
import { addKeyCommands } from '../../cli/key.js';
import { addLimitsCommand } from '../../cli/limits.js';
import { addLogCommands } from '../../cli/log-commands.js';
import { addPolicyCommands } from '../../cli/policy.js';
import { addQuestions } from '../../cli/questions.js';
import { addUpCommand } from '../../cli/up-command.js';
import { addWebCommand } from '../../cli/web.js';
import { argus } from '../support/argus.js';

const add = [
  ...[addUpCommand, addDoctorCommand, addLogCommands, addKeyCommands, addPolicyCommands, addClientCommands],
  ...[addAuditCommands, addArchiveCommands, addAlertCommand, addDescribeCommand, addQuestions, addLimitsCommand],
  ...[addFeedCommand, addDutyCommands, addWebCommand],
];

/** What prints something else than an answer: a log, a document, a key. */
const WITHOUT_JSON = ['up', 'describe', 'key encrypt', 'key decrypt', 'key rotate', 'key export', 'key import'];

/** Commands without others below them, by the words that lead there. */
const leaves = (command: Command, path: string[] = []): [string, Command][] =>
  command.commands.length === 0
    ? [[path.join(' '), command]]
    : command.commands.flatMap((inner) => leaves(inner, [...path, inner.name()]));

function helpOf(command: Command): string {
  let text = '';
  command.configureOutput({ writeOut: (said) => (text += said) });
  command.outputHelp();
  return text;
}

test('every command has an example in its help, and JSON for programs', () => {
  const program = new Command('argus');
  for (const each of add) each(program);
  const all = leaves(program);
  assert.ok(all.length > 40);
  const texts = all.map(([path, command]) => [path, helpOf(command)] as const);
  assert.deepEqual(
    texts.filter(([, text]) => !/\nExamples?:\n {2}\S/.test(text)).map(([path]) => path),
    [],
    'without an example',
  );
  const silent = texts.filter(([, text]) => !/--json/.test(text)).map(([path]) => path);
  assert.deepEqual(silent.toSorted(), WITHOUT_JSON.toSorted());
});

test('a command or a flag that is nearly right is told what it may have been meant to be', async () => {
  for (const [line, meant] of [
    [['inof'], 'Did you mean info?'],
    [['client', 'registre'], 'Did you mean register?'],
    [['drain', '--jsn'], 'Did you mean --json?'],
  ] as const) {
    const { status, stderr } = await argus(line);
    assert.equal(status, 2);
    assert.ok(stderr.includes(meant), stderr);
  }
});
