"""``disio completion``: what a shell must know to complete disio's commands.

Rule: it prints, and installs nothing.
"""

from disio import clicking as click

SHELLS = ("bash", "zsh", "fish")


@click.command()
@click.argument("shell", type=click.Choice(SHELLS))
def completion(shell: str) -> None:
    """Print the completion script of SHELL.

    bash: `eval "$(disio completion bash)"` in ~/.bashrc. zsh: the same with zsh in ~/.zshrc.
    fish: `disio completion fish > ~/.config/fish/completions/disio.fish`.
    """
    from click.shell_completion import ShellComplete, get_completion_class

    from disio.cli import root

    kind = get_completion_class(shell)
    assert kind is not None, "click knows these shells"
    made = kind(root, {}, "disio", "_DISIO_COMPLETE")
    click.echo(ShellComplete.source(made))  # that of bash would start one, to ask for its version
