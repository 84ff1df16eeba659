"""``disio up``: everything in one go on embedded stores.

Rule: what it starts are the ordinary services; it adds nothing but starting, watching and stopping them.
"""

from pathlib import Path

from disio import clicking as click


@click.command()
@click.option("--clients", type=click.IntRange(0, 64), default=2, show_default=True, help="Client processes to start.")
@click.option("--demo", type=click.Choice(["pi", "mandelbrot"]), help="Run a demonstration, check its result and end.")
@click.option(
    "--digits", type=click.IntRange(4, 100_000), default=8000, show_default=True, help="Digits of the pi demo."
)
@click.option("--stay", is_flag=True, help="Go on serving after the demo.")
@click.option(
    "--data-dir",
    type=click.Path(file_okay=False, path_type=Path),
    envvar="DISIO_DATA_DIR",
    help="Where everything is kept. Default: the user's data folder; with --demo a temporary one.",
)
@click.option("--port", type=click.IntRange(0, 65535), help="Port of the manager; 0 = any free ports for all services.")
@click.option("--no-browser", is_flag=True, help="Do not open the dashboard in a browser.")
@click.option("--public-status", is_flag=True, help="Show everybody what is computed, at /status of the dashboard.")
@click.option("--json", "as_json", is_flag=True, help="Machine-readable output on stdout: one object a line.")
def up(
    clients: int,
    demo: str | None,
    digits: int,
    stay: bool,
    data_dir: Path | None,
    port: int | None,
    no_browser: bool,
    public_status: bool,
    as_json: bool,
) -> None:
    """Start manager, distributor, dashboard and clients on this machine.

    Prints where to find them and a one-time login link. Ctrl-C stops everything.
    """
    import asyncio
    import sys

    from disio.commands.serving import UpOptions, serve

    options = UpOptions(
        clients=clients,
        demo=demo,
        digits=digits,
        stay=stay,
        data_dir=data_dir,
        port=port,
        as_json=as_json,
        public_status=public_status,
    )
    open_browser = not no_browser and demo is None and sys.stdout.isatty()
    sys.exit(asyncio.run(serve(options, open_browser)))
