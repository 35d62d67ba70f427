import type { Command } from 'commander';
import type { Config } from '../actors/config.js';
import { WebToken } from '../actors/web-token.js';
import { OperatorError } from './operator.js';
import { printJson } from './print.js';
import { addPageFlags, configOf } from './settings.js';

/** How long the page may take to answer at all, in ms. */
const PATIENCE_MS = 3_000;

export function addWebCommand(program: Command): void {
  addPageFlags(program.command('web'))
    .description("print the address of this node's web page, with the token that lets a browser in")
    .option('--json', 'one line of JSON')
    .addHelpText('after', '\nExample:\n  argus web')
    .action((_options, command: Command) => webPage(configOf(command), command.opts().json === true));
}

/** `argus web`: prints where this node's page is, with the token of its folder. Rejects with `OperatorError` if nothing is there. */
async function webPage({ web: { listen }, data }: Config, json: boolean): Promise<void> {
  if (!listen)
    throw new OperatorError('the web page is off: set listen = "127.0.0.1:9816" under [web] in argus.toml, or --web');
  const { host, port } = listen;
  const there = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host;
  const url = `http://${there.includes(':') ? `[${there}]` : there}:${port}`;
  const { status } = await fetch(`${url}/`, { signal: AbortSignal.timeout(PATIENCE_MS) }).catch((cause) => {
    throw new OperatorError(`no web page at ${url}: is the node up? Its log says if it could not listen there`, {
      cause,
    });
  });
  if (status !== 401) throw new OperatorError(`what listens at ${url} is no node of a tower`);
  const login = `${url}/login?token=${WebToken.of(data).text}`;
  if (json) printJson({ url: login });
  else process.stdout.write(`${login}\n`);
}
