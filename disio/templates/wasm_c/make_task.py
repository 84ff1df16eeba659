"""Puts the unit into task.json. Run it after each change of the unit."""

import base64
import json
from pathlib import Path

folder = Path(__file__).parent
task = json.loads((folder / "task.json").read_text(encoding="utf-8"))
task["workunit"]["source_base64"] = base64.b64encode((folder / "unit.wasm").read_bytes()).decode()
(folder / "task.json").write_text(json.dumps(task, indent=2) + "\n", encoding="utf-8")
