"""Writes the operators of ONNX, as the schemas of the onnx package say, to onnx-operators.json.

    pip install onnx    # any version from 1.16 on: it has the schemas of opset 21
    python3 test/coverage/onnx-operators.py
"""

import json
from pathlib import Path

import onnx

OPSET = 21

latest = {}
for schema in onnx.defs.get_all_schemas_with_history():
    if schema.domain == "" and schema.since_version <= OPSET:
        known = latest.get(schema.name)
        if known is None or schema.since_version > known.since_version:
            latest[schema.name] = schema



def line(name, schema):
    deprecated = ', "deprecated": true' if schema.deprecated else ""
    return f'    {{ "name": {json.dumps(name)}, "since": {schema.since_version}{deprecated} }}'


path = Path(__file__).with_suffix(".json")
lines = ",\n".join(line(name, schema) for name, schema in sorted(latest.items()))
path.write_text(f'{{\n  "opset": {OPSET},\n  "operators": [\n{lines}\n  ]\n}}\n')
