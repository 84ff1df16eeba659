"""``python -m disio_dashboard``."""

from disio_dashboard.cli import dashboard

dashboard(prog_name="python -m disio_dashboard")
