#!/bin/sh
# Packs neonarrow as npm would publish it, installs that elsewhere, and runs the installed command: what a user gets holds
# everything that it needs. Needs the npm registry for the dependencies.
set -eu

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

cd "$root"
npm run --silent package -- --pack-destination "$dir" >"$dir/pack.log" 2>&1 || { cat "$dir/pack.log" >&2; exit 1; }
cd "$dir"
echo '{ "private": true }' >package.json
# onnxruntime-node's script would fetch CUDA libraries, which neonarrow never uses.
npm install --ignore-scripts --no-audit --no-fund --loglevel=error ./neonarrow-*.tgz
PATH=$dir/node_modules/.bin:$PATH

neonarrow --version
neonarrow doctor
example=node_modules/neonarrow/examples/digits
neonarrow build "$example/digits.onnx" --calibrate "$example/calibration.npz" --out digits
[ -f digits/include/digits.h ]
echo "the packed neonarrow works"
