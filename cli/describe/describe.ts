import { Argument, type Command } from 'commander';
import { asyncApi } from './asyncapi.js';
import { openApi } from './openapi.js';

/** The tower's doors, described for programs: what `docs/openapi.json` and `docs/asyncapi.json` hold. */
export const documents = { http: openApi, nats: asyncApi } as const;

/** As it is kept in a file. */
export const textOfDocument = (door: keyof typeof documents): string =>
  `${JSON.stringify(documents[door](), null, 2)}\n`;

/** `argus describe http|nats` */
export function addDescribeCommand(program: Command): void {
  program
    .command('describe')
    .description('print what clients send and get, for programs: OpenAPI of the HTTP door, AsyncAPI of the NATS door')
    .addArgument(new Argument('<door>', 'which of them').choices(Object.keys(documents)))
    .addHelpText('after', '\nExample:\n  argus describe http > openapi.json')
    .action((door: keyof typeof documents) => void process.stdout.write(textOfDocument(door)));
}
