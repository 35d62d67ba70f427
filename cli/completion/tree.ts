import type { Command, Option } from 'commander';
import { Network } from '../../actors/chain-monitor/networks.js';

/** What may be typed after `argus`, as the commands themselves say it. */

/** What an option is followed by. */
export interface Flag {
  /** `--network` */
  readonly name: string;
  readonly help: string;
  readonly takesValue: boolean;
  /** Its values, where they are few and known; otherwise it may be a file. */
  readonly values: readonly string[];
}

/** A place in a line. */
export interface Place {
  /** The words that lead there: `argus key export`. */
  readonly path: string;
  readonly commands: readonly { readonly name: string; readonly help: string }[];
  readonly flags: readonly Flag[];
  /** What its first argument may be, where that is known. */
  readonly choices: readonly string[];
}

/** All places, the program's own first. */
export function placesOf(command: Command, path = command.name()): Place[] {
  const help = command.createHelp();
  const commands = help.visibleCommands(command);
  const place: Place = {
    path,
    commands: commands.map((inner) => ({ name: inner.name(), help: inner.description() })),
    flags: help.visibleOptions(command).flatMap((option) => flagOf(option)),
    choices: command.registeredArguments[0]?.argChoices ?? [],
  };
  return [
    place,
    ...commands.flatMap((inner) =>
      inner.name() === 'help' ? helpOf(place) : placesOf(inner, `${path} ${inner.name()}`),
    ),
  ];
}

/** `argus help` is followed by a command's name. */
const helpOf = ({ path, commands }: Place): Place => ({
  path: `${path} help`,
  commands: [],
  flags: [],
  choices: commands.map(({ name }) => name).filter((name) => name !== 'help'),
});

function flagOf({ long, description, required, optional, argChoices }: Option): Flag[] {
  if (!long) return [];
  const values = argChoices ?? (long === '--network' ? Network.options : []);
  return [{ name: long, help: description, takesValue: required || optional, values }];
}

/** Every flag that is followed by a value, in any command. */
export const valued = (places: readonly Place[]): Flag[] => {
  const flags = places.flatMap(({ flags }) => flags.filter(({ takesValue }) => takesValue));
  return [...new Map(flags.map((flag) => [flag.name, flag])).values()];
};

/** All that may be typed at a place. */
export const wordsAt = ({ commands, choices, flags }: Place): string[] => [
  ...commands.map(({ name }) => name),
  ...choices,
  ...flags.map(({ name }) => name),
];
