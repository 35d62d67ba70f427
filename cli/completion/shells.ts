import { type Place, valued, wordsAt } from './tree.js';

/** What each shell is told, in its own language. */

const quoted = (text: string): string => `'${text}'`;
const either = (texts: readonly string[]): string => texts.map(quoted).join('|');
/** The commands that lead from one place to another. */
const steps = (places: readonly Place[]): string[] => places.slice(1).map(({ path }) => path);
const cases = (places: readonly Place[]): string =>
  places.map((place) => `        ${quoted(place.path)}) words='${wordsAt(place).join(' ')}' ;;`).join('\n');
const values = (places: readonly Place[]): string =>
  valued(places)
    .filter(({ values }) => values.length > 0)
    .map(({ name, values }) => `    ${quoted(name)}) words='${values.join(' ')}' ;;`)
    .join('\n');
const names = (places: readonly Place[]): string => either(valued(places).map(({ name }) => name));

/** Of what is not known, such as the value of an option, bash offers files. */
export const bash = (places: readonly Place[]): string => `# argus, for bash: eval "$(argus completion bash)"
_argus() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD-1]} at=argus words='' i
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    case \${COMP_WORDS[i]} in
      ${names(places)}) ((i++)); continue ;;
    esac
    case "$at \${COMP_WORDS[i]}" in
      ${either(steps(places))}) at="$at \${COMP_WORDS[i]}" ;;
    esac
  done
  case $prev in
${values(places)}
    ${names(places)}) ;;
    *)
      case $at in
${cases(places)}
      esac ;;
  esac
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
}
complete -o default -F _argus argus
`;

export const zsh = (places: readonly Place[]): string => `#compdef argus
# argus, for zsh: argus completion zsh > a folder of $fpath/_argus
_argus() {
  local prev=\${words[CURRENT-1]} at=argus offered=''
  local -i i
  for ((i = 2; i < CURRENT; i++)); do
    case \${words[i]} in
      ${names(places)}) ((i++)); continue ;;
    esac
    case "$at \${words[i]}" in
      ${either(steps(places))}) at="$at \${words[i]}" ;;
    esac
  done
  case $prev in
${values(places).replaceAll(') words=', ') offered=')}
    ${names(places)}) ;;
    *)
      case $at in
${cases(places).replaceAll(') words=', ') offered=')}
      esac ;;
  esac
  if [[ -n $offered ]]; then compadd -- \${=offered}; fi
  if [[ $PREFIX != -* && ( -z $offered || $offered == --* ) ]]; then _files; fi
}
if [[ \${funcstack[1]} == _argus ]]; then _argus "$@"; else compdef _argus argus; fi
`;

export const fish = (places: readonly Place[]): string =>
  [
    '# argus, for fish: argus completion fish > ~/.config/fish/completions/argus.fish',
    'function __argus_at',
    '  set -l at argus',
    '  set -l skip no',
    '  for word in (commandline -opc)[2..-1]',
    '    if test $skip = yes',
    '      set skip no',
    '      continue',
    '    end',
    `    contains -- $word ${valued(places)
      .map(({ name }) => name)
      .join(' ')}; and set skip yes; and continue`,
    `    contains -- "$at $word" ${steps(places).map(quoted).join(' ')}; and set at "$at $word"`,
    '  end',
    '  test "$at" = "$argv"',
    'end',
    ...places.flatMap(fishLines),
    '',
  ].join('\n');

function fishLines({ path, commands, choices, flags }: Place): string[] {
  const start = `complete -c argus -n ${quoted(`__argus_at ${path}`)}`;
  const about = (help: string) => `-d ${quoted(help.replace(/[\\']/g, '\\$&'))}`;
  return [
    ...commands.map(({ name, help }) => `${start} -f -a ${name} ${about(help)}`),
    ...(choices.length > 0 ? [`${start} -f -a ${quoted(choices.join(' '))}`] : []),
    ...flags.map(({ name, help, takesValue, values }) => {
      const value = values.length > 0 ? ` -x -a ${quoted(values.join(' '))}` : takesValue ? ' -r' : '';
      return `${start} -l ${name.slice(2)}${value} ${about(help)}`;
    }),
  ];
}
