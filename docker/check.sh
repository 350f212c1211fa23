#!/bin/sh
# Builds the image and runs the demo and a regression inside, as its unprivileged user: verified, and the same bytes as the
# committed bundle.
#
#   sh docker/check.sh [BASE]      BASE: another base image, e.g. a registry mirror's
#
# Uses docker, podman or buildah, whichever is there and works. IMAGE names the result (default: neonarrow).
set -eu

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
image=${IMAGE:-neonarrow}
dockerfile=$root/docker/Dockerfile

if docker info >/dev/null 2>&1; then
  engine=docker
elif podman info >/dev/null 2>&1; then
  engine=podman
elif command -v buildah >/dev/null 2>&1; then
  engine=buildah
else
  echo "docker/check.sh: needs docker, podman or buildah; install one, e.g. apt-get install buildah" >&2
  exit 3
fi
echo "docker/check.sh: using $engine" >&2

# Needs neither a daemon nor the kernel's overlay file system, so that it also runs inside a container. "neonarrow --in-docker"
# finds the image where both are set the same.
export STORAGE_DRIVER="${STORAGE_DRIVER:-vfs}" BUILDAH_ISOLATION="${BUILDAH_ISOLATION:-chroot}"
in_buildah() {
  command=$1
  shift
  buildah --storage-driver "$STORAGE_DRIVER" "$command" "$@"
}

build_image() {
  case $engine in
    buildah) in_buildah bud --ignorefile "$dockerfile.dockerignore" -f "$dockerfile" -t "$image" "$@" "$root" ;;
    *) "$engine" build -f "$dockerfile" -t "$image" "$@" "$root" ;;
  esac
}

# Runs a shell command in the image, with the repository at /data, read-only.
run_in_image() {
  case $engine in
    buildah)
      container=$(in_buildah from "$image")
      status=0
      in_buildah run --user neonarrow -v "$root:/data:ro" "$container" -- sh -c "$1" || status=$?
      in_buildah rm "$container" >/dev/null
      return "$status"
      ;;
    *) "$engine" run --rm -v "$root:/data:ro" --entrypoint sh "$image" -c "$1" ;;
  esac
}

if [ $# -gt 0 ]; then build_image --build-arg "BASE=$1"; else build_image; fi

case $engine in
  buildah) in_buildah images "$image" >&2 ;;
  *) "$engine" images "$image" >&2 ;;
esac

run_in_image '
  set -eu
  neonarrow doctor
  neonarrow build /data/examples/digits/digits.onnx --calibrate /data/examples/digits/calibration.npz \
    --evaluate /data/examples/digits/evaluation.npz --out /tmp/digits
  diff -r /data/generated/digits /tmp/digits
  neonarrow regress /tmp/digits --no-state --strict
  echo "the image makes the same bytes, verifies them and replays them"
'
