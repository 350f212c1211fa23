#!/bin/sh
# Installs what neonarrow needs and does not find: npm packages, cross compilers, QEMU, and builds the QEMU plugin.
# Idempotent, and quick when everything is there, since `npm test` and `npm run demo` begin with it.
#
#   sh toolchain/setup.sh           what build and verify need
#   sh toolchain/setup.sh --armv7   also what --target armv7-neon needs
#   sh toolchain/setup.sh --all     also what bench, Armv7 and bare metal need; in a clone, the tests' tools come without it
#   sh toolchain/setup.sh --check   install nothing; exit 3 when something is missing
#
# Exit codes: 0 everything is there, 1 an installation failed, 3 something is missing and cannot be installed from here.
set -eu

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
all=no
armv7=no
check=no
for argument in "$@"; do
  case $argument in
    --all) all=yes armv7=yes ;;
    --armv7) armv7=yes ;;
    --check) check=yes ;;
    *)
      echo "usage: sh toolchain/setup.sh [--armv7 | --all] [--check]" >&2
      exit 2
      ;;
  esac
done

# Everything goes to stderr: the commands that call this script keep stdout for their own result.
say() { echo "setup: $*" >&2; }
have() { command -v "$1" >/dev/null 2>&1; }

check_node() {
  if ! have node || [ "$(node -p 'process.versions.node.split(".")[0]')" -lt 20 ]; then
    say "Node.js 20 or newer is needed; found: $(node --version 2>/dev/null || echo none)"
    exit 3
  fi
}

# True when node_modules holds what the lock file names. Compared by content: file times say nothing after a checkout.
npm_is_current() {
  [ -f "$root/node_modules/.package-lock.json" ] || return 1
  node -e '
    const read = (file) => JSON.parse(require("node:fs").readFileSync(file, "utf8")).packages;
    const have = read(process.argv[1] + "/node_modules/.package-lock.json");
    for (const [path, want] of Object.entries(read(process.argv[1] + "/package-lock.json"))) {
      // Optional packages are those of other platforms.
      if (path !== "" && !want.optional && !want.devOptional && have[path]?.version !== want.version) process.exit(1);
    }' "$root"
}

install_npm_packages() {
  # An installed neonarrow has no lock file: npm has put its packages where they belong.
  [ -f "$root/package-lock.json" ] || return 0
  if npm_is_current; then return 0; fi
  if [ "$check" = yes ]; then
    say "npm packages are missing; run: (cd $root && npm install --no-save)"
    exit 3
  fi
  say "installing npm packages"
  # Not `npm ci`: npm 11 refuses a lock file that lacks packages of other platforms, which some registries do not carry.
  # The versions are those of the lock file all the same, and it stays as it is.
  (cd "$root" && npm install --no-save --no-audit --no-fund) </dev/null >&2
}

# True when the compiler $1 finds the C library's static archive, which statically linked test programs need.
has_libc() {
  libc=$("$1" -print-file-name=libc.a 2>/dev/null) || return 1
  [ -f "$libc" ]
}

# AddressSanitizer's library comes with gcc on Debian; other systems package it apart.
has_asan() {
  library=$(gcc -print-file-name=libasan.so 2>/dev/null) || return 1
  [ -e "$library" ]
}

missing_packages() {
  have gcc || echo gcc
  if ! have gcc || ! has_libc gcc; then echo libc6-dev; fi
  if have gcc && ! has_asan; then echo "libgcc-$(gcc -dumpversion)-dev"; fi
  have clang || echo clang
  have qemu-aarch64 || echo qemu-user
  # On an Arm host the native gcc is aarch64-linux-gnu-gcc too.
  if [ "$(uname -m)" != aarch64 ]; then
    have aarch64-linux-gnu-gcc || echo gcc-aarch64-linux-gnu
    if ! have aarch64-linux-gnu-gcc || ! has_libc aarch64-linux-gnu-gcc; then echo libc6-dev-arm64-cross; fi
  fi
  # The tests boot programs without an operating system, build bundles as users would, and for every target. A user of the
  # package may need none of that.
  if [ "$all" = yes ] || [ -f "$root/package-lock.json" ]; then
    have make || echo make
    have cmake || echo cmake
    have qemu-system-aarch64 || echo qemu-system-arm
    armv7=yes
  fi
  if [ "$armv7" = yes ]; then
    have arm-linux-gnueabihf-gcc || echo gcc-arm-linux-gnueabihf
    if ! have arm-linux-gnueabihf-gcc || ! has_libc arm-linux-gnueabihf-gcc; then echo libc6-dev-armhf-cross; fi
  fi
  if [ "$all" = yes ]; then have llvm-mca || have llvm-mca-19 || have llvm-mca-18 || llvm_package; fi
}

# LLVM 19 where the distribution has it: its cycle models are newer than the default's.
llvm_package() {
  if [ -n "$(apt-cache search --names-only '^llvm-19$' 2>/dev/null)" ]; then echo llvm-19; else echo llvm; fi
}

# Prints the prefix which makes a command run as root; fails when there is none.
root_prefix() {
  if [ "$(id -u)" = 0 ]; then return 0; fi
  have sudo || return 1
  # Without a terminal nobody can type a password.
  if sudo -n true 2>/dev/null || [ -t 0 ]; then echo sudo; else return 1; fi
}

apt_install() {
  # shellcheck disable=SC2086  # the prefix and the list of packages are words
  $prefix env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $packages >&2
}

install_debian_packages() {
  packages=$(missing_packages | tr '\n' ' ' | sed 's/ $//')
  [ -n "$packages" ] || return 0
  if [ "$check" = yes ] || ! have apt-get || ! prefix=$(root_prefix); then
    say "these are missing: $packages"
    if have apt-get; then
      say "run as root: apt-get update && apt-get install -y --no-install-recommends $packages"
    else
      say "install them with this system's package manager (the names are Debian's)"
    fi
    exit 3
  fi
  say "installing $packages"
  # The package lists of a fresh machine are empty or old; an update costs seconds, so only where it is needed.
  if ! apt_install && ! { $prefix apt-get update -q >&2 && apt_install; }; then
    say "apt-get failed; run it by hand: $prefix apt-get install -y --no-install-recommends $packages"
    exit 1
  fi
  packages=$(missing_packages | tr '\n' ' ' | sed 's/ $//')
  if [ -n "$packages" ]; then
    say "installed, but still not found on PATH: $packages"
    exit 1
  fi
}

# The instruction counter for `bench`. Without it everything else works, so a failure here is only said.
build_qemu_plugin() {
  source=$root/toolchain/qemu-plugin/count.c
  library=$root/.neonarrow/qemu-plugin/count.so
  [ -f "$source" ] && have gcc || return 0
  if [ -f "$library" ] && [ -z "$(find "$root/toolchain/qemu-plugin" -name '*.[ch]' -newer "$library")" ]; then return 0; fi
  [ "$check" = no ] || return 0
  mkdir -p "$(dirname "$library")"
  if gcc -O2 -std=c11 -Wall -Wextra -shared -fPIC -fvisibility=hidden -o "$library.tmp$$" "$source" >&2; then
    mv "$library.tmp$$" "$library"
  else
    rm -f "$library.tmp$$"
    say "the QEMU plugin could not be built: bench will not count instructions"
  fi
}

check_node
install_npm_packages
install_debian_packages
build_qemu_plugin
