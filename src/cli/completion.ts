/** What a shell needs to know of a command. */
export interface CompletableCommand {
  readonly name: string;
  readonly description: string;
  readonly options: readonly { readonly name: string; readonly description: string }[];
}

export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

/** A script that completes the names of commands, then a command's options and files. */
export function completionScript(shell: Shell, commands: readonly CompletableCommand[]): string {
  return { bash, zsh, fish }[shell](commands);
}

function bash(commands: readonly CompletableCommand[]): string {
  const names = commands.map(({ name }) => name).join(' ');
  return `_jdbx() {
  local current="\${COMP_WORDS[COMP_CWORD]}" command="" options="" word
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case " ${names} " in *" $word "*) command="$word"; break ;; esac
  done
  case "$command" in
${commands.map(({ name, options }) => `    ${name}) options="${options.map((option) => option.name).join(' ')}" ;;`).join('\n')}
    *) options="${names}" ;;
  esac
  COMPREPLY=($(compgen -W "$options" -- "$current"))
}
complete -o default -F _jdbx jdbx
`;
}

function zsh(commands: readonly CompletableCommand[]): string {
  const described = (items: readonly { name: string; description: string }[]) =>
    items.map(({ name, description }) => quote(`${name}:${description}`)).join(' ');
  return `#compdef jdbx
_jdbx() {
  local -a items
  local command=\${words[(r)(${commands.map(({ name }) => name).join('|')})]}
  case "$command" in
${commands.map(({ name, options }) => `    ${name}) items=(${described(options)}) ;;`).join('\n')}
    *) items=(${described(commands)}) ;;
  esac
  _describe jdbx items
  [[ -n "$command" ]] && _files
}
compdef _jdbx jdbx
`;
}

function fish(commands: readonly CompletableCommand[]): string {
  const lines = commands.flatMap(({ name, description, options }) => [
    `complete -c jdbx -n __fish_use_subcommand -a ${name} -d ${quote(description)}`,
    ...options.map(
      (option) =>
        `complete -c jdbx -n "__fish_seen_subcommand_from ${name}" -l ${option.name.slice(2)} -d ${quote(option.description)}`,
    ),
  ]);
  return `${lines.join('\n')}\n`;
}

/** For zsh and fish alike: a quote ends the quoted text, stands escaped, and begins it anew. */
function quote(text: string): string {
  return `'${text.replaceAll('\\', '').replaceAll("'", `'\\''`)}'`;
}
