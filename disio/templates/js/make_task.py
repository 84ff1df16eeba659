"""Puts the unit into task.json. Run it after each change of the unit."""

import json
from pathlib import Path

folder = Path(__file__).parent
task = json.loads((folder / "task.json").read_text(encoding="utf-8"))
task["workunit"]["source"] = (folder / "unit.js").read_text(encoding="utf-8")
(folder / "task.json").write_text(json.dumps(task, indent=2) + "\n", encoding="utf-8")
