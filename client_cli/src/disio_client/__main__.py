"""``python -m disio_client`` = the ``disio-client`` command."""

from disio_client.cli import main

main()
