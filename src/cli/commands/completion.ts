import { Argument, type Command } from 'commander';
import { type CompletableCommand, completionScript, SHELLS, type Shell } from '../completion.js';
import { examples } from '../examples.js';
import type { Invocation } from '../invocation.js';

export function addCompletion(program: Command, invocation: Invocation): void {
  program
    .command('completion')
    .description('print a script that makes the shell complete commands and options')
    .addArgument(new Argument('<shell>').choices(SHELLS))
    .addHelpText(
      'after',
      examples(
        ['eval "$(jdbx completion bash)"', 'in ~/.bashrc'],
        ['eval "$(jdbx completion zsh)"', 'in ~/.zshrc, after compinit'],
        ['jdbx completion fish > ~/.config/fish/completions/jdbx.fish', 'once'],
      ),
    )
    .action((shell: Shell) => invocation.output.raw(completionScript(shell, describe(program))));
}

function describe(program: Command): readonly CompletableCommand[] {
  const globals = optionsOf(program);
  return program.commands.map((command) => ({
    name: command.name(),
    description: command.description(),
    options: [...optionsOf(command), ...globals],
  }));
}

function optionsOf(command: Command): { name: string; description: string }[] {
  return command.options.flatMap(({ long, description }) =>
    long ? [{ name: long, description }] : [],
  );
}
