import type { Command } from 'commander';
import { parseQuest, QUEST_FORMS } from '../../actors/auditor/quest.js';
import { UserId } from '../../events/ids.js';
import { notUnderstood, parseArgument } from '../arguments.js';
import { auditCommand } from './audit.js';
import { exportEvents } from './export.js';
import { follow, typesOf } from './follow.js';
import { heightPoint, POINTS_HELP, pointOf } from './points.js';
import { replay } from './replay.js';
import { stats } from './stats.js';
import { timeline } from './timeline.js';
import { walkLog } from './walk.js';

/** The commands that tell a tower's history, and check nothing of it: `argus audit verify` does that. */
export function addHistoryCommands(audit: Command): void {
  addReplay(audit);
  addTimeline(audit);
  addExport(audit);
  addStats(audit);
  addFollow(audit);
}

const addReplay = (audit: Command) =>
  auditCommand(audit, 'replay')
    .description('what the tower was at a moment: its tip, users, appointments and trackers')
    .option('--until <point>', 'the moment; the newest unless given')
    .option('--height <n>', 'the same as --until height:N')
    .option('--user <id>', 'only what is of this user')
    .option('--diff <points...>', 'what changed between two moments, instead')
    .option('--summary', 'only the numbers of each shard')
    .addHelpText(
      'after',
      `${POINTS_HELP}
--json gives one line for each: its "kind" is tip, shard, user, appointment or tracker.
Examples:
  argus audit replay --until 2026-10-01T12:00:00Z --summary
  argus audit replay --diff height:850000 end --user 02e5...`,
    )
    .action(async (_options, command: Command) => {
      const { until, height, user, diff, summary = false, json = false } = command.opts();
      if (diff && (diff.length !== 2 || until !== undefined || height !== undefined))
        throw notUnderstood('--diff takes two moments, and no --until or --height');
      if (until !== undefined && height !== undefined) throw notUnderstood('either --until or --height');
      const options = {
        until: height === undefined ? await pointOf(until) : heightPoint(height),
        diff: diff && ([await pointOf(diff[0]), await pointOf(diff[1])] as const),
        user: user === undefined ? undefined : userOf(user),
        summary,
        json,
      };
      await walkLog(command, (source, walk) => replay(source, options, walk));
    });

const addTimeline = (audit: Command) =>
  auditCommand(audit, 'timeline <id>')
    .description(`everything that ever happened to something: ${QUEST_FORMS}`)
    .option('--until <point>', 'up to this moment; to the newest unless given')
    .addHelpText(
      'after',
      `${POINTS_HELP}
A line is: time (by the node's clock), place on the log, whose commit it is, what happened. A locator is found in either byte
order. Exit status: 0, or 1 if there is nothing.
Example:
  argus audit timeline 6a3f...`,
    )
    .action(async (id: string, _options, command: Command) => {
      const quest = parseQuest(id);
      if (!quest) throw notUnderstood(`what to tell of is ${QUEST_FORMS}`);
      const { until, json = false } = command.opts();
      const options = { quest, until: await pointOf(until), json };
      await walkLog(command, async (source, walk) => {
        if (await timeline(source, options, walk)) return;
        walk.clear();
        process.stderr.write(`argus: nothing on the log is about ${id}\n`);
        process.exitCode = 1;
      });
    });

const addExport = (audit: Command) =>
  auditCommand(audit, 'export')
    .description('the events of a range, one a row, as JSON lines or a Parquet file')
    .option('--format <format>', 'ndjson or parquet', 'ndjson')
    .option('--out <file>', 'a file, which gets its name when it is whole; stdout unless given')
    .option('--from <point>', 'from this moment on; from the beginning unless given')
    .option('--until <point>', 'up to this moment; to the newest unless given')
    .option('--shard <n>', 'only this shard, without the chain')
    .option('--resume', 'go on with FILE.part, which an export to FILE that was broken off left behind (ndjson)')
    .option('--force', 'replace the file if it is there')
    .addHelpText(
      'after',
      `${POINTS_HELP}
The rows come stream by stream: CHAIN, TOWER_0, TOWER_1..., POLICY. What went to stdout and was broken off is gone on with by
--shard N --from POSITION, that of the last row plus one; in Parquet, ids and transactions are bytes, times are timestamps.
Examples:
  argus audit export --from 2026-10-01 --until 2026-11-01 > october.ndjson
  argus audit export --format parquet --out events.parquet`,
    )
    .action(async (_options, command: Command) => {
      const { format, out, from, until, shard, resume = false, force = false } = command.opts();
      if (format !== 'ndjson' && format !== 'parquet') throw notUnderstood(`${format} is not ndjson or parquet`);
      const options = { format, out, ...(await rangeOf(from, until)), shard: shardOf(shard), resume, force } as const;
      await walkLog(command, (source, walk) => exportEvents(source, options, walk));
    });

const addStats = (audit: Command) =>
  auditCommand(audit, 'stats')
    .description('what happened over a range, in numbers: acceptance, breaches, answer times')
    .option('--from <point>', 'from this moment on; from the beginning unless given')
    .option('--until <point>', 'up to this moment; to the newest unless given')
    .addHelpText(
      'after',
      `${POINTS_HELP}
Answer times are of the breaches that were first told of in the range: from there to the first broadcast of the penalty, and to
its first block, by the clocks of the nodes and in blocks.
Example:
  argus audit stats --from 2026-10-01 --until 2026-11-01`,
    )
    .action(async (_options, command: Command) => {
      const { from, until, json = false } = command.opts();
      const options = { ...(await rangeOf(from, until)), json };
      await walkLog(command, (source, walk) => stats(source, options, walk));
    });

const addFollow = (audit: Command) =>
  auditCommand(audit, 'follow')
    .description('what happens, as it happens, one line an event, until ctrl-c')
    .option('--from <point>', 'from this moment on; from now on unless given')
    .option('--shard <n>', 'only this shard, without the chain')
    .option('--type <types>', 'only these types of events, such as BreachDetected,PenaltyBroadcast')
    .addHelpText('after', `${POINTS_HELP}\nExample:\n  argus audit follow --from 2026-10-01 --type BreachDetected`)
    .action(async (_options, command: Command) => {
      const { from, shard, type = '', json = false, offline = false } = command.opts();
      if (offline) throw notUnderstood('nothing happens in an archive: to follow takes the log');
      const { from: begin } = await rangeOf(from, undefined);
      const options = { from: begin, shard: shardOf(shard), types: typesOf(type), json };
      await walkLog(command, (source, { signal }) => follow(source, options, signal), 0);
    });

async function rangeOf(from: string | undefined, until: string | undefined) {
  return { from: from === undefined ? undefined : await pointOf(from), until: await pointOf(until) };
}

function userOf(text: string): UserId {
  return parseArgument(UserId, text.toLowerCase());
}

function shardOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (!/^\d{1,4}$/.test(text)) throw notUnderstood(`${text.slice(0, 100)} is not the number of a shard`);
  return Number(text);
}
